"""``mcss-data frames``: render whole frames of one camera."""

import argparse
from pathlib import Path

from data_modules.commands.arguments import Subparsers, add_preset, chosen_preset, clip, width_and_height
from mcss.errors import InputError


def add_parser(subparsers: Subparsers) -> None:
    """Describe the arguments."""
    parser = subparsers.add_parser("frames", help="render whole frames of one camera", allow_abbrev=False)
    parser.add_argument("--out", type=Path, required=True, metavar="FOLDER", help="where to write images and poses")
    add_preset(parser)
    parser.add_argument("--clip", type=clip, required=True, help="such as S1/Walking/1")
    parser.add_argument("--camera", required=True, help="name of the camera")
    parser.add_argument("--size", type=width_and_height, default=(1000, 1000), metavar="WxH", help="pixels")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Render the frames.

    Raises:
        InputError: there is no such clip or camera.
    """
    from data_modules.sources.studio.frames import render_frames

    subject, action, subaction = options.clip
    try:
        paths = render_frames(
            chosen_preset(options), subject, action, subaction, options.camera, options.size, options.out
        )
    except ValueError as error:
        raise InputError(str(error)) from None
    print(f"{options.out}: {len(paths)} frames")
