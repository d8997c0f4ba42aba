"""Real video files from arrays."""

from fractions import Fraction

import av
import numpy as np

IDENTITY = b"".join(value.to_bytes(4, "big", signed=True) for value in (0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000))


def write_video(path, frames, fps=50, codec="libx264", portrait=False, trimmed=0):
    """Write RGB frames.

    ``portrait``: as a phone held upright writes them. Its sensor lies on its side, so the pixels are stored turned by
    90 degrees counter-clockwise, and the track header's matrix (QuickTime file format, "Track header atom") says that
    they are to be shown turned by 90 degrees clockwise.
    ``trimmed``: frames cut off at the beginning as phones do it. They stay in the file, because later ones build on
    them, and an edit list (QuickTime file format, "Edit atom") says where to begin; negative times make one.
    """
    stored = [np.rot90(frame, 1) for frame in frames] if portrait else frames
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=Fraction(fps).limit_denominator(1000))
        stream.height, stream.width = stored[0].shape[:2]
        stream.pix_fmt = "yuv420p"
        stream.options = {"crf": "8", "preset": "ultrafast"} if codec == "libx264" else {"qscale": "1", "qmin": "1"}
        for image in stored:
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format="rgb24")
            container.mux(earlier(stream.encode(frame), trimmed / fps))
        container.mux(earlier(stream.encode(), trimmed / fps))
    if portrait:
        height = stored[0].shape[0]
        turned = (0, 0x10000, 0, -0x10000, 0, 0, height << 16, 0, 0x40000000)
        matrix = b"".join(value.to_bytes(4, "big", signed=True) for value in turned)
        content = path.read_bytes()
        track = content.index(b"tkhd")
        at = content.index(IDENTITY, track)
        path.write_bytes(content[:at] + matrix + content[at + len(matrix) :])


def earlier(packets, time_s):
    for packet in packets:
        packet.pts -= round(time_s / packet.time_base)
        packet.dts -= round(time_s / packet.time_base)
    return packets


def write_sound(path, seconds=1):
    """A file of silence without a picture."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=16000, layout="mono")
        silence = np.zeros((1, 16000 * seconds), np.float32)
        frame = av.AudioFrame.from_ndarray(silence, format="fltp", layout="mono")
        frame.sample_rate, frame.pts = 16000, 0
        container.mux([*stream.encode(frame), *stream.encode(None)])
