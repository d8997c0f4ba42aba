"""``mcss-data render``: render a multi-view data set into a store."""

import argparse
from pathlib import Path

from data_modules.commands.arguments import Subparsers, add_preset, at_least, chosen_preset
from data_modules.store import open_store


def add_parser(subparsers: Subparsers) -> None:
    """Describe the arguments."""
    parser = subparsers.add_parser("render", help="render a multi-view data set", allow_abbrev=False)
    parser.add_argument("--out", type=Path, required=True, metavar="STORE", help="directory to write")
    add_preset(parser)
    parser.add_argument(
        "--motion", metavar="DIR", help="play these BVH files and AMASS npz files in place of the written actions"
    )
    parser.add_argument("--size", type=at_least(16), metavar="PX", help="side of the crops (default: the preset's)")
    parser.add_argument("--workers", type=at_least(1), help="processes (default: one a core)")
    parser.add_argument("--contact-sheet", type=Path, metavar="IMAGE", help="overview (STORE/contact_sheet.jpg)")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Render the store unless it is there, then its overview."""
    from data_modules.sources.studio.contact_sheet import write_contact_sheet
    from data_modules.sources.studio.source import build_studio

    changes = build_studio(
        chosen_preset(options, crop_size_px=options.size, motion=options.motion), options.out, options.workers
    )
    print(
        f"{options.out}: {len(open_store(options.out))} images"
        if changes.is_new
        else f"{options.out}: already rendered"
    )
    sheet = options.contact_sheet or options.out / "contact_sheet.jpg"
    if options.contact_sheet or not sheet.exists():
        write_contact_sheet(options.out, sheet)
        print(f"written: {sheet}")
