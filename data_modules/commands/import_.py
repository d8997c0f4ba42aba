"""``mcss-data import``: turn files of a data set into a store."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from data_modules.commands.arguments import Subparsers, at_least, seconds
from data_modules.sources.registry import LAYOUTS, make_layout
from data_modules.store import open_store

if TYPE_CHECKING:
    from data_modules.build import Changes


def add_parser(subparsers: Subparsers) -> None:
    """Describe the arguments."""
    parser = subparsers.add_parser("import", help="turn files of a data set into a store", allow_abbrev=False)
    parser.add_argument("layout", metavar="LAYOUT", help=f"how the files are arranged: {', '.join(LAYOUTS)}")
    parser.add_argument("--source", type=Path, required=True, metavar="DIR", help="folder of the files")
    parser.add_argument("--out", type=Path, required=True, metavar="STORE", help="directory to write")
    parser.add_argument("--subjects", nargs="+", metavar="NAME", help="import these (default: all that are there)")
    parser.add_argument("--test-subjects", nargs="*", metavar="NAME", help="for the test (default: the data set's)")
    parser.add_argument("--cameras", nargs="+", metavar="NAME", help="import these (default: the layout's)")
    rate = parser.add_mutually_exclusive_group()
    rate.add_argument("--step", type=at_least(1), metavar="N", help="every Nth frame (default: the layout's)")
    rate.add_argument("--every", type=seconds, metavar="S", help="instead: instants S seconds apart, such as 0.2")
    parser.add_argument("--test-step", type=at_least(1), metavar="N", help="of the test subjects (default: --step)")
    parser.add_argument("--size", type=at_least(16), default=256, metavar="PX", help="side of the crops (%(default)s)")
    parser.add_argument(
        "--detector",
        metavar="WEIGHTS",
        help="boxes of own videos: COCO_V1, a file, or motion (default: COCO_V1 where it can be had, else motion)",
    )
    parser.add_argument(
        "--images",
        metavar="NAME",
        help="images of Human3.6M: videos, processed, mks0601 or mmpose (default: those that come with the labels)",
    )
    parser.add_argument("--exclusions", default="default", metavar="FILE", help="YAML of bad clips; default, none")
    parser.add_argument("--strict", action="store_true", help="fail where anything would be skipped")
    parser.add_argument("--workers", type=at_least(1), help="processes (default: one a core)")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Import what is new or has changed, and say what was left out."""
    from data_modules.build import build_store, chosen_clips
    from data_modules.clip_rows import BuildSettings
    from data_modules.show import PAGE_FILE, write_page
    from data_modules.sources.exclusions import applicable, read_exclusions

    source = make_layout(options.layout, options.source, options.images)
    if options.detector:
        source.use_detector(options.detector)
    chosen = options.test_subjects
    settings = BuildSettings(
        crop_size_px=options.size,
        step=options.step or source.step,
        step_test=options.test_step or options.step or source.step_test,
        every_s=options.every,
        cameras=tuple(options.cameras) if options.cameras else None,
        exclusions=applicable(read_exclusions(options.exclusions, source.data_set.name), source),
        subjects_test=source.data_set.subjects_test if chosen is None else tuple(chosen),
        strict=options.strict,
    )
    clips = chosen_clips(source, settings, options.subjects)
    if not options.detector and (line := source.prefer_detector(clips)):
        print(line)
    changes = build_store(source, options.out, settings, clips, options.workers)
    page = options.out / PAGE_FILE
    if changes.is_new:
        _report(changes, options.out)
    else:
        print(f"{options.out}: already imported")
    if changes.is_new or not page.exists():
        write_page(options.out)
        print(f"look at it: {page}")


def _report(changes: "Changes", path: Path) -> None:
    """Say what the store at ``path`` holds now, and what was left out."""
    store = open_store(path)
    print(f"{path}: {len(store)} images of {len(set(store.instant.tolist()))} instants")
    if changes.kept or changes.dropped:
        print(f"clips: {len(changes.built)} imported, {len(changes.kept)} kept as they were")
    if changes.dropped:
        print(f"dropped, no longer in the source or not chosen: {', '.join(changes.dropped)}")
    if store.meta.excluded:
        print("left out, not read, or not checked:")
    for item in store.meta.excluded:
        print(f"  {item['sequence']}: {item['reason']}")
