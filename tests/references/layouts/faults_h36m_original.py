"""Faults of Human3.6M's original download."""

import shutil

import h5py
import numpy as np

from tests.references.layouts import h36m_original
from tests.references.layouts.faults import edit_text, fault, truncate

H36M = "h36m"
POSES = "S1/MyPoseFeatures/D3_Positions/Directions 1.cdf"
VIDEO = "S1/Videos/Directions 1.55011271.mp4"
BOXES = "S1/MySegmentsMat/ground_truth_bb/Directions 1.58860488.mat"


def rewrite_poses(folder, points):
    (folder / POSES).unlink()
    h36m_original.write_cdf(folder / POSES, points)


@fault(H36M, "no folders S1", "Poses_D3_Positions_S1.tgz")
def no_subjects(folder):
    shutil.rmtree(folder / "S1")
    shutil.rmtree(folder / "S9")


@fault(H36M, "S9/MyPoseFeatures/D3_Positions", "unpack Poses_D3_Positions_S9.tgz")
def missing_poses_archive(folder):
    shutil.rmtree(folder / "S9/MyPoseFeatures")


@fault(H36M, "S1/Videos", "unpack Videos_S1.tgz")
def missing_videos_archive(folder):
    shutil.rmtree(folder / "S1/Videos")


@fault(H36M, "metadata.xml", "missing", "h36m-fetch")
def missing_metadata(folder):
    (folder / "metadata.xml").unlink()


@fault(H36M, "metadata.xml", "not Human3.6M's metadata", "again")
def truncated_metadata(folder):
    truncate(folder / "metadata.xml")


@fault(H36M, "metadata.xml", "299 camera numbers", "again")
def unreadable_calibration(folder):
    edit_text(folder / "metadata.xml", "<w0>[", "<w0>[" + " " * 3)
    text = (folder / "metadata.xml").read_text()
    head, numbers = text.split("<w0>[")
    (folder / "metadata.xml").write_text(head + "<w0>[" + numbers.split(maxsplit=1)[1])


@fault(H36M, "metadata.xml", "300 camera numbers for 54138960", "again")
def metadata_of_other_cameras(folder):
    edit_text(folder / "metadata.xml", "<item>54138969", "<item>54138960")


@fault(H36M, "metadata.xml", "no element mapping", "again")
def metadata_without_the_table(folder):
    text = (folder / "metadata.xml").read_text()
    (folder / "metadata.xml").write_text(text.replace("mapping", "table"))


@fault(H36M, VIDEO, "cannot be opened as a video", "again")
def truncated_video(folder):
    truncate(folder / VIDEO)


@fault(H36M, VIDEO, "there is no such video", "again")
def absent_view(folder):
    (folder / VIDEO).unlink()


@fault(H36M, "S1/Videos/Directions 1.54138969.mp4", "7 frames for 30 poses", "videos' archive again")
def video_that_ends_early(folder):
    rewrite_poses(folder, np.full((30, 32, 3), 900.0))


@fault(H36M, POSES, "not a whole CDF file", "again")
def truncated_poses(folder):
    truncate(folder / POSES, 0.3)


@fault(H36M, POSES, "31 joints, expected 32")
def wrong_joint_count(folder, frames=6, joints=31):
    from cdflib.cdfwrite import CDF

    (folder / POSES).unlink()
    file = CDF(str(folder / POSES))
    spec = {"Variable": "Pose", "Data_Type": CDF.CDF_DOUBLE, "Num_Elements": 1, "Rec_Vary": True, "Sparse": "no_sparse"}
    spec |= {"Dim_Sizes": [frames, 3 * joints], "Var_Type": "zVariable"}
    file.write_var(spec, var_data=np.ones((1, frames, 3 * joints)))
    file.close()


@fault(H36M, "S1/Directions/1 frame 0", POSES, "not finite")
def nan_pose(folder):
    rewrite_poses(folder, np.full((6, 32, 3), np.nan))


@fault(H36M, POSES, "torso", "unit")
def poses_in_metres(folder):
    rewrite_poses(folder, np.random.default_rng(0).uniform(0, 1.8, (6, 32, 3)))


@fault(H36M, BOXES, "cannot be opened", "again")
def truncated_boxes(folder):
    truncate(folder / BOXES)


@fault(H36M, BOXES, "cannot be opened", "again")
def missing_boxes(folder):
    (folder / BOXES).unlink()


@fault(H36M, BOXES, "a mask is empty (0)")
def empty_mask(folder):
    with h5py.File(folder / BOXES, "a") as file:
        file["refs/0"][...] = 0


@fault(H36M, VIDEO, "has no video stream")
def sound_instead_of_a_video(folder):
    import av

    with av.open(str(folder / VIDEO), "w") as container:
        stream = container.add_stream("aac", rate=8000)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
        frame.sample_rate = 8000
        container.mux(stream.encode(frame))
        container.mux(stream.encode())
