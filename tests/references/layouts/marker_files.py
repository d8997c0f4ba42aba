"""Marker trajectories as motion capture exports them.

Followed facts:
- TRC ("Marker (.trc) Files" of OpenSim's documentation): line 2 names the values of line 3, ``Units`` is mm or m;
  line 4 has ``Frame#``, ``Time`` and each marker's name over its three columns, line 5 X1 Y1 Z1 ...; then a frame a
  line, separated by tabs. A marker that was not seen has empty cells. OpenSim's ground frame has Y up.
- C3D ("The C3D File Format User Guide"): blocks of 512 bytes; a header of 16-bit words (parameter block and 0x50,
  points, analog samples, first and last frame counted from 1, gap, scale, data block, analog samples a frame, rate);
  then parameters: length of name, group (negative for the group itself), name, bytes to the next, type, dimensions,
  data, description. A negative scale says that points are floats: x, y, z and a residual, which is -1 where a point
  was not seen. Y_SCREEN is the axis that points up on the screen.
"""

import struct

import numpy as np

LABEL_WIDTH = 24


def write_trc(path, points, names, rate, start_s, unit):
    header = {"DataRate": rate, "CameraRate": rate, "NumFrames": len(points), "NumMarkers": len(names), "Units": unit}
    header |= {"OrigDataRate": rate, "OrigDataStartFrame": 1, "OrigNumFrames": len(points)}
    lines = [
        f"PathFileType\t4\t(X/Y/Z)\t{path.name}",
        "\t".join(header),
        "\t".join(map(str, header.values())),
        "Frame#\tTime\t" + "\t\t\t".join(names) + "\t\t",
        "\t\t" + "\t".join(f"X{number}\tY{number}\tZ{number}" for number in range(1, len(names) + 1)),
        "",
    ]
    for frame, coordinates in enumerate(points.reshape(len(points), -1)):
        cells = ["" if np.isnan(value) else f"{value:.6f}" for value in coordinates]
        lines.append("\t".join([str(frame + 1), f"{start_s + frame / rate:.4f}", *cells]))
    path.write_text("\r\n".join(lines) + "\r\n")


def write_c3d(path, points, names, rate, first_frame, unit, y_screen="+Z"):
    frames, markers = points.shape[:2]
    blocks = -(-(4 + len(_parameters(points, names, rate, unit, y_screen, 0))) // 512)
    data_block = 2 + blocks
    header = struct.pack(
        "<BBHHHHHfHHf", 2, 0x50, markers, 0, first_frame, first_frame + frames - 1, 0, -1.0, data_block, 0, rate
    )
    parameters = struct.pack("<BBBB", 1, 0x50, blocks, 84) + _parameters(
        points, names, rate, unit, y_screen, data_block
    )
    data = np.zeros((frames, markers, 4), "<f4")
    seen = np.isfinite(points).all(axis=2)
    data[seen, :3] = points[seen]
    data[..., 3] = np.where(seen, 0, -1)
    path.write_bytes(b"".join(_block(part) for part in (header, parameters, data.tobytes())))


def _parameters(points, names, rate, unit, y_screen, data_block):
    frames, markers = points.shape[:2]
    labels = b"".join(name.encode().ljust(LABEL_WIDTH) for name in names)
    return b"".join(
        (
            _group(1, "POINT"),
            _parameter(1, "USED", 2, (), struct.pack("<h", markers)),
            _parameter(1, "FRAMES", 2, (), struct.pack("<h", frames)),
            _parameter(1, "DATA_START", 2, (), struct.pack("<h", data_block)),
            _parameter(1, "SCALE", 4, (), struct.pack("<f", -1.0)),
            _parameter(1, "RATE", 4, (), struct.pack("<f", rate)),
            _parameter(1, "UNITS", -1, (4, 1), unit.encode().ljust(4)),
            _parameter(1, "LABELS", -1, (LABEL_WIDTH, markers), labels),
            _parameter(1, "Y_SCREEN", -1, (2,), y_screen.encode()),
            _group(2, "ANALOG"),
            _parameter(2, "USED", 2, (), struct.pack("<h", 0)),
            _parameter(2, "RATE", 4, (), struct.pack("<f", 0.0)),
            b"\0\0",
        )
    )


def _group(number, name):
    return struct.pack("<bb", len(name), -number) + name.encode() + struct.pack("<hB", 3, 0)


def _parameter(group, name, kind, dimensions, data):
    body = struct.pack("<bB", kind, len(dimensions)) + bytes(dimensions) + data + b"\0"
    return struct.pack("<bb", len(name), group) + name.encode() + struct.pack("<h", 2 + len(body)) + body


def _block(content):
    return content.ljust(-(-len(content) // 512) * 512, b"\0")
