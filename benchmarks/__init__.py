"""How fast the project is, as ratios against other ways to do the same."""
