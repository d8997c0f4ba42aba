"""Where each joint of h36m17 is, in words and on a drawing of somebody who faces the reader."""

FIGURE: dict[str, tuple[float, float, str]] = {
    "Pelvis": (100, 185, "middle between both hips, inside the body"),
    "RHip": (82, 187, "where the right thigh meets the pelvis, near the outer side"),
    "RKnee": (78, 262, "middle of the right knee"),
    "RAnkle": (76, 338, "middle of the right ankle, where the foot turns"),
    "LHip": (118, 187, "where the left thigh meets the pelvis, near the outer side"),
    "LKnee": (122, 262, "middle of the left knee"),
    "LAnkle": (124, 338, "middle of the left ankle, where the foot turns"),
    "Spine": (100, 140, "middle of the trunk, half-way from the pelvis to the thorax"),
    "Thorax": (100, 85, "base of the neck, a little above the shoulders"),
    "Neck": (100, 62, "upper end of the neck, behind the mouth"),
    "HeadTop": (100, 36, "inside the head, 5 cm below the crown"),
    "LShoulder": (130, 92, "centre of the left shoulder joint"),
    "LElbow": (146, 142, "middle of the left elbow"),
    "LWrist": (156, 190, "middle of the left wrist"),
    "RShoulder": (70, 92, "centre of the right shoulder joint"),
    "RElbow": (54, 142, "middle of the right elbow"),
    "RWrist": (44, 190, "middle of the right wrist"),
}
"""Place on a drawing of 200 x 370, and what to click."""
