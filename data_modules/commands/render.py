"""``mcss-data render``: render a multi-view data set into a store."""

import argparse
from pathlib import Path

from data_modules.commands.arguments import Subparsers, add_preset, at_least, chosen_preset, minutes
from data_modules.store import open_store


def add_parser(subparsers: Subparsers) -> None:
    """Describe the arguments."""
    parser = subparsers.add_parser("render", help="render a multi-view data set", allow_abbrev=False)
    parser.add_argument("--out", type=Path, required=True, metavar="STORE", help="directory to write")
    add_preset(parser)
    parser.add_argument(
        "--motion", metavar="DIR", help="play these BVH files and AMASS npz files in place of the written actions"
    )
    parser.add_argument(
        "--backgrounds", metavar="DIR", help="photographs for the walls, or one equirectangular picture"
    )
    parser.add_argument("--people", type=at_least(1), metavar="N", help="training people (default: the preset's)")
    parser.add_argument("--cameras", type=at_least(2), metavar="N", help="number of cameras (default: the preset's)")
    parser.add_argument("--minutes", type=minutes, help="film each training person so long (default: the preset's)")
    parser.add_argument(
        "--sync-error", type=float, metavar="MS", help="clocks of two cameras differ by as much (default: by nothing)"
    )
    parser.add_argument("--size", type=at_least(16), metavar="PX", help="side of the crops (default: the preset's)")
    parser.add_argument("--workers", type=at_least(1), help="processes (default: one a core)")
    parser.add_argument("--contact-sheet", type=Path, metavar="IMAGE", help="overview (STORE/contact_sheet.jpg)")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Render the store unless it is there, then its overview."""
    from data_modules.sources.studio.source import build_studio

    names = {"crop_size_px": "size", "sync_error_ms": "sync_error"}
    names |= {name: name for name in ("motion", "backgrounds", "minutes")}
    config = chosen_preset(options, **{name: getattr(options, option) for name, option in names.items()})
    config = config.with_people(options.people) if options.people else config
    config = config.with_cameras(options.cameras) if options.cameras else config
    changes = build_studio(config, options.out, options.workers)
    print(
        f"{options.out}: {len(open_store(options.out))} images"
        if changes.is_new
        else f"{options.out}: already rendered"
    )
    sheet = options.contact_sheet or options.out / "contact_sheet.jpg"
    if options.contact_sheet or not sheet.exists():
        from data_modules.sources.studio.contact_sheet import write_contact_sheet

        write_contact_sheet(options.out, sheet)
        print(f"written: {sheet}")
