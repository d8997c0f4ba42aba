"""The program ``mcss``: its subcommands, each in its own module, of which only the one that is asked for is loaded.

``python -m mcss`` is the same as the console script, for launchers that start the program again on every rank.
"""

import sys
from collections.abc import Sequence


def main(args: Sequence[str] | None = None) -> None:
    """Run the program; ``args`` default to the command line's.

    Raises:
        SystemExit: code 2 after one line on stderr where the input is at fault.
    """
    words = sys.argv[1:] if args is None else list(args)
    if words[:1] == ["predict"]:  # with an exported network it needs no torch
        from mcss.predict.cli import main as predict

        predict(words[1:])
    elif words[:1] == ["export"]:
        from mcss.export import main as export

        export(words[1:])
    else:
        from mcss.cli import main as train

        train(words)


if __name__ == "__main__":
    main()
