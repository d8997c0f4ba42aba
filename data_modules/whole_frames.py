"""Decoded frames of a video without those that damage in the file reaches."""

from collections.abc import Iterator

import av
from av.video.frame import PictureType

MOST_WAITING = 8
"""So many B pictures in a row wait for what is shown after them; most encoders write three or fewer."""
STRICT_CODECS = ("mjpeg",)
"""Their decoders say nothing of damage unless they may refuse the picture."""


def whole_frames(container: "av.container.InputContainer", stream: av.VideoStream) -> Iterator[av.VideoFrame | None]:
    """Frames of ``stream`` in the order of display; None in place of each that is damaged or made from a damaged one.

    A decoder tells of the one picture that it could not decode whole (H.264, MPEG-4, Motion JPEG; those of HEVC and VP9
    tell of none), and not of those that are made from it: all up to the next key frame, and the B pictures that are
    stored behind it and shown before it. Of what a cut has left before the first key frame the decoder itself tells.
    """
    waiting: list[av.VideoFrame] = []
    is_reached = has_begun = False
    for frame in _decoded(container, stream):
        has_begun = has_begun or (frame is not None and (frame.pict_type == PictureType.I or not frame.is_corrupt))
        if frame is None or frame.is_corrupt:
            is_reached = has_begun
            yield from [None] * (len(waiting) + 1)
            waiting.clear()
            continue
        is_reached = is_reached and not frame.key_frame
        is_made_of_later = frame.pict_type == PictureType.B
        if not is_made_of_later or len(waiting) == MOST_WAITING:
            yield from waiting
            waiting.clear()
        if is_made_of_later and not is_reached:
            waiting.append(frame)
        else:
            yield None if is_reached else frame
    yield from waiting


def _decoded(container: "av.container.InputContainer", stream: av.VideoStream) -> Iterator[av.VideoFrame | None]:
    """Frames as they are decoded; None where a packet cannot be."""
    if stream.codec_context.name in STRICT_CODECS:
        stream.codec_context.options = {"err_detect": "explode"}
    packets = container.demux(stream)
    while True:
        try:
            packet = next(packets, None)
            if packet is None:
                return
            frames = packet.decode()
        except av.EOFError:
            return
        except av.FFmpegError:  # of one packet: others may follow
            yield None
            continue
        yield from (frame for frame in frames if isinstance(frame, av.VideoFrame))
