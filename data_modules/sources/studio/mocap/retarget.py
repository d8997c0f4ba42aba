"""Rotations of a captured skeleton to those of a body's bones.

The bones of trunk and head turn as the joints of the file do, from a rest pose that is turned so that hips and spine
of both lie alike. The bones of the limbs point where those of the file point, whatever its rest pose; about their own
axis they turn so that knees and elbows bend the way in which they bend in the file.
"""

import numpy as np
from jaxtyping import Float
from scipy.spatial.transform import Rotation

from data_modules.sources.studio.body import Body
from data_modules.sources.studio.mocap.bvh import END
from data_modules.sources.studio.mocap.capture import Capture
from data_modules.sources.studio.mocap.names import Naming

SPINE_BONES = ("spine04", "spine03", "spine02", "spine01")
LIMBS = {
    "hip": ("upperleg01", "lowerleg01", "knee"),
    "knee": ("lowerleg01", "foot", "ankle"),
    "ankle": ("foot", "toe2-1", "toe"),
    "collar": ("clavicle", "upperarm01", "shoulder"),
    "shoulder": ("upperarm01", "lowerarm01", "elbow"),
    "elbow": ("lowerarm01", "wrist", "wrist"),
}
"""Of each part of a limb: bone, the next bone, and the next part. Parents before their children."""
LEGS = ("hip", "knee", "ankle")
STRAIGHT_SHARE = 0.05
"""Weight of the way in which a straight limb would bend, beside 1 for a limb bent at a right angle."""
UPRIGHT = 0.99
"""Cosine of the angle between the spine and an axis of the file, from which on the spine is taken to point along it."""

Matrix = Float[np.ndarray, "3 3"]
Vector = Float[np.ndarray, " 3"]
Vectors = Float[np.ndarray, "frames 3"]


