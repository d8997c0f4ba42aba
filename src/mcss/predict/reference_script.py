"""From a video of one person to a CSV of 3D poses, with NumPy, ONNX Runtime, OpenCV and PyAV alone.

python video_to_csv.py network.onnx film.mp4 poses.csv [boxes.csv]

mcss export writes this file beside a network. boxes.csv has columns frame, left, top, width, height (pixels, the whole
person); without it the person is what moves in front of a camera that stands still. Poses are in mm, the pelvis at 0;
a frame in which nobody is seen has empty cells. Nothing is smoothed.
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import av
import cv2
import numpy as np

MARGIN = 0.1  # around the box, as a share of its longer side
CROP_PX = 256
FROM_WIDTH = np.array([[1, 0, 1, 0], [0, 1, 0, 1], [0, 0, 1, 0], [0, 0, 0, 1]])  # left, top, width, height to sides
SMALL_PX = 192  # width of the pictures in which the person is looked for


def frames_of(video: str) -> Iterator[np.ndarray]:
    """RGB frames, turned upright as the video's metadata say."""
    with av.open(video) as container:
        for frame in container.decode(video=0):
            yield np.ascontiguousarray(np.rot90(frame.to_ndarray(format="rgb24"), round(frame.rotation / 90)))


def small(image: np.ndarray) -> tuple[np.ndarray, float]:
    """The picture with its longer side at SMALL_PX, and pixels of the frame per pixel of it."""
    scale = max(1.0, max(image.shape[:2]) / SMALL_PX)
    return cv2.resize(image, None, fx=1 / scale, fy=1 / scale, interpolation=cv2.INTER_AREA).astype(np.float32), scale


def moving_boxes(video: str) -> dict[int, np.ndarray]:
    """Left, top, right, bottom of the largest thing that moves, by frame."""
    count = sum(1 for _ in frames_of(video))
    chosen = set(np.linspace(0, count - 1, min(25, count)).astype(int).tolist())
    background = np.median([small(image)[0] for i, image in enumerate(frames_of(video)) if i in chosen], axis=0)
    found = {}
    for frame, image in enumerate(frames_of(video)):
        picture, scale = small(image)
        difference = np.abs(picture - background).max(axis=2)
        mask = (difference > max(18.0, 6 * np.median(difference))).astype(np.uint8)
        mask = cv2.dilate(cv2.erode(mask, np.ones((2, 2)), anchor=(0, 0)), np.ones((2, 2)), anchor=(1, 1))
        _, labels = cv2.connectedComponents(cv2.dilate(mask, np.ones((9, 9), np.uint8)))
        areas = np.bincount(labels[mask > 0], minlength=2)
        if areas.max() > 0.002 * mask.size:
            rows, columns = np.nonzero((labels == areas.argmax()) & (mask > 0))
            found[frame] = scale * np.array([columns.min(), rows.min(), columns.max() + 1, rows.max() + 1])
    return found


def boxes_of(path: str) -> dict[int, np.ndarray]:
    """Left, top, right, bottom by frame, of a boxes.csv."""
    rows = np.atleast_1d(np.genfromtxt(path, delimiter=",", names=True, encoding="utf-8-sig"))
    sides = np.stack([rows[name] for name in ("left", "top", "width", "height")], axis=1) @ FROM_WIDTH
    return dict(zip(rows["frame"].astype(int).tolist(), sides, strict=True))


def crop(image: np.ndarray, box: np.ndarray, side_px: int) -> np.ndarray:
    """The square around the box, black where it leaves the picture, as the network has seen people in training."""
    side = float((box[2:] - box[:2]).max()) * (1 + MARGIN)
    width = max(CROP_PX, side_px)
    step = side / width  # pixels of the frame per pixel of the crop
    size = np.array([image.shape[1], image.shape[0]])
    small_size = np.maximum(1, np.rint(size / max(step, 1.0))).astype(int)
    per_pixel = size / small_size
    shift = ((box[:2] + box[2:] - side + step) / 2) / per_pixel - 0.5
    to_small = np.column_stack([np.diag(step / per_pixel), shift])
    picture = cv2.resize(image, small_size.tolist(), interpolation=cv2.INTER_AREA)
    square = cv2.warpAffine(picture, to_small, (width, width), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
    return cv2.resize(square, (side_px, side_px), interpolation=cv2.INTER_AREA)


def main(network: str, video: str, out: str, boxes_csv: str | None = None) -> None:
    """Write one row a frame."""
    import onnxruntime

    description = json.loads(Path(f"{network}.json").read_text(encoding="utf-8"))
    session = onnxruntime.InferenceSession(network, providers=onnxruntime.get_available_providers())
    boxes = boxes_of(boxes_csv) if boxes_csv else moving_boxes(video)
    with open(out, "w", encoding="utf-8") as file:
        columns = (f"{joint}_{axis}_mm" for joint in description["joints"] for axis in "xyz")
        print("frame", *columns, sep=",", file=file)
        for frame, image in enumerate(frames_of(video)):
            cells = [""] * 3 * len(description["joints"])
            if frame in boxes:
                images = crop(image, boxes[frame], description["image_size_px"]).transpose(2, 0, 1)[None]
                (pose_mm,) = session.run(["pose_mm"], {"images": np.ascontiguousarray(images)})
                cells = [f"{value:.3f}" for value in pose_mm[0].ravel().tolist()]
            print(frame, *cells, sep=",", file=file)


if __name__ == "__main__":
    main(*sys.argv[1:])
