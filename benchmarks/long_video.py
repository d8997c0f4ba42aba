"""Prediction of long 1080p videos: peak memory by length, and the rate relative to decoding and to the network alone.

    python -m benchmarks.long_video runs/mine build/footage --minutes 1 10

The videos repeat a short clip of the studio, forwards and backwards. Times are those of the processor, so that other
programs on the machine do not count. The person is looked for first, so that every frame is decoded twice.
"""

import argparse
import resource
import subprocess
import sys
import time
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np

from benchmarks.footage import FPS, film
from data_modules.video_files import VideoReader
from mcss.predict.networks import TorchNetwork

CLIP, FRAMES = ("S11", "Walking", 1), 80
WIDTH, HEIGHT = 1920, 1080
TIMED_FRAMES, BATCH = 300, 64


def repeated_video(clip: Path, path: Path, minutes: float) -> None:
    """Write a 1080p video of this length: the clip is encoded once, and its packets are written again and again."""
    with av.open(str(clip)) as container:
        frames = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    frames += frames[::-1]
    once = path.with_name("once.mp4")
    with av.open(str(once), "w") as container:
        stream = container.add_stream("libx264", rate=Fraction(FPS))
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.options = {"preset": "veryfast", "bf": "0"}
        for frame in frames:
            beside = (WIDTH - HEIGHT) // 2
            wide = cv2.copyMakeBorder(cv2.resize(frame, (HEIGHT, HEIGHT)), 0, 0, beside, beside, cv2.BORDER_REPLICATE)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(wide, format="rgb24")))
        container.mux(stream.encode())
    with av.open(str(path), "w") as into:
        stream = None
        for number in range(round(minutes * 60 * FPS / len(frames))):
            with av.open(str(once)) as container:
                source = container.streams.video[0]
                stream = stream or into.add_stream_from_template(source)
                shift = round(number * len(frames) / FPS / source.time_base)
                for packet in container.demux(source):
                    if packet.dts is not None:
                        packet.pts, packet.dts, packet.stream = packet.pts + shift, packet.dts + shift, stream
                        into.mux(packet)


def predict(run: Path, video: Path) -> tuple[float, float]:
    """Processor time in s, and peak memory in MiB, of ``mcss predict`` with all files."""
    code = "import resource, sys; from mcss.__main__ import main; main(sys.argv[1:]);"
    code += "print('peak', resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
    words = ["predict", "--ckpt_path", str(run), str(video), "--out", str(video.with_suffix("")), "--quiet"]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    shown = subprocess.run([sys.executable, "-c", code, *words], check=True, capture_output=True, text=True).stdout
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return cpu_s, int(shown.split()[-1]) / 1024


def decoding_s(video: Path) -> float:
    """Processor time of decoding a frame."""
    with VideoReader(video) as reader:
        started_s = time.process_time()
        for frame in range(TIMED_FRAMES):
            reader.read(frame)
    return (time.process_time() - started_s) / TIMED_FRAMES


def network_s(run: Path) -> float:
    """Processor time of the network for an image."""
    network = TorchNetwork(run / "checkpoints/last.ckpt")
    images = np.zeros((BATCH, network.image_size_px, network.image_size_px, 3), np.uint8)
    network.predict(images)
    started_s = time.process_time()
    for _ in range(TIMED_FRAMES // BATCH):
        network.predict(images)
    return (time.process_time() - started_s) / (TIMED_FRAMES // BATCH * BATCH)


def main() -> None:
    """Run the program."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("footage", type=Path)
    parser.add_argument("--minutes", type=float, nargs="+", default=[1.0, 10.0])
    options = parser.parse_args()
    (clip,) = film(options.footage, [CLIP], FRAMES)
    first, seconds = next(clip.found.iterdir()), {}
    for minutes in options.minutes:
        video = options.footage / f"{minutes:g}-minutes" / "film.mp4"
        video.parent.mkdir(exist_ok=True)
        repeated_video(first, video, minutes)
        seconds[minutes], peak_mib = predict(options.run, video)
        print(f"{minutes:g} minutes: peak {peak_mib:.0f} MiB, {seconds[minutes]:.0f} s of processor time", flush=True)
    if len(seconds) < 2:
        return
    (short, short_s), *_, (long, long_s) = sorted(seconds.items())
    frame_s = (long_s - short_s) / ((long - short) * 60 * FPS)  # without what every call takes
    decoding, network = decoding_s(video), network_s(options.run)
    print(
        f"a frame: {1e3 * frame_s:.1f} ms, decoding it once {1e3 * decoding:.1f} ms, the network {1e3 * network:.1f}"
        f" ms: {frame_s / decoding:.1f} times decoding, {frame_s / network:.1f} times the network"
    )


if __name__ == "__main__":
    main()
