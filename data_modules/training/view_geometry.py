"""How the images of a store were seen: their virtual cameras, and joints in their crops, before and after augmentation.

A crop shows a person as a *virtual camera* does that looks through the centre of the crop's box. The rays through box
centres differ from a camera's axis by up to 22 degrees, so the camera's own rotation is wrong for a crop.

Axes of a view: x right and y down in the image, z away from the camera. Positions in a crop: both coordinates in
[-1, 1], x right and y down, the centre of the box at 0.
"""

from collections.abc import Iterator

import numpy as np
import torch
from jaxtyping import Int

from data_modules.store import Store
from data_modules.store.pictures import calibration
from data_modules.training.augment import Variation
from mcss.batch import ViewGeometry
from mcss.errors import InputError
from mcss.geometry.camera import Camera
from mcss.objectives.base import Needs


class StoreGeometry:
    """``ViewGeometry`` of rows of a store, computed once.

    Args:
        store: an open store.
        rows: the rows that will be asked for.
        needed_by: what cannot do without any of them, for the message; with None those of unknown cameras are NaN.

    Raises:
        InputError: the store does not know the calibration of a camera of ``rows``.
    """

    def __init__(self, store: Store, rows: Int[np.ndarray, " rows"], needed_by: str | None) -> None:
        self.rotations = np.full((len(store), 3, 3), np.nan, dtype=np.float32)
        self.joints = np.full((len(store), 17, 2), np.nan, dtype=np.float32)
        for camera, seen in _cameras(store, rows, needed_by):
            corner, side = store.box[seen, None, :2], store.box[seen, None, 2:]
            self.rotations[seen] = camera.rot_world_to_virtual((corner + side / 2)[:, 0])
            joints_px = camera.project(store.pose_world[seen].astype(np.float64))
            self.joints[seen] = 2 * (joints_px - corner) / side - 1

    def __call__(self, rows: Int[np.ndarray, " batch"]) -> ViewGeometry:
        """Geometry of the crops of ``rows`` without augmentation."""
        return ViewGeometry(torch.from_numpy(self.rotations[rows]), torch.from_numpy(self.joints[rows]))


def _cameras(
    store: Store, rows: Int[np.ndarray, " rows"], needed_by: str | None
) -> Iterator[tuple[Camera, Int[np.ndarray, " some"]]]:
    """Each camera of ``rows``, and those of them that it has seen."""
    names = np.char.add(np.char.add(store.subject[rows].astype(str), "/"), store.camera[rows].astype(str))
    _, first, number = np.unique(names, return_index=True, return_inverse=True)
    for index, row in enumerate(rows[first].tolist()):
        camera = calibration(store, row)
        if camera is not None:
            yield camera, rows[number == index]
        elif needed_by is not None:
            raise InputError(
                f"{store.path}: no calibration of camera {store.camera[row]} (subject {store.subject[row]}), which"
                f" {needed_by} needs: import the data with calibration, or use a method and pose_frame without it"
            )


def vary_geometry(geometry: ViewGeometry, variation: Variation) -> ViewGeometry:
    """Geometry of the augmented images of crops whose geometry is ``geometry``.

    Axes are turned in the image plane and mirrored as the image is; zoom and shift change none: the virtual camera
    stays the one through the centre of the box. Joints follow all of it. Left and right of a mirrored image are not
    swapped: joint i is still joint i of the person in the crop.
    """
    cos, sin = variation.turn_rad.cos(), variation.turn_rad.sin()
    mirror = torch.where(variation.flipped, -1.0, 1.0)
    zero, one = torch.zeros_like(cos), torch.ones_like(cos)
    turn = torch.stack([mirror * cos, -mirror * sin, zero, sin, cos, zero, zero, zero, one], dim=1).view(-1, 3, 3)
    offset = geometry.joints - variation.affine[:, None, :, 2]
    joints = offset @ torch.linalg.inv(variation.affine[:, :, :2]).mT
    return ViewGeometry(turn @ geometry.rot_world_to_view, joints)


def needed_geometry(store: Store, rows: Int[np.ndarray, " rows"], needs: Needs) -> StoreGeometry | None:
    """Geometry of the images of ``rows``; None where nothing needs it.

    Raises:
        InputError: it is needed, and the store has no calibration.
    """
    needed_by = f"objective {needs.objective}" if needs.objective else "pose_frame camera"
    return StoreGeometry(store, rows, needed_by) if needs.geometry else None


def labelled_geometry(store: Store, rows: Int[np.ndarray, " rows"], needs: Needs) -> StoreGeometry | None:
    """Geometry of images with poses; where only facing needs it, as far as their cameras are known.

    Raises:
        InputError: it is needed of all images, and the store has no calibration.
    """
    if needs.geometry or not needs.facing:
        return needed_geometry(store, rows, needs)
    return StoreGeometry(store, rows, needed_by=None)
