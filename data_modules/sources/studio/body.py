"""The body: joint angles to joints and vertices.

The parametric human is anny's; its shape, skeleton and skinning weights are taken from it once. Posing is done here, in
numpy, so that rendering processes need neither torch nor anny. Millimetres; at yaw 0 a body faces -Y, left at +X.
"""

from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

import numpy as np
from jaxtyping import Float, Int
from scipy.sparse import csr_array
from scipy.spatial.transform import Rotation

from data_modules.sources.studio.poses import ANGLES, ARM, LEG
from mcss.skeleton import JOINTS

SPINE_BONES = ("spine04", "spine03", "spine02", "spine01")
NECK_BONES = ("neck01", "neck03")
JOINT_BONES: dict[str, str] = {
    "RHip": "upperleg01.R", "RKnee": "lowerleg01.R", "RAnkle": "foot.R",
    "LHip": "upperleg01.L", "LKnee": "lowerleg01.L", "LAnkle": "foot.L",
    "Spine": "spine03", "Thorax": "neck01", "Neck": "neck03",
    "LShoulder": "upperarm01.L", "LElbow": "lowerarm01.L", "LWrist": "wrist.L",
    "RShoulder": "upperarm01.R", "RElbow": "lowerarm01.R", "RWrist": "wrist.R",
}  # fmt: skip
"""Bone whose head is the joint; the pelvis is the mid-point of the hips, the head top a vertex."""

SHRUG = 0.12
"""Share of an arm's outward swing that the collar bone makes."""
POINTED_TOES_RAD = 0.6
"""Ankle extension of a foot that does not stand."""
SOLE_LEAN = (0.55, 0.85)
"""Cosine of a shin's lean at which its foot begins to stand on the sole, and at which it fully does."""
HANGING_ARM: Float[np.ndarray, "3 3"] = np.array([[0.0, -1.0, 0.0], [0.0, 0.0, 1.0], [-1.0, 0.0, 0.0]])
"""``_hinge_frame`` of an arm that hangs down and whose elbow bends forward."""

Angles = dict[str, Float[np.ndarray, " instants"]]


@dataclass(frozen=True, eq=False)
class Posture:
    """A body in the room at a clip's instants.

    Attributes:
        joints_mm: joint set h36m17 in the world.
        vertices_mm: skinned mesh in the world.
    """

    joints_mm: Float[np.ndarray, "instants 17 3"]
    vertices_mm: Float[np.ndarray, "instants vertices 3"]


@dataclass(frozen=True, eq=False)
class Body:
    """One person's body.

    Attributes:
        bones, parents: names, and index of each bone's parent (-1 for the root).
        heads_mm: heads of the bones in the reference pose, in which all bones of all people point the same way.
        rest_heads_mm, rest_vertices_mm: the same, and the mesh, in the person's rest pose.
        rest_to_reference: rotation of each bone from the rest to the reference pose.
        weights: share of each bone in the movement of each vertex.
    """

    bones: tuple[str, ...]
    parents: tuple[int, ...]
    heads_mm: Float[np.ndarray, "bones 3"]
    rest_heads_mm: Float[np.ndarray, "bones 3"]
    rest_vertices_mm: Float[np.ndarray, "vertices 3"]
    rest_to_reference: Float[np.ndarray, "bones 3 3"]
    weights: csr_array
    triangles: Int[np.ndarray, "triangles 3"]

    @cached_property
    def index(self) -> dict[str, int]:
        """Index of each bone by its name."""
        return {bone: index for index, bone in enumerate(self.bones)}

    @cached_property
    def _by_depth(self) -> list[int]:
        """All bones, parents before their children."""

        def depth(bone: int) -> int:
            return 0 if bone < 0 else 1 + depth(self.parents[bone])

        return sorted(range(len(self.bones)), key=depth)

    @cached_property
    def vertex_bones(self) -> tuple[str, ...]:
        """Name of the bone that moves each vertex most."""
        return tuple(self.bones[bone] for bone in self.weights.toarray().argmax(axis=1))

    def pose(
        self,
        angles_rad: Float[np.ndarray, "instants angles"],
        yaw_rad: Float[np.ndarray, " instants"],
        position_mm: Float[np.ndarray, "instants 2"],
    ) -> Posture:
        """Turn the body by ``yaw_rad`` and bend it; pelvis above ``position_mm``, lowest vertex at z = 0."""
        angles = dict(zip(ANGLES, angles_rad.T, strict=True))
        turns, heads = self._forward_kinematics(_bone_rotations(self, angles, yaw_rad), len(yaw_rad))
        vertices = self._skin(turns, heads)
        joints = {joint: heads[:, self.index[bone]] for joint, bone in JOINT_BONES.items()}
        joints["Pelvis"] = (joints["LHip"] + joints["RHip"]) / 2
        joints["HeadTop"] = vertices[:, self.rest_vertices_mm[:, 2].argmax()]
        floor = vertices[:, :, 2].min(axis=1, keepdims=True)
        shift = np.concatenate([position_mm - joints["Pelvis"][:, :2], -floor], axis=1)[:, None]
        return Posture(np.stack([joints[name] for name in JOINTS], axis=1) + shift, vertices + shift)

    def _forward_kinematics(
        self, rotations: dict[str, Rotation], instants: int
    ) -> tuple[Float[np.ndarray, "instants bones 3 3"], Float[np.ndarray, "instants bones 3"]]:
        """Rotation of every bone from the reference pose, and its head."""
        turns = np.empty((instants, len(self.bones), 3, 3))
        heads = np.empty((instants, len(self.bones), 3))
        for bone in self._by_depth:
            name, parent = self.bones[bone], self.parents[bone]
            own = rotations[name].as_matrix() if name in rotations else np.eye(3)
            turns[:, bone] = own if parent < 0 else turns[:, parent] @ own
            offset = self.heads_mm[bone] - self.heads_mm[max(parent, 0)]
            heads[:, bone] = self.heads_mm[bone] if parent < 0 else heads[:, parent] + turns[:, parent] @ offset
        return turns, heads

    def _skin(
        self, turns: Float[np.ndarray, "instants bones 3 3"], heads_mm: Float[np.ndarray, "instants bones 3"]
    ) -> Float[np.ndarray, "instants vertices 3"]:
        """Linear blend skinning: every vertex moved by the weighted mean of its bones' rigid motions."""
        linear = turns @ self.rest_to_reference
        shift = heads_mm - (linear @ self.rest_heads_mm[..., None])[..., 0]
        motions = np.concatenate([linear, shift[..., None]], axis=-1)
        flat = motions.transpose(1, 0, 2, 3).reshape(len(self.bones), -1)
        blend = (self.weights @ flat).reshape(len(self.rest_vertices_mm), len(turns), 3, 4)
        moved = np.einsum("vtij,vj->tvi", blend[..., :3], self.rest_vertices_mm)
        return moved + blend[..., 3].transpose(1, 0, 2)


