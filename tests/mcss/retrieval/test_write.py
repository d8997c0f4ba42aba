import contextlib
import csv
import io
import json
import re
import shutil
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from data_modules.store import open_store
from mcss.metrics import MeanPAMPJPEAtK
from mcss.retrieval import embeddings
from mcss.retrieval.__main__ import main
from mcss.retrieval.scores import retrieve_all
from tests.references.synthetic_store import make_store


def run(checkpoints, store_path, out):
    main([*map(str, checkpoints), "--store", str(store_path), "--out", str(out)])


@pytest.fixture(scope="module")
def written(checkpoints, other_store, tmp_path_factory):
    out, printed = tmp_path_factory.mktemp("out"), io.StringIO()
    with contextlib.redirect_stdout(printed):
        run(checkpoints, other_store, out)
    return SimpleNamespace(out=out, checkpoints=checkpoints, printed=printed.getvalue())


def test_everything_is_written_and_agrees_with_the_metric(written, other_store):
    pictures = {"gallery_own.jpg", "gallery_cross.jpg", "distance_by_pose.png", "map.png", "distance_matrix.jpg"}
    for name in ("run0", "run1"):
        assert {path.name for path in (written.out / name).iterdir()} == pictures
    assert (written.out / "mean_pa_mpjpe_at_k.png").stat().st_size > 10_000

    store, kept = open_store(other_store), np.load(written.checkpoints[0].parents[1] / "embeddings.npz")
    numbers = [np.unique(column, return_inverse=True)[1] for column in (store.subject, store.camera)]
    metric = MeanPAMPJPEAtK()
    rows = kept["row"]
    metric.update(
        torch.from_numpy(kept["embedding"]),
        torch.from_numpy(store.pose_world[rows]),
        *(torch.from_numpy(column[rows]) for column in (*numbers, store.instant)),
    )
    figures = metric.compute()
    with (written.out / "retrieval.csv").open(newline="") as file:
        for line in csv.DictReader(file):
            name = {"mean_pa_mpjpe_mm": f"{line['ranking']}_mm", "hit": f"{line['ranking']}_hit"}.get(line["measure"])
            if name and line["run"] in ("", "run0"):
                value = float(figures[f"{line['case']}/{name}@{line['k']}"])
                assert float(line["value"]) == pytest.approx(value, abs=1e-3)
                assert float(line["low"]) <= value + 1e-3
                assert float(line["high"]) >= value - 1e-3


def test_queries_of_one_camera_search_the_same_database(checkpoints, other_store):
    store = open_store(other_store)
    embedded = [embeddings.embed_test_images(checkpoints[0], store)]
    everybody = retrieve_all(store, embedded)["run0"]
    left = retrieve_all(store, embedded, ["left"])["run0"]
    is_left = torch.from_numpy(store.camera[embedded[0].row] == "left")
    assert 0 < is_left.sum() < len(is_left)
    for case, retrieval in everybody.items():
        for before, after in zip(retrieval, left[case], strict=True):
            assert torch.equal(after[is_left], before[is_left])
        assert (left[case].database[~is_left] == 0).all()
        assert left[case].embedding_mm[~is_left].isnan().all()


def test_runs_that_would_be_called_alike_bear_their_folders_names(checkpoints, other_store, tmp_path):
    twin = shutil.copytree(checkpoints[0].parents[1], tmp_path / "twin") / "checkpoints/last.ckpt"
    run([checkpoints[0], twin, checkpoints[1]], other_store, tmp_path / "out")
    page = (tmp_path / "out/retrieval.md").read_text()
    assert re.search(r"\| run0, less twin +\|", page)
    assert re.search(r"\| run0, less mcss, S1, seed 1 +\|", page)


def test_figures_of_runs_that_are_not_measured_again_are_removed(checkpoints, other_store, tmp_path):
    for name in ("run9", "of somebody else"):
        (tmp_path / name).mkdir()
    (tmp_path / "retrieval.json").write_text(json.dumps({"runs": {"run0": {}, "run9": {}, "..": {}}}))
    run(checkpoints[:1], other_store, tmp_path)
    assert {path.name for path in tmp_path.iterdir() if path.is_dir()} == {"run0", "of somebody else"}
    assert json.loads((tmp_path / "retrieval.json").read_text())["runs"].keys() == {"run0"}


