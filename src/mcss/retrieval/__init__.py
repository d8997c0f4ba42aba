"""``make retrieval``: how well embeddings retrieve poses across views (paper, Sec. 6)."""
