"""``mcss-data label``: a page on this machine on which joints are clicked in own videos."""

import argparse
import logging
import secrets
from pathlib import Path

from data_modules.commands.arguments import Subparsers, at_least
from mcss.errors import InputError


def add_parser(subparsers: Subparsers) -> None:
    """Describe the arguments."""
    parser = subparsers.add_parser("label", help="click joints in own videos, on a local page", allow_abbrev=False)
    parser.add_argument("views", type=Path, metavar="VIEWS", help="folder of the videos")
    parser.add_argument(
        "--instants", type=at_least(1), default=20, metavar="N", help="instants proposed for each clip (%(default)s)"
    )
    parser.add_argument(
        "--ckpt",
        type=Path,
        metavar="CKPT",
        help="network whose embeddings say which instants differ (default: pictures)",
    )
    parser.add_argument("--port", type=int, default=0, help="of the page (default: one that is free)")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Serve the page until interrupted; every click is saved in VIEWS/clicks.csv at once.

    Raises:
        InputError: the videos or the checkpoint cannot be read, or the web framework is not installed.
    """
    try:
        from werkzeug.serving import make_server

        from data_modules.sources.footage.labelling.app import HOST, make_app
    except ModuleNotFoundError as error:
        if error.name not in ("flask", "werkzeug"):
            raise
        raise InputError("the page needs flask: pip install -e '.[label]' in the project's folder") from None
    from data_modules.sources.footage.labelling.session import Session

    logging.getLogger("werkzeug").setLevel(logging.ERROR)  # whose lines would repeat the token
    session, token = Session(options.views, options.instants, options.ckpt), secrets.token_urlsafe(24)
    for line in session.remarks:
        print(line)
    server = make_server(HOST, options.port, make_app(session, token), threaded=True)
    print(f"{len(session.instants)} instants to label, {len(session.clicks)} clicks so far. Open", flush=True)
    print(f"http://{HOST}:{server.port}/{token}/", flush=True)
    print("and end with Ctrl+C; every click is saved in", options.views / "clicks.csv", flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        print("ended")