class Retarget:
    """Fits a captured skeleton to a body, once for all of its frames.

    Args:
        capture: all frames, from which the way is learned in which the limbs bend.
    """

    def __init__(self, capture: Capture, naming: Naming, body: Body) -> None:
        self.naming, self.body = naming, body
        self._trunk = self._fit_trunk(capture)
        self._joints = self._trunk_joints()
        self._fits = dict.fromkeys(self._joints, self._trunk)
        for side, limb in naming.limbs().items():
            for part in LIMBS:
                self._fit_limb(capture, limb, part, side)
        legs = [np.linalg.norm(capture.place(limb[a]) - capture.place(limb[b]), axis=1).mean()
                for limb in naming.limbs().values() for a, b in (("hip", "knee"), ("knee", "ankle"))]  # fmt: skip
        own = [self._way(f"{a}.{side}", f"{b}.{side}") for side in "LR"
               for a, b in (("upperleg01", "lowerleg01"), ("lowerleg01", "foot"))]  # fmt: skip
        self.mm_per_unit = float(np.linalg.norm(own, axis=1).sum() / max(np.sum(legs), 1e-9))

    def moves(self, capture: Capture) -> tuple[dict[str, Rotation], Float[np.ndarray, "frames 3"]]:
        """Rotations of the bones as ``Body.posture`` takes them, and the place of the root bone, mm."""
        turns: dict[int, Float[np.ndarray, "frames 3 3"]] = {}
        rotations: dict[str, Rotation] = {}
        parents = self.body.parents
        for bone in self.body.by_depth:
            name = self.body.bones[bone]
            above = turns[parents[bone]] if parents[bone] >= 0 else np.eye(3)
            if name in self._joints:
                turns[bone] = capture.turn(self._joints[name]) @ self._fits[name]
                rotations[name] = Rotation.from_matrix(np.swapaxes(above, -1, -2) @ turns[bone])
            else:
                turns[bone] = above
        hips = np.mean([capture.place(limb["hip"]) for limb in self.naming.limbs().values()], axis=0)
        own = np.mean([self._way("root", f"upperleg01.{side}") for side in "LR"], axis=0)
        return rotations, self.mm_per_unit * hips - turns[self.body.index["root"]] @ own

    def _trunk_joints(self) -> dict[str, str]:
        """Joint that turns each bone of trunk and head."""
        spine = self.naming.spine
        count = len(SPINE_BONES)
        chain = {bone: spine[-(-(n + 1) * len(spine) // count) - 1] for n, bone in enumerate(SPINE_BONES)}
        return {"root": self.naming.root, **chain, "neck01": self.naming.neck, "head": self.naming.head}

    def _fit_trunk(self, capture: Capture) -> Matrix:
        """Rotation from the body's reference pose, upright and facing -Y, to the rest pose of the file's trunk."""
        rest = dict(zip(capture.joints, capture.rest, strict=True))
        left, right = (rest[limb["hip"]] for limb in (self.naming.left, self.naming.right))
        up = _unit(rest[self.naming.neck] - (left + right) / 2)
        # Who stands upright in the rest pose but for the natural curve of the spine stands upright.
        axis = np.round(up)
        up = axis if axis @ up > UPRIGHT else up
        return _frame(up, left - right) @ _frame(np.array([0.0, 0.0, 1.0]), np.array([1.0, 0.0, 0.0])).T

    def _fit_limb(self, capture: Capture, limb: dict[str, str], part: str, side: str) -> None:
        """Find the rotation of one bone of a limb from the reference pose to the file's rest pose."""
        bone, next_bone, next_part = LIMBS[part]
        joint, end = limb.get(part, ""), limb.get(next_part, "")
        if end not in capture.joints and part == "ankle":
            end = f"{joint}{END}"
        if joint not in capture.joints or end not in capture.joints:
            return
        turn = np.swapaxes(capture.turn(joint), 1, 2)
        way = _mean(turn, capture.place(end) - capture.place(joint))
        bend = _mean(turn, self._bend(capture, limb, part))
        own = self._way(f"{bone}.{side}", f"{next_bone}.{side}")
        self._joints[f"{bone}.{side}"] = joint
        self._fits[f"{bone}.{side}"] = _frame(way, bend) @ _frame(own, self._own_bend(part, side)).T

    def _bend(self, capture: Capture, limb: dict[str, str], part: str) -> Vectors:
        """Axis in the world about which the limb bends, as long as it does, or would if it were to."""
        trunk = capture.turn(self.naming.root) @ self._trunk
        if part == "collar":
            return capture.turn(self.naming.spine[-1]) @ self._trunk @ [0.0, 0.0, 1.0]
        names = [limb[name] for name in (LEGS if part in LEGS else ("shoulder", "elbow", "wrist"))]
        first, middle, last = (capture.place(name) for name in names)
        upper, lower = _unit(middle - first), _unit(last - middle)
        # Knees bend about the axis through the hips; elbows so that the forearm comes to the front.
        straight = trunk @ [1.0, 0.0, 0.0] if part in LEGS else np.cross(upper, trunk @ [0.0, -1.0, 0.0])
        return np.cross(upper, lower) + STRAIGHT_SHARE * straight

    def _own_bend(self, part: str, side: str) -> Vector:
        """The same axis of the body in its reference pose, in which every limb is a little bent."""
        if part == "collar":
            return np.array([0.0, 0.0, 1.0])
        chain = ("upperleg01", "lowerleg01", "foot") if part in LEGS else ("upperarm01", "lowerarm01", "wrist")
        first, middle, last = (f"{bone}.{side}" for bone in chain)
        return np.cross(self._way(first, middle), self._way(middle, last))

    def _way(self, bone: str, other: str) -> Vector:
        """From the head of one bone of the body to that of another, in the reference pose."""
        return self.body.heads_mm[self.body.index[other]] - self.body.heads_mm[self.body.index[bone]]


def _frame(along: Vector, beside: Vector) -> Matrix:
    """Orthonormal columns: along the first vector, and towards the second one as far as it is square to it."""
    first = _unit(along)
    second = _unit(beside - (beside @ first) * first)
    return np.stack([first, second, np.cross(first, second)], axis=1)


def _mean(turn: Float[np.ndarray, "frames 3 3"], vectors: Vectors) -> Vector:
    """Mean of vectors after they are turned."""
    return (turn @ vectors[..., None])[..., 0].mean(axis=0)


def _unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-12)
