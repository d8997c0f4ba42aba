"""``mcss-data render``: render a multi-view data set into a store."""

import argparse
from pathlib import Path

from data_modules.commands.arguments import Subparsers, add_preset, at_least, chosen_preset
from data_modules.commands.same_config import require_same_config
from data_modules.store import open_store
from data_modules.store.format import STORE_FILE
from data_modules.store.writer import require_replaceable


def add_parser(subparsers: Subparsers) -> None:
    """Describe the arguments."""
    parser = subparsers.add_parser("render", help="render a multi-view data set", allow_abbrev=False)
    parser.add_argument("--out", type=Path, required=True, metavar="STORE", help="directory to write")
    add_preset(parser)
    parser.add_argument("--size", type=at_least(16), metavar="PX", help="side of the crops (default: the preset's)")
    parser.add_argument("--workers", type=at_least(1), help="processes (default: one a core)")
    parser.add_argument("--contact-sheet", type=Path, metavar="IMAGE", help="overview (STORE/contact_sheet.jpg)")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Render the store unless it is there, then its overview."""
    from data_modules.sources.studio.build import build_studio, studio_meta
    from data_modules.sources.studio.contact_sheet import write_contact_sheet

    config = chosen_preset(options, crop_size_px=options.size)
    if (options.out / STORE_FILE).exists():
        require_same_config(options.out, studio_meta(config).config)
        print(f"{options.out}: already rendered")
    else:
        require_replaceable(options.out)
        build_studio(config, options.out, options.workers)
        print(f"{options.out}: {len(open_store(options.out))} images")
    sheet = options.contact_sheet or options.out / "contact_sheet.jpg"
    if options.contact_sheet or not sheet.exists():
        write_contact_sheet(options.out, sheet)
        print(f"written: {sheet}")
