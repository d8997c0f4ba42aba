"""A captured motion: a skeleton whose joints turn, whatever file it comes from."""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from jaxtyping import Float
from scipy.spatial.transform import Rotation, Slerp


@dataclass(frozen=True, eq=False)
class Capture:
    """Motion of a skeleton in a world with Z up; lengths in the file's own unit.

    Attributes:
        joints: names, parents before their children.
        parents: index of each joint's parent, -1 for the root.
        offsets: from each joint's parent to it while nothing turns, in the file's own axes.
        turns: rotation of each joint from those axes to the world.
        root: where the root joint is in the world.
        frame_s: time from a frame to the next.
    """

    joints: tuple[str, ...]
    parents: tuple[int, ...]
    offsets: Float[np.ndarray, "joints 3"]
    turns: Float[np.ndarray, "frames joints 3 3"]
    root: Float[np.ndarray, "frames 3"]
    frame_s: float

    @property
    def duration_s(self) -> float:
        """From the first frame to the last."""
        return self.frame_s * (len(self.root) - 1)

    @cached_property
    def places(self) -> Float[np.ndarray, "frames joints 3"]:
        """Where the joints are in the world."""
        places = np.empty(self.turns.shape[:3])
        for joint, parent in enumerate(self.parents):
            places[:, joint] = (
                self.root if parent < 0 else places[:, parent] + self.turns[:, parent] @ self.offsets[joint]
            )
        return places

    @cached_property
    def rest(self) -> Float[np.ndarray, "joints 3"]:
        """Where the joints are from the root while nothing turns, in the file's own axes."""
        rest = np.zeros_like(self.offsets)
        for joint, parent in enumerate(self.parents):
            rest[joint] = 0.0 if parent < 0 else rest[parent] + self.offsets[joint]
        return rest

    def place(self, joint: str) -> Float[np.ndarray, "frames 3"]:
        """Where a joint is in the world."""
        return self.places[:, self.joints.index(joint)]

    def turn(self, joint: str) -> Float[np.ndarray, "frames 3 3"]:
        """Rotation of a joint from the file's own axes to the world."""
        return self.turns[:, self.joints.index(joint)]

    def at(self, time_s: Float[np.ndarray, " instants"]) -> "Capture":
        """The same at other times than those of its frames."""
        own = self.frame_s * np.arange(len(self.root))
        time_s = np.clip(time_s, 0.0, own[-1])
        if len(own) == 1:
            own, turns, root = np.array([0.0, 1.0]), self.turns.repeat(2, axis=0), self.root.repeat(2, axis=0)
        else:
            turns, root = self.turns, self.root
        between = [Slerp(own, Rotation.from_matrix(turns[:, joint]))(time_s) for joint in range(len(self.joints))]
        places = np.stack([np.interp(time_s, own, root[:, axis]) for axis in range(3)], axis=1)
        return replace(self, turns=np.stack([turn.as_matrix() for turn in between], axis=1), root=places)

    def upright(self, low: tuple[str, ...], high: str) -> "Capture":
        """Turn the world so that Z points up: along the axis on which ``high`` is above ``low`` most of the time.

        Where no axis is it clearly, as with somebody who lies all the time, Y is taken to point up.
        """
        way = (self.place(high) - np.mean([self.place(joint) for joint in low], axis=0)).mean(axis=0)
        axis = int(np.abs(way).argmax())
        if abs(way[axis]) < CLEARLY * np.linalg.norm(way):
            axis, way = 1, np.array([0.0, 1.0, 0.0])
        up = np.zeros((1, 3))
        up[0, axis] = np.sign(way[axis])
        turn = Rotation.align_vectors(np.array([[0.0, 0.0, 1.0]]), up)[0].as_matrix()
        return replace(self, turns=turn @ self.turns, root=self.root @ turn.T)


CLEARLY = 0.8
"""Share of the way from the feet to the head that lies along the axis which points up."""
