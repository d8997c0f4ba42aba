"""A miniature of Human3.6M's original download with ``metadata.xml``.

Followed facts:
- https://github.com/anibali/h36m-fetch (metadata.py): rows of ``mapping`` are action id, subaction, a file name a
  subject; ids 2 to 16 are actions. The number in a file name is not the subaction: S1's Directions 1 and 2 are
  "Directions 1" and "Directions", S1's Walking 2 is "Walking", S11's Directions 2 is "Directions".
- https://github.com/open-mmlab/mmpose (preprocess_h36m.py): ``w0`` holds 6 numbers for each of 4 cameras x 11 subjects,
  then 9 for each camera (f, c, k1 k2 k3, p1 p2); (Rx Ry Rz)^T with the matrices below takes camera to world, the next
  three are the camera's centre in mm. The 17 joints are 0 1 2 3 6 7 8 12 13 14 15 17 18 19 25 26 27 of 32.
- https://github.com/facebookresearch/VideoPose3D (prepare_data_h36m.py): variable ``Pose`` reshapes to (N, 32, 3), mm.
- Videos of cameras 55011271 and 58860488 are a few frames longer than the others, and all longer than the poses.
- https://github.com/karfly/learnable-triangulation-pytorch (collect-bboxes.py): boxes are MATLAB v7.3 files with
  ``Masks``, references to one mask of (width, height) a frame.
"""

import shutil

import numpy as np

from tests.references.video_files import write_video

CAMERAS = ("54138969", "55011271", "58860488", "60457274")
LONGER_BY = {"54138969": 1, "55011271": 3, "58860488": 3, "60457274": 1}
MOVABLE = (0, 1, 2, 3, 6, 7, 8, 12, 13, 14, 15, 17, 18, 19, 25, 26, 27)
FILE_NAMES = {("Directions", 1): "Directions 1", ("Directions", 2): "Directions", ("Walking", 2): "Walking"}
ACTION_IDS = {"Directions": 2, "Walking": 14}
SUBJECTS = [f"S{number}" for number in range(1, 12)]


def write(film, folder):
    write_metadata(film, folder / "metadata.xml")
    for clip in film.clips:
        name = FILE_NAMES[clip.action, clip.subaction]
        write_cdf(folder / clip.subject / "MyPoseFeatures/D3_Positions" / f"{name}.cdf", of_32_joints(clip.poses_mm))
        for camera in CAMERAS:
            frames = clip.frames[camera]
            longer = frames + frames[-1:] * LONGER_BY[camera]
            write_video(folder / clip.subject / "Videos" / f"{name}.{camera}.mp4", longer, 50)
            write_boxes(folder / clip.subject / "MySegmentsMat/ground_truth_bb" / f"{name}.{camera}.mat", clip, camera)


def write_extracted(film, folder):
    """As extract_all.py of h36m-fetch unpacks it, with folders of other archives; it takes no masks."""
    write(film, folder)
    for clip in film.clips:
        place, made = folder / "extracted" / clip.subject, folder / clip.subject
        if made.is_dir():
            place.mkdir(parents=True)
            (made / "MyPoseFeatures/D3_Positions").rename(place / "Poses_D3_Positions")
            (made / "Videos").rename(place / "Videos")
            (place / "Poses_D3_Positions_mono").mkdir()
            (place / "Poses_D3_Positions_mono/Directions.54138969.cdf").write_bytes(b"not read")
            shutil.rmtree(made)
    (folder / "archives").mkdir()
    (folder / "archives/Videos_S1.tgz").write_bytes(b"not read")


def of_32_joints(poses_mm):
    """The other 15 joints lie elsewhere, so that a wrong choice shows."""
    points = np.full((len(poses_mm), 32, 3), 5000.0) + 100 * np.arange(32)[:, None]
    points[:, MOVABLE] = poses_mm
    return points


def write_cdf(path, points):
    from cdflib.cdfwrite import CDF

    path.parent.mkdir(parents=True, exist_ok=True)
    spec = {"Variable": "Pose", "Data_Type": CDF.CDF_DOUBLE, "Num_Elements": 1, "Rec_Vary": True, "Sparse": "no_sparse"}
    spec |= {"Dim_Sizes": [points.shape[0], 96], "Var_Type": "zVariable"}
    file = CDF(str(path))
    file.write_var(spec, var_data=points.reshape(1, len(points), -1))
    file.close()


def write_boxes(path, clip, camera):
    import h5py

    path.parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(path, "w") as file:
        masks = file.create_dataset("Masks", (len(clip.poses_mm), 1), dtype=h5py.ref_dtype)
        for frame, image in enumerate(clip.frames[camera]):
            left, top, right, bottom = map(int, clip.box(camera, frame))
            mask = np.zeros(image.shape[:2], dtype=np.uint8)
            mask[top:bottom, left:right] = 1
            masks[frame, 0] = file.create_dataset(f"refs/{frame}", data=mask.T).ref


def write_metadata(film, path):
    filmed = {(clip.subject, clip.action, clip.subaction) for clip in film.clips}
    rows = "<tr><td>1</td><td>1</td>" + "<td>_ALL 1</td>" * len(SUBJECTS) + "</tr>"
    for (action, subaction), name in FILE_NAMES.items():
        cells = (name if (subject, action, subaction) in filmed else "" for subject in SUBJECTS)
        rows += (
            f"<tr><td>{ACTION_IDS[action]}</td><td>{subaction}</td>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>"
        )
    header = "<tr><td/><td/>" + "".join(f"<td>{subject}</td>" for subject in SUBJECTS) + "</tr>"
    numbers = [number for camera in CAMERAS for _ in SUBJECTS for number in extrinsics(film.cameras[camera])]
    for camera in CAMERAS:
        matrix, (k1, k2, p1, p2, k3) = film.cameras[camera].intrinsics_px, film.cameras[camera].distortion
        numbers += [matrix[0, 0], matrix[1, 1], matrix[0, 2], matrix[1, 2], k1, k2, k3, p1, p2]
    assert len(numbers) == 300
    serials = "".join(f"<item>{camera}</item>" for camera in CAMERAS)
    path.write_text(
        f"<metadata><mapping>{header}{rows}</mapping><dbcameras><index2id>{serials}</index2id></dbcameras>"
        f"<w0>[{' '.join(map(repr, map(float, numbers)))}]</w0></metadata>"
    )


def extrinsics(camera):
    """Angles whose matrices, as mmpose writes them, take camera to world; and the camera's centre in mm."""
    cam_to_world = camera.rot_world_to_cam.T
    b = np.arcsin(cam_to_world[2, 0])
    a = np.arctan2(-cam_to_world[2, 1], cam_to_world[2, 2])
    c = np.arctan2(-cam_to_world[1, 0], cam_to_world[0, 0])
    x, y, z = -a, b, -c
    rot_x = np.array([[1, 0, 0], [0, np.cos(x), np.sin(x)], [0, -np.sin(x), np.cos(x)]])
    rot_y = np.array([[np.cos(y), 0, np.sin(y)], [0, 1, 0], [-np.sin(y), 0, np.cos(y)]])
    rot_z = np.array([[np.cos(z), np.sin(z), 0], [-np.sin(z), np.cos(z), 0], [0, 0, 1]])
    np.testing.assert_allclose((rot_x @ rot_y @ rot_z).T, cam_to_world, atol=1e-9)
    return [a, b, c, *camera.center_world_mm]
