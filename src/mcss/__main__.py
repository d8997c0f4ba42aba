"""The program ``mcss``; each subcommand is in its own module, which is imported only if it is called.

``python -m mcss`` equals the console script; launchers use it to start the program on every rank.
"""

import sys
from collections.abc import Sequence


def main(args: Sequence[str] | None = None) -> None:
    """Run the program; ``args`` default to the command line's.

    Raises:
        SystemExit: code 2 after one line on stderr if the input is invalid.
    """
    words = sys.argv[1:] if args is None else list(args)
    if words[:1] == ["predict"]:  # does not import torch if the network is an exported one
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
