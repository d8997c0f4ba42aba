"""Own synchronised videos: recordings, time offsets, person boxes, 3D poses."""
