"""What Human3.6M is called in all of its layouts: actions, cameras, joints; Ionescu et al., TPAMI 2014.

Source of the tables: https://github.com/anibali/h36m-fetch and https://github.com/facebookresearch/VideoPose3D.
"""

from data_modules.sources.base import DataSet

FPS = 50.0
STEP, STEP_TEST = 5, 64
"""Every 5th frame is trained on and every 64th tested, as is usual in the field."""
SUBJECTS = ("S1", "S5", "S6", "S7", "S8", "S9", "S11")
"""Those whose poses are public."""
H36M = DataSet(
    name="h36m",
    subjects_test=("S9", "S11"),
    source="Human3.6M, http://vision.imar.ro/human3.6m",
    licence="Human3.6M licence: academic use only, not to be passed on",
    subjects=SUBJECTS,
    clips_per_subject=30,
)
CAMERAS = ("54138969", "55011271", "58860488", "60457274")
"""Serial numbers of ca_01 to ca_04."""
ACTIONS = {
    2: "Directions", 3: "Discussion", 4: "Eating", 5: "Greeting", 6: "Phoning", 7: "Posing", 8: "Purchases",
    9: "Sitting", 10: "SittingDown", 11: "Smoking", 12: "TakingPhoto", 13: "Waiting", 14: "Walking",
    15: "WalkingDog", 16: "WalkingTogether",
}  # fmt: skip
"""Official names by official id; id 1 is ``_ALL``, which is no action."""
OF_32_JOINTS = (0, 1, 2, 3, 6, 7, 8, 12, 13, 14, 15, 17, 18, 19, 25, 26, 27)
"""The joints of h36m17 among the 32 of the original files."""
