"""The store: images, index and labels of a data set in one directory that ``datasets.load_from_disk`` opens."""

from data_modules.store.format import Row, StoreError, StoreMeta, config_hash
from data_modules.store.reader import Store, joint_content_hash, joint_pixel_hash, open_store
from data_modules.store.writer import write_store

__all__ = [
    "Row",
    "Store",
    "StoreError",
    "StoreMeta",
    "config_hash",
    "joint_content_hash",
    "joint_pixel_hash",
    "open_store",
    "write_store",
]
