"""Console script ``mcss-data``: make, check and describe stores.

The studio is imported where it is used: its body model and ray caster take seconds, which checking need not wait for.
"""

import argparse
import json
import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from data_modules.sources.doctor import diagnose
from data_modules.sources.registry import LAYOUTS, make_layout
from data_modules.store import config_hash, open_store
from data_modules.store.card import data_card
from data_modules.store.check import check_store, store_statistics
from data_modules.store.format import STORE_FILE
from data_modules.store.writer import require_replaceable
from mcss.errors import InputError

if TYPE_CHECKING:
    from data_modules.sources.studio.config import StudioConfig


def main(args: Sequence[str] | None = None) -> None:
    """Run the program; ``args`` default to the command line's.

    Raises:
        SystemExit: code 2 after one line on stderr where the input is at fault, code 1 where a check found problems.
    """
    arguments = make_parser().parse_args(args)
    try:
        arguments.run(arguments)
    except (InputError, OSError) as error:
        print(f"mcss-data: {error}", file=sys.stderr)
        raise SystemExit(2) from None
    except KeyboardInterrupt:
        print("mcss-data: interrupted; run the same command again to go on", file=sys.stderr)
        raise SystemExit(130) from None


class _OneLineParser(argparse.ArgumentParser):
    """Says what is wrong with the arguments in one line, without the usage before it."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}; see {self.prog} --help\n")


def make_parser() -> argparse.ArgumentParser:
    """The arguments of every command."""
    parser = _OneLineParser(
        prog="mcss-data", description="Make, check and describe stores of multi-view images.", allow_abbrev=False
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    render = commands.add_parser("render", help="render a multi-view data set", allow_abbrev=False)
    render.add_argument("--out", type=Path, required=True, metavar="STORE", help="directory to write")
    _add_preset(render)
    render.add_argument("--size", type=_at_least(16), metavar="PX", help="side of the crops (default: the preset's)")
    render.add_argument("--workers", type=_at_least(1), help="processes (default: one a core)")
    render.add_argument("--contact-sheet", type=Path, metavar="IMAGE", help="overview (STORE/contact_sheet.jpg)")
    render.set_defaults(run=_render)

    frames = commands.add_parser("frames", help="render whole frames of one camera", allow_abbrev=False)
    frames.add_argument("--out", type=Path, required=True, metavar="FOLDER", help="where to write images and poses")
    _add_preset(frames)
    frames.add_argument("--clip", type=_clip, required=True, help="such as S1/Walking/1")
    frames.add_argument("--camera", required=True, help="name of the camera")
    frames.add_argument("--size", type=_width_and_height, default=(1000, 1000), metavar="WxH", help="pixels")
    frames.set_defaults(run=_frames)

    _add_import(commands)

    check = commands.add_parser("check", help="verify every promise of a store and every image")
    check.add_argument("store", type=Path)
    check.set_defaults(run=_check)

    stats = commands.add_parser("stats", help="print what is in a store")
    stats.add_argument("store", type=Path)
    stats.add_argument("--json", action="store_true", help="for programs")
    stats.set_defaults(run=_stats)
    return parser


def _add_preset(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--preset", default="studio", help="what to render: studio, tiny or studio-b (default: %(default)s)"
    )
    parser.add_argument("--seed", type=_at_least(0), help="of people, motion and room (default: the preset's)")
    parser.add_argument("--instants", type=_at_least(1), help="instants in a clip (default: the preset's)")


def _add_import(commands: "argparse._SubParsersAction[_OneLineParser]") -> None:
    parser = commands.add_parser("import", help="turn files of a data set into a store", allow_abbrev=False)
    parser.add_argument("layout", metavar="LAYOUT", help=f"how the files are arranged: {', '.join(LAYOUTS)}")
    parser.add_argument("--source", type=Path, required=True, metavar="DIR", help="folder of the files")
    parser.add_argument("--out", type=Path, required=True, metavar="STORE", help="directory to write")
    parser.add_argument("--subjects", nargs="+", metavar="NAME", help="import these (default: all that are there)")
    parser.add_argument("--test-subjects", nargs="*", metavar="NAME", help="for the test (default: the data set's)")
    parser.add_argument("--cameras", nargs="+", metavar="NAME", help="import these (default: the layout's)")
    parser.add_argument("--step", type=_at_least(1), metavar="N", help="every Nth frame (default: the layout's)")
    parser.add_argument("--test-step", type=_at_least(1), metavar="N", help="of the test subjects (default: --step)")
    parser.add_argument("--size", type=_at_least(16), default=256, metavar="PX", help="side of the crops (%(default)s)")
    parser.add_argument(
        "--detector", metavar="WEIGHTS", help="boxes of own videos: COCO_V1 or a file (default: motion)"
    )
    parser.add_argument("--exclusions", default="default", metavar="FILE", help="YAML of bad clips; default, none")
    parser.add_argument("--strict", action="store_true", help="fail where anything would be skipped")
    parser.add_argument("--workers", type=_at_least(1), help="processes (default: one a core)")
    parser.set_defaults(run=_import)

    doctor = commands.add_parser("doctor", help="tell which layout a folder has, and what it lacks")
    doctor.add_argument("--source", type=Path, required=True, metavar="DIR", help="folder of the files")
    doctor.set_defaults(run=_doctor)


def _at_least(least: int) -> Callable[[str], int]:
    """Make the type of an argument that is a whole number from ``least`` on."""

    def integer(text: str) -> int:
        value = int(text)
        if value < least:
            raise argparse.ArgumentTypeError(f"{value} is less than {least}")
        return value

    return integer


def _width_and_height(text: str) -> tuple[int, int]:
    match = re.fullmatch(r"([1-9]\d*)x([1-9]\d*)", text)
    if match is None:
        raise argparse.ArgumentTypeError(f"{text!r} is not WIDTHxHEIGHT, such as 1280x720")
    return int(match[1]), int(match[2])


def _clip(text: str) -> tuple[str, str, int]:
    match = re.fullmatch(r"([^/]+)/([^/]+)/(\d+)", text)
    if match is None:
        raise argparse.ArgumentTypeError(f"{text!r} is not SUBJECT/ACTION/SUBACTION, such as S1/Walking/1")
    return match[1], match[2], int(match[3])


def _preset(arguments: argparse.Namespace, **changes: int | None) -> "StudioConfig":
    from data_modules.sources.studio.config import PRESETS

    if arguments.preset not in PRESETS:
        raise InputError(f"--preset {arguments.preset}: choose one of {', '.join(PRESETS)}")
    changes |= {"seed": arguments.seed, "instants": arguments.instants}
    chosen: dict[str, Any] = {name: value for name, value in changes.items() if value is not None}
    return replace(PRESETS[arguments.preset], **chosen)


def _render(arguments: argparse.Namespace) -> None:
    from data_modules.sources.studio.build import build_studio, studio_meta
    from data_modules.sources.studio.contact_sheet import write_contact_sheet

    config = _preset(arguments, crop_size_px=arguments.size)
    if (arguments.out / STORE_FILE).exists():
        _require_same_config(arguments.out, studio_meta(config).config)
        print(f"{arguments.out}: already rendered")
    else:
        require_replaceable(arguments.out)
        build_studio(config, arguments.out, arguments.workers)
        print(f"{arguments.out}: {len(open_store(arguments.out))} images")
    sheet = arguments.contact_sheet or arguments.out / "contact_sheet.jpg"
    if arguments.contact_sheet or not sheet.exists():
        write_contact_sheet(arguments.out, sheet)
        print(f"written: {sheet}")


def _require_same_config(path: Path, wanted: dict) -> None:
    """Refuse to take a store that was made otherwise for the wanted one, or to replace it unasked."""
    found = open_store(path).meta.config
    if config_hash(found) != config_hash(wanted):
        names = sorted(found.keys() | wanted.keys())
        changed = [name for name in names if config_hash({"": found.get(name)}) != config_hash({"": wanted.get(name)})]
        raise InputError(
            f"{path}: holds other data (it differs in {', '.join(changed)}); remove it or choose another --out"
        )


def _import(arguments: argparse.Namespace) -> None:
    from data_modules.build import chosen_clips, import_config, import_layout
    from data_modules.clip_build import ImportSettings
    from data_modules.sources.exclusions import read_exclusions

    layout = make_layout(arguments.layout, arguments.source)
    if arguments.detector:
        layout.use_detector(arguments.detector)
    chosen = arguments.test_subjects
    settings = ImportSettings(
        crop_size_px=arguments.size,
        step=arguments.step or layout.step,
        step_test=arguments.test_step or arguments.step or layout.step_test,
        cameras=tuple(arguments.cameras) if arguments.cameras else None,
        exclusions=read_exclusions(arguments.exclusions, layout.data_set.name),
        subjects_test=layout.data_set.subjects_test if chosen is None else tuple(chosen),
        strict=arguments.strict,
    )
    clips = chosen_clips(layout, settings, arguments.subjects)
    if (arguments.out / STORE_FILE).exists():
        _require_same_config(arguments.out, import_config(layout, settings, clips))
        print(f"{arguments.out}: already imported")
        return
    import_layout(layout, arguments.out, settings, clips, arguments.workers)
    store = open_store(arguments.out)
    print(f"{arguments.out}: {len(store)} images of {len(set(store.instant.tolist()))} instants")
    for item in store.meta.excluded:
        print(f"left out {item['sequence']}: {item['reason']}")


def _doctor(arguments: argparse.Namespace) -> None:
    diagnosis = diagnose(arguments.source)
    print(f"{arguments.source}: layout {diagnosis.layout}")
    for line in (*diagnosis.found, *(f"missing: {line}" for line in diagnosis.missing), diagnosis.advice):
        print(line)
    if diagnosis.missing:
        raise SystemExit(1)


def _frames(arguments: argparse.Namespace) -> None:
    from data_modules.sources.studio.frames import render_frames

    subject, action, subaction = arguments.clip
    try:
        paths = render_frames(
            _preset(arguments), subject, action, subaction, arguments.camera, arguments.size, arguments.out
        )
    except ValueError as error:
        raise InputError(str(error)) from None
    print(f"{arguments.out}: {len(paths)} frames")


def _check(arguments: argparse.Namespace) -> None:
    store = open_store(arguments.store)
    problems = check_store(arguments.store)
    for problem in problems:
        print(problem)
    if problems:
        print(f"mcss-data: {arguments.store} breaks its promises; make it again", file=sys.stderr)
        raise SystemExit(1)
    print(f"{arguments.store}: {len(store)} images, no problems")


def _stats(arguments: argparse.Namespace) -> None:
    card = store_statistics(arguments.store)
    print(json.dumps(card, indent=2, ensure_ascii=False) if arguments.json else data_card(card))
