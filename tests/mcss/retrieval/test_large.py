import re
import sys

import numpy as np
import pytest
import torch

from data_modules.store import open_store
from mcss.errors import InputError
from mcss.metrics.retrieval import KS, retrieve
from mcss.metrics.retrieval_search import CASES, make_images
from mcss.retrieval.__main__ import main
from mcss.retrieval.embeddings import embed_test_images
from mcss.retrieval.scores import retrieve_all


@pytest.fixture(scope="module")
def images():
    """Embedding, pose, subject, camera and instant of four people's instants, one of them seen by one camera only."""
    rng = np.random.default_rng(3)
    views = [(s, c, 10 * s + i) for s in range(4) for i in range(9) for c in range(3 if s else 1)]
    subject, camera, instant = np.array(sorted(views, key=lambda view: (view[2], view[1]))).T
    embedding = rng.standard_normal((len(subject), 8)).astype(np.float32)
    embedding /= np.linalg.norm(embedding, axis=1, keepdims=True)
    pose_mm = torch.from_numpy(300 * rng.standard_normal((50, 16, 3)))[instant]
    return torch.from_numpy(embedding), pose_mm, *map(torch.from_numpy, (subject, camera, instant))


@pytest.mark.parametrize("case", CASES)
def test_equals_the_exact_benchmark_where_no_distances_tie(images, case):
    exact, large = (retrieve(make_images(*images, exact_instants=n), case, hit_mm=340.0) for n in (100, 1))
    assert 0 < exact.embedding_hit.nanmean() < 1
    assert torch.equal(large.database, exact.database)
    assert torch.equal(large.nearest, exact.nearest)
    torch.testing.assert_close(large.embedding_mm, exact.embedding_mm, equal_nan=True)
    torch.testing.assert_close(large.embedding_hit, exact.embedding_hit, equal_nan=True)
    assert large.oracle_mm.isnan().all()
    answered = exact.database > 0
    assert torch.equal(large.random_mm.isnan(), exact.random_mm.isnan())
    # An estimate from some draws a query: its mean lies within four standard errors of the expectation.
    drawn, expected = large.random_mm[answered, 0], exact.random_mm[answered, 0]
    standard_error = (drawn - expected).std() / len(drawn) ** 0.5
    assert abs((drawn - expected).mean()) < 4 * standard_error


def test_many_instants_are_searched_and_tables_leave_out_the_oracle(checkpoints, other_store, tmp_path, monkeypatch):
    store = open_store(other_store)
    exact = retrieve_all(store, [embed_test_images(checkpoints[0], store)])["run0"]
    monkeypatch.setattr(
        "mcss.retrieval.__main__.retrieve_all", lambda *arguments: retrieve_all(*arguments, exact_instants=29)
    )
    main([str(checkpoints[0]), "--store", str(other_store), "--out", str(tmp_path)])
    page = (tmp_path / "retrieval.md").read_text()
    assert not re.search(r"oracle +\|", page)
    assert "nan" not in page
    value = exact["cross"].embedding_mm[:, KS.index(1)].mean()
    assert re.search(rf"\| other subjects \(paper, case 2\) +\| mcss, S1, seed 0 +\| {value:.1f} \[", page)
    assert (tmp_path / "run0/gallery_cross.jpg").is_file()


def test_without_faiss_one_line_says_how_to_install_it(images, monkeypatch):
    monkeypatch.setitem(sys.modules, "faiss", None)
    with pytest.raises(InputError, match=r"pip install -e '.\[faiss\]'"):
        retrieve(make_images(*images, exact_instants=1), "all")
