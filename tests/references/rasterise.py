"""Which of two sets of triangles a camera sees at each pixel of a box: by filling projected triangles, without rays."""

import numpy as np


def nearest_set(camera, box, size_px, *corners_mm):
    """Index of the set that the middle of each pixel shows; -1 where it shows none.

    A triangle is small, so its edges are straight in the picture although the lens bends lines.
    """
    depth = np.full((size_px, size_px), np.inf)
    shown = np.full((size_px, size_px), -1)
    middles = np.arange(size_px) + 0.5
    for index, corners in enumerate(corners_mm):
        pixels = (camera.project(corners) - box[:2]) * (size_px / box[2])
        closeness = 1 / camera.to_camera(corners)[..., 2]
        for (a, b, c), near in zip(pixels, closeness, strict=True):
            area = (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])
            if abs(area) < 1e-9:
                continue
            low, high = np.minimum.reduce([a, b, c]), np.maximum.reduce([a, b, c])
            columns, rows = (np.flatnonzero((middles >= low[i]) & (middles <= high[i])) for i in (0, 1))
            x, y = np.meshgrid(middles[columns], middles[rows])
            v = ((x - a[0]) * (c[1] - a[1]) - (y - a[1]) * (c[0] - a[0])) / area
            w = ((b[0] - a[0]) * (y - a[1]) - (b[1] - a[1]) * (x - a[0])) / area
            here = 1 / (near[0] + v * (near[1] - near[0]) + w * (near[2] - near[0]))
            part = np.ix_(rows, columns)
            nearer = (v >= 0) & (w >= 0) & (v + w <= 1) & (here < depth[part])
            depth[part] = np.where(nearer, here, depth[part])
            shown[part] = np.where(nearer, index, shown[part])
    return shown
