"""``make retrieval``: cross-view pose retrieval with embeddings (paper, Sec. 6)."""
