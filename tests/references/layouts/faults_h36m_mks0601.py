"""Faults of the layout h36m-mks0601."""

from tests.references.layouts.faults import edit_json, fault, truncate

MKS = "h36m-mks0601"
MKS_JOINTS = "annotations/Human36M_subject1_joint_3d.json"
MKS_IMAGE = "s_01_act_02_subact_01_ca_02"


@fault(MKS, "images", "unpack the images")
def missing_images(folder):
    (folder / "images").rename(folder / "elsewhere")


@fault(MKS, "Human36M_subject9_camera.json", "missing", "unpack annotations.zip")
def missing_annotation(folder):
    (folder / "annotations/Human36M_subject9_camera.json").unlink()


@fault(MKS, MKS_JOINTS, "not whole", "unpack annotations.zip again")
def truncated_annotation(folder):
    truncate(folder / MKS_JOINTS)


@fault(MKS, MKS_JOINTS, "18 joints, expected 17")
def wrong_joint_count(folder):
    def add_a_joint(values):
        values["2"]["1"]["0"].append([0, 0, 0])

    edit_json(folder / MKS_JOINTS, add_a_joint)


@fault(MKS, "S1/Directions/1 frame 3", MKS_JOINTS, "not finite", "repair")
def nan_pose(folder):
    def spoil(values):
        values["2"]["1"]["3"][5][0] = float("nan")

    edit_json(folder / MKS_JOINTS, spoil)


@fault(MKS, "S1/Directions/1 frame 3", MKS_JOINTS, "torso", "unit")
def mixed_units(folder):
    def to_metres(values):
        values["2"]["1"]["3"] = [[x / 1000 for x in joint] for joint in values["2"]["1"]["3"]]

    edit_json(folder / MKS_JOINTS, to_metres)


@fault(MKS, f"{MKS_IMAGE}_000001.jpg", "there is no such image", "again")
def missing_image(folder):
    (folder / "images" / MKS_IMAGE / f"{MKS_IMAGE}_000001.jpg").unlink()


@fault(MKS, f"{MKS_IMAGE}_000002.jpg", "not a whole image", "again")
def truncated_image(folder):
    truncate(folder / "images" / MKS_IMAGE / f"{MKS_IMAGE}_000002.jpg")


@fault(MKS, MKS_JOINTS, "no view of camera 55011271")
def absent_view(folder):
    def drop(values):
        values["annotations"] = [person for person in values["annotations"] if person["image_id"] != 6]

    edit_json(folder / "annotations/Human36M_subject1_data.json", drop)


@fault(MKS, MKS_JOINTS, "two views of one camera")
def duplicate_ids(folder):
    def repeat(values):
        values["annotations"].append(values["annotations"][0])

    edit_json(folder / "annotations/Human36M_subject1_data.json", repeat)


@fault(MKS, "S1/Directions/1: ", "Human36M_subject1_camera.json: not whole", "unpack annotations.zip again")
def truncated_calibration(folder):
    truncate(folder / "annotations/Human36M_subject1_camera.json")


@fault(MKS, "Human36M_subject1_camera.json", "unreadable calibration")
def unreadable_calibration(folder):
    def spoil(values):
        values["2"]["R"] = [[1, 0, 0], [0, 1, 0], [0, 0, 2]]

    edit_json(folder / "annotations/Human36M_subject1_camera.json", spoil)


@fault(MKS, MKS_JOINTS, "box", "lies outside")
def box_outside_the_image(folder):
    def move(values):
        values["annotations"][0]["bbox"][0] = 5000

    edit_json(folder / "annotations/Human36M_subject1_data.json", move)


@fault(MKS, "Human36M_subject1_data.json", "unreadable entry")
def frame_beyond_all_numbers(folder):
    def enlarge(values):
        values["images"][0]["frame_idx"] = 10**20

    edit_json(folder / "annotations/Human36M_subject1_data.json", enlarge)


@fault(MKS, MKS_JOINTS, "no poses of Directions 1")
def frame_that_is_no_number(folder):
    edit_json(folder / MKS_JOINTS, lambda values: values["2"]["1"].update({"last": values["2"]["1"].pop("3")}))


@fault(MKS, MKS_JOINTS, "no poses of Directions 1")
def empty_clip(folder):
    edit_json(folder / MKS_JOINTS, lambda values: values["2"].pop("1"))