@cache
def load_anny(mesh: str) -> Any:
    """Load anny's model with a mesh of that name; the first call on a machine fills anny's cache, about a minute."""
    import anny  # with warp, which compiles kernels: only where a body is made

    return anny.Anny(topology=mesh, skinning_method="lbs")


def make_body(phenotype: dict[str, float], mesh: str) -> Body:
    """Take one person's body from anny.

    Args:
        phenotype: anny's phenotype values in [0, 1] (gender, age, muscle, weight, height, proportions).
        mesh: name of anny's topology.
    """
    import torch

    model = load_anny(mesh)
    rest = model.get_rest_model(model.get_phenotype_blendshape_coefficients(**phenotype))
    identity = torch.eye(4, dtype=model.dtype).expand(1, model.bone_count, 4, 4)
    transforms, poses = (output[0].numpy() for output in model.get_bone_transforms(identity, rest["rest_bone_poses"]))
    vertex_count, slots = model.vertex_bone_weights.shape
    entries = (model.vertex_bone_weights.numpy().ravel(), model.vertex_bone_indices.numpy().ravel())
    # A copy: the arrays are the model's own memory, and merging entries works in place.
    weights = csr_array((*entries, np.arange(vertex_count + 1) * slots), (vertex_count, model.bone_count), copy=True)
    weights.sum_duplicates()
    return Body(
        bones=tuple(model.bone_labels),
        parents=tuple(int(parent) for parent in model.bone_parents),
        heads_mm=1000 * poses[:, :3, 3].astype(np.float64),
        rest_heads_mm=1000 * rest["rest_bone_poses"][0, :, :3, 3].numpy(),
        rest_vertices_mm=1000 * rest["rest_vertices"][0].numpy(),
        rest_to_reference=transforms[:, :3, :3].astype(np.float64),
        weights=weights,
        triangles=model.get_triangular_faces().numpy(),
    )


def _bone_rotations(body: Body, angles: Angles, yaw_rad: Float[np.ndarray, " instants"]) -> dict[str, Rotation]:
    """Rotation of each moving bone relative to its parent, in axes that are the world's in the reference pose."""
    zero = np.zeros_like(yaw_rad)
    root = Rotation.from_euler("ZXY", np.stack([yaw_rad, angles["pelvis_pitch"], angles["pelvis_roll"]], axis=-1))
    spine = np.stack([angles["spine_flex"], angles["spine_side"], angles["spine_twist"]], axis=-1)
    neck = np.stack([angles["head_pitch"], zero, angles["head_yaw"]], axis=-1)
    rotations = {"root": root}
    rotations |= dict.fromkeys(SPINE_BONES, Rotation.from_rotvec(spine / len(SPINE_BONES)))
    rotations |= dict.fromkeys(NECK_BONES, Rotation.from_rotvec(neck / len(NECK_BONES)))
    for name, side in (("left", 1), ("right", -1)):
        rotations |= _arm_rotations(body, angles, name, side)
        rotations |= _leg_rotations(body, angles, name, side, root)
    return rotations


