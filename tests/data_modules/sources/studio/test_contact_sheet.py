import cv2
import numpy as np
import pytest

from data_modules.sources.studio.contact_sheet import TILE_PX, write_contact_sheet
from data_modules.store import open_store
from data_modules.store.pictures import project_to_crop
from mcss.geometry.camera import Camera

pytestmark = pytest.mark.slow


def test_sheet_has_a_row_a_subject_and_stays_small(tiny_store_path, tmp_path):
    path = tmp_path / "pictures" / "sheet.jpg"
    write_contact_sheet(tiny_store_path, path, actions=3, views=2)
    image = cv2.imread(str(path))
    assert image.shape[0] >= 3 * TILE_PX
    assert image.shape[1] >= 6 * TILE_PX
    assert path.stat().st_size < 400_000


def test_labels_of_the_store_lie_in_their_crops(tiny_store_path):
    store = open_store(tiny_store_path)
    cameras = {name: Camera.from_dict(values) for name, values in store.meta.calibration.items()}
    for row in range(0, len(store), 7):
        pose = store.pose_world[row].astype(np.float64)
        pixels = project_to_crop(cameras[store.camera[row]], pose, store.box[row], store.meta.crop_size_px)
        assert ((pixels > 0) & (pixels < store.meta.crop_size_px)).all()
