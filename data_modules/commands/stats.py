"""``mcss-data stats``: print what is in a store."""

import argparse
import json
from pathlib import Path

from data_modules.commands.arguments import Subparsers


def add_parser(subparsers: Subparsers) -> None:
    """Describe the arguments."""
    parser = subparsers.add_parser("stats", help="print what is in a store")
    parser.add_argument("store", type=Path)
    parser.add_argument("--json", action="store_true", help="for programs")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Print the data card."""
    from data_modules.store.card import data_card
    from data_modules.store.check import store_statistics

    card = store_statistics(options.store)
    print(json.dumps(card, indent=2, ensure_ascii=False) if options.json else data_card(card))
