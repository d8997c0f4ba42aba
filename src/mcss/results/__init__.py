"""Results of finished runs: their records, the table of all runs, figures, and a page for each run."""
