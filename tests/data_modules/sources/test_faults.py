"""Whatever is wrong with the files, one line names it and the remedy, and no half-written store is left."""

import pytest

from data_modules.cli import main
from tests.references.layouts import MINIATURES, layout_of
from tests.references.layouts.all_faults import FAULTS


def import_fails(layout, source, out, capsys, *arguments):
    """The one line that a failing import prints."""
    with pytest.raises(SystemExit) as caught:
        main(["import", layout, "--source", str(source), "--out", str(out), "--workers", "1", *arguments])
    assert caught.value.code == 2
    lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith("mcss-data")]
    assert len(lines) == 1
    return lines[0]


@pytest.mark.parametrize(("layout", "name"), sorted(FAULTS))
def test_a_fault_gives_one_line_and_no_store(layout, name, copied_source, tmp_path, capsys):
    source = copied_source(layout)
    breaks, words = FAULTS[layout, name]
    breaks(source)
    arguments = ["--size", "32", "--strict", *MINIATURES[layout].arguments]
    message = import_fails(layout_of(layout), source, tmp_path / "store", capsys, *arguments)
    for word in words:
        assert word in message
    assert "InputError" not in message
    assert not (tmp_path / "store").exists()
