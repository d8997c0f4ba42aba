"""The embedding under test: the retrieval benchmark and the analysis of the paper's section 6."""
