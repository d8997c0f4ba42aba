"""The body: rotations of its bones to joints and vertices.

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

from data_modules.sources.studio.joints import CROWN, joint_matrix

WORN = "worn"
"""In place of a bone: part of a skirt, hat or bag, or hanging hair."""


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
        crown_rest_mm: highest point of the scalp in the rest pose.
        skin_count: how many of the vertices, the first ones, are the body's own; the others are of skirts, hair, hats
            and bags, which carry no weight.
        weights: share of each bone in the movement of each vertex.
    """

    bones: tuple[str, ...]
    parents: tuple[int, ...]
    heads_mm: Float[np.ndarray, "bones 3"]
    rest_heads_mm: Float[np.ndarray, "bones 3"]
    rest_vertices_mm: Float[np.ndarray, "vertices 3"]
    rest_to_reference: Float[np.ndarray, "bones 3 3"]
    crown_rest_mm: Float[np.ndarray, " 3"]
    skin_count: int
    weights: csr_array
    triangles: Int[np.ndarray, "triangles 3"]

    @cached_property
    def index(self) -> dict[str, int]:
        """Index of each bone by its name."""
        return {bone: index for index, bone in enumerate(self.bones)}

    @cached_property
    def by_depth(self) -> list[int]:
        """All bones, parents before their children."""

        def depth(bone: int) -> int:
            return 0 if bone < 0 else 1 + depth(self.parents[bone])

        return sorted(range(len(self.bones)), key=depth)

    @cached_property
    def vertex_bones(self) -> tuple[str, ...]:
        """Name of the bone that moves each vertex most; of those that are not the body's own, ``WORN``."""
        own = tuple(self.bones[bone] for bone in self.weights[: self.skin_count].toarray().argmax(axis=1))
        return own + (WORN,) * (len(self.rest_vertices_mm) - len(own))

    @property
    def height_mm(self) -> float:
        """From the soles to the crown in the rest pose."""
        return float(self.crown_rest_mm[2] - self.rest_vertices_mm[: self.skin_count, 2].min())

    def lowest_mm(self, vertices_mm: Float[np.ndarray, "*instants vertices 3"]) -> Float[np.ndarray, "*instants"]:
        """Height of the lowest of the body's own vertices: a skirt or a bag carries no weight."""
        return vertices_mm[..., : self.skin_count, 2].min(axis=-1)

    def posture(self, rotations: dict[str, Rotation], root_mm: Float[np.ndarray, "instants 3"]) -> Posture:
        """Move the body: the common last step of scripted and of captured motion.

        Args:
            rotations: rotation of each bone that moves relative to its parent, in axes that are the world's in the
                reference pose; all other bones stay as they are in it.
            root_mm: where the head of the root bone is in the world.
        """
        turns, heads = self.forward_kinematics(rotations, root_mm)
        vertices = self._skin(turns, heads)
        return Posture(self._joints(turns, heads), vertices)

    def _joints(
        self, turns: Float[np.ndarray, "instants bones 3 3"], heads_mm: Float[np.ndarray, "instants bones 3"]
    ) -> Float[np.ndarray, "instants 17 3"]:
        """Joint set h36m17, see ``data_modules.sources.studio.joints``."""
        head = self.index["head"]
        arm_mm = self.rest_to_reference[head] @ (self.crown_rest_mm - self.rest_heads_mm[head])
        crown = heads_mm[:, head] + turns[:, head] @ arm_mm
        return joint_matrix((*self.bones, CROWN)) @ np.concatenate([heads_mm, crown[:, None]], axis=1)

    def forward_kinematics(
        self, rotations: dict[str, Rotation], root_mm: Float[np.ndarray, "instants 3"]
    ) -> tuple[Float[np.ndarray, "instants bones 3 3"], Float[np.ndarray, "instants bones 3"]]:
        """Rotation of every bone from the reference pose, and its head in the world; see ``posture``."""
        turns = np.empty((len(root_mm), len(self.bones), 3, 3))
        heads = np.empty((len(root_mm), len(self.bones), 3))
        for bone in self.by_depth:
            name, parent = self.bones[bone], self.parents[bone]
            own = rotations[name].as_matrix() if name in rotations else np.eye(3)
            turns[:, bone] = own if parent < 0 else turns[:, parent] @ own
            offset = self.heads_mm[bone] - self.heads_mm[max(parent, 0)]
            heads[:, bone] = root_mm if parent < 0 else heads[:, parent] + turns[:, parent] @ offset
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
    vertices = 1000 * rest["rest_vertices"][0].numpy()
    return Body(
        bones=tuple(model.bone_labels),
        parents=tuple(int(parent) for parent in model.bone_parents),
        heads_mm=1000 * poses[:, :3, 3].astype(np.float64),
        rest_heads_mm=1000 * rest["rest_bone_poses"][0, :, :3, 3].numpy(),
        rest_vertices_mm=vertices,
        rest_to_reference=transforms[:, :3, :3].astype(np.float64),
        skin_count=len(vertices),
        crown_rest_mm=vertices[vertices[:, 2].argmax()],
        weights=weights,
        triangles=model.get_triangular_faces().numpy(),
    )