def test_tables_and_record_say_what_was_measured(written):
    record = json.loads((written.out / "retrieval.json").read_text())
    assert (record["test_images"], record["test_instants"], record["test_clips"]) == (60, 30, 6)
    assert record["runs"]["run1"]["seed"] == 1
    assert len(record["runs"]["run0"]["checkpoint_hash"]) == len(record["data_hash"]) == 64
    page = (written.out / "retrieval.md").read_text()
    assert page in written.printed
    for text in record["definitions"].values():
        assert text in page
    difference = re.escape("mcss, S1, seed 0, less mcss, S1, seed 1")
    assert re.search(rf"\| other subjects \(paper, case 2\) +\| {difference} +\| \+0.0 \[\+0.0, \+0.0\] +\|", page)
    assert "above the oracle" in page


def test_embeddings_are_computed_once_and_again_when_the_checkpoint_changes(written, other_store, monkeypatch):
    def compute(*arguments):
        raise AssertionError("computed")

    monkeypatch.setattr(embeddings, "_compute", compute)
    run(written.checkpoints, other_store, written.out)
    checkpoint = torch.load(written.checkpoints[0], weights_only=True)
    torch.save(checkpoint | {"epoch": 99}, written.checkpoints[0])
    with pytest.raises(AssertionError, match="computed"):
        run(written.checkpoints, other_store, written.out)


@pytest.fixture
def copied(trained, tmp_path):
    """A copy of the trained run, which other tests share."""
    return shutil.copytree(trained, tmp_path / "copied")


def test_embeddings_are_those_of_the_tested_run(copied, store_path):
    tested = np.load(copied / "test_predictions.npz")
    embedded = embeddings.embed_test_images(copied / "checkpoints/last.ckpt", open_store(store_path))
    assert (embedded.row == tested["row"]).all()
    # The test may have run in bf16.
    assert np.linalg.norm(embedded.embedding - tested["embedding"], axis=1).max() < 0.05


@pytest.mark.parametrize("damage", [lambda content: b"", lambda content: content[:-100], lambda content: b"nothing"])
def test_a_damaged_file_of_embeddings_is_computed_again(damage, copied, store_path):
    checkpoint, kept, store = copied / "checkpoints/last.ckpt", copied / "embeddings.npz", open_store(store_path)
    computed = embeddings.embed_test_images(checkpoint, store)
    kept.write_bytes(damage(kept.read_bytes()))
    again = embeddings.embed_test_images(checkpoint, store)
    np.testing.assert_array_equal(again.embedding, computed.embedding)
    np.testing.assert_array_equal(np.load(kept)["embedding"], computed.embedding)


def test_a_kill_while_embeddings_are_written_leaves_no_half(copied, store_path, monkeypatch):
    def killed(file, **arrays):
        np.savez(file, **{name: values for name, values in arrays.items() if name != "allow_pickle"})
        raise KeyboardInterrupt

    monkeypatch.setattr(np, "savez_compressed", killed)
    with pytest.raises(KeyboardInterrupt):
        embeddings.embed_test_images(copied / "checkpoints/last.ckpt", open_store(store_path))
    assert not (copied / "embeddings.npz").exists()


def test_one_test_subject_and_one_run_leave_the_others_out(copied, store_path, tmp_path):
    run([copied / "checkpoints/last.ckpt"], store_path, tmp_path / "out")
    with (tmp_path / "out/retrieval.csv").open(newline="") as file:
        assert {line["case"] for line in csv.DictReader(file)} == {"all", "own"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--store", "{store}"], "name a checkpoint"),
        (["{tmp}/none.ckpt", "--store", "{store}"], "none.ckpt: no such checkpoint"),
        (["{tmp}/damaged.ckpt", "--store", "{store}"], "damaged.ckpt: damaged, or not a checkpoint of a run"),
        (["{ckpt}", "--store", "{tmp}/nowhere"], "nowhere: there is no store"),
        (["{ckpt}", "--store", "{unlabelled}"], "no test subject has poses"),
        (["{ckpt}", "--store", "{store}", "--query_cameras", "up"], "query camera up: "),
        (["{ckpt}", "{ckpt}", "--store", "{store}"], "runs of the same name: run0, run0"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(arguments, message, checkpoints, other_store, tmp_path, capsys):
    (tmp_path / "damaged.ckpt").write_bytes(b"nothing")
    places = {"store": other_store, "tmp": tmp_path, "ckpt": checkpoints[0], "unlabelled": tmp_path / "unlabelled"}
    if "unlabelled" in " ".join(arguments):
        make_store(places["unlabelled"], ("S1", "S9"), instants=2, size_px=48, labelled=False)
    with pytest.raises(SystemExit) as caught:
        main([*(word.format(**places) for word in arguments), "--out", str(tmp_path / "out")])
    assert caught.value.code == 2
    error = [line for line in capsys.readouterr().err.splitlines() if line.startswith("retrieval: ")]
    assert len(error) == 1
    assert message in error[0]
