"""``python -m mcss``: the same as the console script, for launchers that start the program again on every rank."""

from mcss.cli import main

main()
