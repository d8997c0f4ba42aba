"""``python -m mcss.retrieval``."""

from mcss.retrieval.write import main

main()
