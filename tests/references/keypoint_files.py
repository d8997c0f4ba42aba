"""2D joints written as other tools write them, from their documentation, not from the reader."""

import csv
import json

import numpy as np

COCO = [
    "nose", "left_eye", "right_eye", "left_ear", "right_ear", "left_shoulder", "right_shoulder", "left_elbow",
    "right_elbow", "left_wrist", "right_wrist", "left_hip", "right_hip", "left_knee", "right_knee", "left_ankle",
    "right_ankle",
]  # fmt: skip
HALPE = [
    "Nose", "LEye", "REye", "LEar", "REar", "LShoulder", "RShoulder", "LElbow", "RElbow", "LWrist", "RWrist", "LHip",
    "RHip", "LKnee", "RKnee", "LAnkle", "RAnkle", "Head", "Neck", "Hip", "LBigToe", "RBigToe", "LSmallToe",
    "RSmallToe", "LHeel", "RHeel",
]  # fmt: skip


def write_deeplabcut(path, names, points, frames):
    """``df.to_csv`` of a DeepLabCut data frame: three header rows, x, y, likelihood; missing ones have a low one."""
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["scorer"] + ["net"] * 3 * len(names))
        writer.writerow(["bodyparts", *(name for name in names for _ in range(3))])
        writer.writerow(["coords"] + ["x", "y", "likelihood"] * len(names))
        for frame, row in zip(frames, points, strict=True):
            cells = [(5.0, 5.0, 0.01) if np.isnan(place[0]) else (*place, 0.99) for place in row]
            writer.writerow([frame, *(value for cell in cells for value in cell)])


def write_coco(path, points, frames, size_px=(1280, 720)):
    """COCO keypoints: x, y and visibility 0 (not labelled), 1 (hidden) or 2."""
    images = [
        {"id": 100 + n, "file_name": f"images/frame_{frame:06d}.png", "width": size_px[0], "height": size_px[1]}
        for n, frame in enumerate(frames)
    ]
    annotations = [
        {
            "id": number,
            "image_id": 100 + number,
            "category_id": 1,
            "keypoints": [v for place in row for v in ([0, 0, 0] if np.isnan(place[0]) else [*place.tolist(), 1])],
        }
        for number, row in enumerate(points)
    ]
    categories = [{"id": 1, "name": "person", "keypoints": COCO}]
    path.write_text(json.dumps({"images": images, "annotations": annotations, "categories": categories}))


def write_openpose(folder, points, frames, bystander=None):
    """A JSON file a frame with all people's x, y, confidence, flat; ``bystander`` is another person's points."""
    folder.mkdir(parents=True)
    for frame, row in zip(frames, points, strict=True):
        people = [row] if bystander is None else [bystander, row]
        flat = [[v for x, y in person for v in ((0, 0, 0) if np.isnan(x) else (x, y, 0.9))] for person in people]
        file = folder / f"clip_{frame:012d}_keypoints.json"
        file.write_text(json.dumps({"people": [{"pose_keypoints_2d": values} for values in flat]}))
