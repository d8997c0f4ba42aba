"""The studio: a multi-view data set that anyone can render."""
