"""Points of a C3D file, read by ezc3d in a process of its own: the library crashes on some files that are damaged."""

import io
import subprocess
import sys
from pathlib import Path

import numpy as np

LONGEST_S = 120.0


def read_in_process(path: Path) -> dict[str, np.ndarray]:
    """Read ``points`` (frames, names, 3), ``residuals``, ``names``, ``rate``, ``unit``, ``up`` and ``first_frame``.

    The unit is empty where the file has none.

    Raises:
        ValueError: the library cannot read the file.
    """
    try:
        done = subprocess.run([sys.executable, __file__, str(path)], capture_output=True, timeout=LONGEST_S)
    except subprocess.TimeoutExpired:
        raise ValueError(f"reading it takes more than {LONGEST_S:.0f} s") from None
    if done.returncode:
        last = done.stderr.decode(errors="replace").strip().splitlines()[-1:]
        raise ValueError(last[0] if last and done.returncode > 0 else "the library that reads it breaks down")
    with np.load(io.BytesIO(done.stdout)) as values:
        return dict(values)


def _read(path: str) -> dict[str, np.ndarray]:
    import ezc3d

    file = ezc3d.c3d(path)
    parameters = file["parameters"]["POINT"]
    return {
        "points": file["data"]["points"][:3].transpose(2, 1, 0).astype(np.float64),
        "residuals": file["data"]["meta_points"]["residuals"][0].T,
        "names": np.array([name.strip() for name in parameters["LABELS"]["value"]], dtype=str),
        "rate": np.array(float(parameters["RATE"]["value"][0])),
        "unit": np.array(str((parameters.get("UNITS", {}).get("value") or [""])[0]).strip()),
        "up": np.array(str((parameters.get("Y_SCREEN", {}).get("value") or ["+Z"])[0])),  # drawn upwards; usually Z
        "first_frame": np.array(file["header"]["points"]["first_frame"]),
    }


if __name__ == "__main__":
    try:
        np.savez(content := io.BytesIO(), **_read(sys.argv[1]))  # type: ignore[arg-type]
    except Exception as error:  # damaged files lead to any
        sys.exit(" ".join(str(error).split()) or type(error).__name__)
    sys.stdout.buffer.write(content.getvalue())
