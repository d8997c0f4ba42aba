"""``mcss-data solve``: 3D poses and cameras from 2D joints in several views, without calibration."""

import argparse
from pathlib import Path

from data_modules.commands.arguments import Subparsers
from mcss.errors import InputError


def add_parser(subparsers: Subparsers) -> None:
    """Describe the arguments."""
    parser = subparsers.add_parser(
        "solve", help="make 3D poses from 2D joints in own videos, without calibration", allow_abbrev=False
    )
    parser.add_argument("views", type=Path, metavar="VIEWS", help="folder of the videos, with people.csv")
    parser.add_argument(
        "--keypoints", type=Path, metavar="DIR", help="2D keypoints of another tool (default: VIEWS/clicks.csv)"
    )
    parser.add_argument("--map", type=Path, metavar="CSV", help="joint, marker: how the keypoints are called")
    parser.add_argument(
        "--fixed-cameras",
        action="store_true",
        help="cameras stood still over all clips of a subject: solve them as one",
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Solve every clip that has joints, and say of each what came out.

    Raises:
        InputError: there is nothing to solve, or a clip could not be solved; the others are.
    """
    from data_modules.sources.footage.solving.clips import joints_of_clips, solve_clips

    joints, remarks = joints_of_clips(options.views, options.keypoints, options.map)
    failed = 0
    for line in remarks:
        print(line)
    for outcome in solve_clips(options.views, joints, options.fixed_cameras):
        print(outcome.line)
        failed += outcome.failed
    if failed:
        raise InputError(f"{failed} of {len(joints)} clips with joints could not be solved, for the reasons above")
