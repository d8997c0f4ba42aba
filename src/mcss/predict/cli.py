"""Poses over time of a video, of several videos of one scene, of images or of a store; and the files made from them.

The person is found as the import finds it. Frames in which nobody is seen are gaps in all files. A run that was killed
goes on where it stopped when the same command is given again.
"""

import argparse
import math
import sys
from collections.abc import Sequence
from pathlib import Path

from data_modules.commands.arguments import OneLineParser
from mcss.errors import InputError
from mcss.predict.networks import Network, OnnxNetwork, TorchNetwork
from mcss.predict.outputs import OUTPUTS
from mcss.predict.result import TimeSettings
from mcss.predict.run import PredictSettings, predict
from mcss.predict.smooth import BRIDGED_S, SMOOTHING_S

LAST_CHECKPOINT = Path("checkpoints/last.ckpt")
DEFAULT_OUTPUTS = tuple(kind for kind in OUTPUTS if kind != "video")


def make_parser() -> argparse.ArgumentParser:
    """Arguments of the program."""
    parser = OneLineParser(prog="mcss predict", description=__doc__, allow_abbrev=False)
    parser.add_argument(
        "sources", nargs="*", type=Path, metavar="SOURCE", help="a video, videos of one scene, images, or a store"
    )
    network = parser.add_argument_group("network")
    network.add_argument("--ckpt_path", type=Path, help="RUN/checkpoints/last.ckpt")
    network.add_argument("--onnx", type=Path, help="what mcss export wrote; PyTorch is then not used")
    network.add_argument("--run_dir", type=Path, help="run whose last checkpoint predicts; also where --out lies")
    reading = parser.add_argument_group("reading")
    reading.add_argument("--data.predict_images", dest="images", type=Path, help="a folder of square crops: SOURCE")
    reading.add_argument(
        "--images", dest="images_are", choices=("frames", "crops"), help="what a folder of images holds"
    )
    reading.add_argument("--fps", type=float, help="frame rate of a folder of images")
    reading.add_argument("--detector", help="find the person by these weights, see mcss-data import --help")
    reading.add_argument("--subjects", nargs="+", help="of a store: only these people")
    reading.add_argument("--clips", nargs="+", help="of a store: only these clips, such as S5/Walking/2")
    time = parser.add_argument_group("time")
    time.add_argument("--smoothing_s", type=float, default=SMOOTHING_S, help="0: off; default %(default)s")
    time.add_argument("--bridge_s", type=float, default=BRIDGED_S, help="longest gap filled; default %(default)s")
    uncertainty = parser.add_argument_group("uncertainty")
    uncertainty.add_argument("--calibration", type=Path, help="file that --calibrate wrote")
    uncertainty.add_argument("--calibrate", type=Path, help="write this file from the errors of a labelled store")
    writing = parser.add_argument_group("writing")
    writing.add_argument("--out", type=Path, help="folder; default RUN/predictions/SOURCE")
    writing.add_argument("--files", nargs="+", choices=tuple(OUTPUTS), default=DEFAULT_OUTPUTS, metavar="KIND",
                         help=f"of {', '.join(OUTPUTS)}; default all but video")  # fmt: skip
    writing.add_argument("--rerun", type=Path, metavar="FILE.rrd", help="also write this file for the Rerun viewer")
    writing.add_argument("--quiet", action="store_true", help="show no progress")
    return parser


def main(args: Sequence[str] | None = None) -> None:
    """Run the program: exit code 2 after one line on stderr where the input is at fault."""
    options = make_parser().parse_args(args)
    try:
        predict(*_settings(options))
    except InputError as error:
        print(f"mcss: {error}", file=sys.stderr)
        raise SystemExit(2) from None


def _settings(options: argparse.Namespace) -> tuple[Network, PredictSettings]:
    sources = tuple(options.sources) or ((options.images,) if options.images else ())
    if not sources:
        raise InputError("predict needs a video, a folder of images, or a store: mcss predict --ckpt_path CKPT SOURCE")
    _check_numbers(options)
    network, run_dir = _network(options)
    return network, PredictSettings(
        sources=sources,
        out=options.out or _default_out(options, run_dir, sources[0]),
        files=tuple(options.files),
        time=TimeSettings(options.smoothing_s, options.bridge_s),
        fps=options.fps,
        images_are="crops" if options.images and not options.sources else options.images_are,
        detector=options.detector,
        subjects=tuple(options.subjects) if options.subjects else None,
        clips=tuple(options.clips) if options.clips else None,
        calibration=options.calibration,
        calibrate=options.calibrate,
        rerun=options.rerun,
        progress=not options.quiet,
    )


def _check_numbers(options: argparse.Namespace) -> None:
    """Refuse what is no rate and no length of time."""
    if options.fps is not None and not 0 < options.fps < math.inf:
        raise InputError(f"--fps {options.fps:g}: write the frames a second, more than 0")
    for name in ("smoothing_s", "bridge_s"):
        if not 0 <= getattr(options, name) < math.inf:
            raise InputError(f"--{name} {getattr(options, name):g}: write seconds, or 0 to switch it off")


def _network(options: argparse.Namespace) -> tuple[Network, Path]:
    """The network, and the folder of the run that it is from."""
    if options.onnx is not None:
        if options.ckpt_path is not None:
            raise InputError("--onnx and --ckpt_path: name one network")
        return OnnxNetwork(options.onnx), options.run_dir or Path()
    path = options.ckpt_path or (options.run_dir / LAST_CHECKPOINT if options.run_dir else None)
    if path is None:
        raise InputError("predict needs a network: --ckpt_path RUN/checkpoints/last.ckpt, or --onnx NETWORK.onnx")
    if path.is_dir():  # a run
        path = path / LAST_CHECKPOINT
    return TorchNetwork(path), options.run_dir or path.absolute().parents[1]


def _default_out(options: argparse.Namespace, run_dir: Path, source: Path) -> Path:
    if options.images and options.run_dir:  # where these two options have always written
        return options.run_dir
    return run_dir / "predictions" / source.resolve().stem