def _arm_rotations(body: Body, angles: Angles, name: str, side: int) -> dict[str, Rotation]:
    """Rotations of one arm; ``side`` is +1 for left, -1 for right."""
    letter = name[0].upper()
    forward, outward, twist, elbow = (angles[f"{name}_arm_{part}"] for part in ARM)
    shoulder, joint, wrist = (body.heads_mm[body.index[f"{b}.{letter}"]] for b in ("upperarm01", "lowerarm01", "wrist"))
    upper, lower = (
        (joint - shoulder) / np.linalg.norm(joint - shoulder),
        (wrist - joint) / np.linalg.norm(wrist - joint),
    )
    # The reference arm is held away from the body with a bent elbow.
    hang = Rotation.from_matrix(HANGING_ARM @ _hinge_frame(upper, lower).T)
    bent_already = np.arccos(upper @ lower)
    collar = _about("y", -side * SHRUG * np.maximum(outward, 0))
    return {
        f"clavicle.{letter}": collar,
        f"upperarm01.{letter}": collar.inv() * _swing(forward, outward, side) * _about("z", -side * twist) * hang,
        f"lowerarm01.{letter}": hang.inv() * _about("x", bent_already - elbow) * hang,
    }


def _leg_rotations(body: Body, angles: Angles, name: str, side: int, pelvis: Rotation) -> dict[str, Rotation]:
    """Rotations of one leg; ``side`` is +1 for left, -1 for right."""
    letter = name[0].upper()
    forward, outward, twist, knee = (angles[f"{name}_leg_{part}"] for part in LEG)
    hip, joint, ankle = (body.heads_mm[body.index[f"{bone}.{letter}"]] for bone in ("upperleg01", "lowerleg01", "foot"))
    down = np.array([[0.0, 0.0, -1.0]])
    upper_hang = Rotation.align_vectors(down, (joint - hip)[None])[0]
    lower_hang = Rotation.align_vectors(down, (ankle - joint)[None])[0]
    upper = _swing(forward, outward, side) * _about("z", -side * twist) * upper_hang
    lower = upper_hang.inv() * _about("x", knee) * lower_hang
    foot = _foot_rotation(pelvis * upper * lower, lower_hang)
    return {f"upperleg01.{letter}": upper, f"lowerleg01.{letter}": lower, f"foot.{letter}": foot}


def _foot_rotation(shin: Rotation, hang: Rotation) -> Rotation:
    """Turn the sole level under a steep shin, and point the toes of a leg that lies; in between, blend.

    ``shin`` is the shin's rotation from the reference pose, ``hang`` the part of it that makes the shin hang down.
    """
    matrix = (shin * hang.inv()).as_matrix()
    heading = np.arctan2(matrix[:, 1, 0], matrix[:, 0, 0])
    share = np.clip((matrix[:, 2, 2] - SOLE_LEAN[0]) / (SOLE_LEAN[1] - SOLE_LEAN[0]), 0.0, 1.0)
    pointed = hang.inv() * _about("x", np.full_like(heading, POINTED_TOES_RAD))
    way = (pointed.inv() * shin.inv() * _about("z", heading)).as_rotvec()
    return pointed * Rotation.from_rotvec(way * (share * share * (3 - 2 * share))[:, None])


def _about(axis: str, angle_rad: Float[np.ndarray, " instants"]) -> Rotation:
    return Rotation.from_euler(axis, angle_rad[:, None])


def _swing(forward: Float[np.ndarray, " instants"], outward: Float[np.ndarray, " instants"], side: int) -> Rotation:
    """Move a hanging limb forward and outward (radians of one rotation vector)."""
    return Rotation.from_rotvec(np.stack([-forward, -side * outward, np.zeros_like(forward)], axis=-1))


def _hinge_frame(upper: Float[np.ndarray, " 3"], lower: Float[np.ndarray, " 3"]) -> Float[np.ndarray, "3 3"]:
    """Orthonormal columns of a bent limb: along its upper bone, its joint's hinge, and their cross product."""
    hinge = np.cross(upper, lower)
    hinge /= np.linalg.norm(hinge)
    return np.stack([upper, hinge, np.cross(upper, hinge)], axis=1)
