"""``mcss-data preview``: a quick picture of a drawn person, of a key pose or of a garment."""

import argparse
from pathlib import Path

from data_modules.commands.arguments import Subparsers, at_least
from mcss.errors import InputError

MOST_VIEWS = 5


def add_parser(subparsers: Subparsers) -> None:
    """Describe the arguments."""
    parser = subparsers.add_parser("preview", help="picture of a person, a key pose or a garment", allow_abbrev=False)
    parser.add_argument("--out", type=Path, required=True, metavar="IMAGE", help="PNG or JPEG to write")
    parser.add_argument("--person", nargs="+", default=["S1"], help="names; any name is somebody (default: S1)")
    parser.add_argument("--seed", type=at_least(0), default=0, help="of the people (default: %(default)s)")
    parser.add_argument("--pose", default="stand", help="key pose of poses.py (default: %(default)s)")
    parser.add_argument("--garment", help="garment of garments.py that they put on")
    parser.add_argument("--skeleton", action="store_true", help="draw the joints in")
    parser.add_argument("--size", type=at_least(16), default=448, metavar="PX", help="of a view (default: %(default)s)")
    parser.add_argument("--views", type=int, choices=range(1, MOST_VIEWS + 1), default=3, help="(default: %(default)s)")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Write the picture: a row a person, its views beside each other.

    Raises:
        InputError: there is no such pose or garment, or the picture's format is not known.
    """
    from dataclasses import replace

    import cv2
    import numpy as np

    from data_modules.sources.studio.cast import draw_person, put_on
    from data_modules.sources.studio.config import StudioConfig
    from data_modules.sources.studio.garments import GARMENTS
    from data_modules.sources.studio.poses import KEY_POSES
    from data_modules.sources.studio.preview import preview_person

    for option, name, known in (("pose", options.pose, KEY_POSES), ("garment", options.garment, GARMENTS)):
        if name is not None and name not in known:
            raise InputError(f"--{option} {name}: choose one of {', '.join(known)}")
    if options.out.suffix.lower() not in {".png", ".jpg", ".jpeg"}:
        raise InputError(f"--out {options.out}: end its name in .png or .jpg")
    config = replace(StudioConfig(), seed=options.seed)
    rows = []
    for subject in options.person:
        person = draw_person(config, subject)
        if options.garment is not None:
            person = put_on(person, config.seed, subject, options.garment)
        rows.append(preview_person(person, config.mesh, options.pose, options.size, options.views, options.skeleton))
    options.out.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(options.out), np.concatenate(rows)[..., ::-1])
    print(f"written: {options.out}")
