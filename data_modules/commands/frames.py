"""``mcss-data frames``: render whole frames of one camera, or film clips with all of them as a lab would."""

import argparse
from pathlib import Path

from data_modules.commands.arguments import Subparsers, add_preset, chosen_preset, clip, width_and_height
from mcss.errors import InputError

FRAMES_SIZE, VIEWS_SIZE = (1000, 1000), (640, 360)


def add_parser(subparsers: Subparsers) -> None:
    """Describe the arguments."""
    parser = subparsers.add_parser(
        "frames", help="render whole frames of one camera, or videos of all as a lab films them", allow_abbrev=False
    )
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--out", type=Path, metavar="FOLDER", help="write images and poses of one --camera here")
    where.add_argument("--views", type=Path, metavar="FOLDER", help="write unsynchronised videos with sound here")
    add_preset(parser)
    parser.add_argument("--clip", type=clip, required=True, nargs="+", help="such as S1/Walking/1; several for --views")
    parser.add_argument("--camera", help="name of the camera, for --out")
    parser.add_argument("--size", type=width_and_height, metavar="WxH", help="pixels (1000x1000; of --views 640x360)")
    parser.add_argument("--duration", type=float, default=8.0, metavar="S", help="of each of --views (%(default)s s)")
    parser.add_argument("--silent", action="store_true", help="--views without sound")
    parser.add_argument("--bystander", action="store_true", help="--views with somebody else in the room")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Render the frames, or film the views.

    Raises:
        InputError: there is no such clip or camera.
    """
    try:
        if options.views:
            _film_views(options)
        else:
            _render_frames(options)
    except ValueError as error:
        raise InputError(str(error)) from None


def _film_views(options: argparse.Namespace) -> None:
    from data_modules.sources.studio.rehearsal import Shoot, film_views

    shoot = Shoot(options.size or VIEWS_SIZE, options.duration, not options.silent, options.bystander)
    film_views(chosen_preset(options), options.clip, options.views, shoot)
    print(f"{options.views}: {len(options.clip)} clips; what is true of them is in {options.views / 'truth'}")


def _render_frames(options: argparse.Namespace) -> None:
    from data_modules.sources.studio.frames import render_frames

    if options.camera is None or len(options.clip) != 1:
        raise InputError("--out needs one --clip and a --camera")
    (subject, action, subaction), size = options.clip[0], options.size or FRAMES_SIZE
    paths = render_frames(chosen_preset(options), subject, action, subaction, options.camera, size, options.out)
    print(f"{options.out}: {len(paths)} frames")
