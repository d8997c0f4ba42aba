"""The floors of the code: a file imports only from its own floor or a lower one, and no two files import each other."""

import ast
from graphlib import TopologicalSorter
from pathlib import Path

ROOT = Path(__file__).parents[1]
FLOORS = {
    4: (
        "mcss.__main__",
        "mcss.cli",
        "mcss.sweep",
        "mcss.sweep_file",
        "mcss.export",
        "mcss.results",
        "mcss.retrieval",
        "mcss.predict",
    ),
    3: ("mcss.run",),
    2: ("data_modules",),
    1: (
        *("mcss.geometry", "mcss.losses", "mcss.metrics", "mcss.models", "mcss.objectives", "mcss.visualization"),
        *("mcss.skeleton", "mcss.batch", "mcss.errors", "mcss.distributed", "mcss.hashing", "mcss.stop_signals"),
    ),
}


def floor(module):
    found = [level for level, rooms in FLOORS.items() for room in rooms if f"{module}.".startswith(f"{room}.")]
    assert len(found) == 1, f"{module} belongs to no floor: add it to FLOORS"
    return found[0]


def files():
    """Path by module name; a package by its ``__init__``."""
    found = {}
    for root in ("src/mcss", "data_modules"):
        for path in (ROOT / root).rglob("*.py"):
            parts = path.relative_to(ROOT / "src" if root.startswith("src") else ROOT).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


FILES = files()


def imports(module):
    """Modules of this project that a file imports anywhere in it, also inside functions."""
    found = set()
    for node in ast.walk(ast.parse(FILES[module].read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            assert not node.level, f"{module}: relative imports hide the floor"
            candidates = [f"{node.module}.{alias.name}" for alias in node.names]
            found |= {name if name in FILES else node.module for name in candidates}
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    return {name for name in found if name in FILES and name != "mcss"} - {module}


def test_imports_go_down():
    pairs = [(module, name) for module in sorted(set(FILES) - {"mcss"}) for name in imports(module)]
    up = [f"{module} imports {name}" for module, name in pairs if floor(name) > floor(module)]
    assert not up


def test_no_files_import_each_other():
    TopologicalSorter({module: imports(module) for module in FILES}).prepare()  # raises CycleError


def test_an_import_inside_a_function_counts(tmp_path, monkeypatch):
    path = tmp_path / "module.py"
    path.write_text("def f():\n    from mcss.run import folder\n    import mcss.cli\n")
    monkeypatch.setitem(FILES, "made.up", path)
    assert imports("made.up") == {"mcss.run.folder", "mcss.cli"}
