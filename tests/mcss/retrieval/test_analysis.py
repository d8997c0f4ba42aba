import numpy as np
import pytest
import torch

from data_modules.store import open_store
from mcss.geometry.canonical import to_canonical, to_root
from mcss.metrics.retrieval import KS
from mcss.retrieval import analysis
from mcss.retrieval.embeddings import RunEmbeddings
from mcss.retrieval.scores import retrieve_all
from mcss.run.figures import SHOWN_QUANTILES


@pytest.fixture(scope="module")
def store(other_store):
    return open_store(other_store)


@pytest.fixture(scope="module")
def embedded(store):
    row = np.flatnonzero(np.isin(store.subject, store.meta.subjects_test))
    embedding = np.random.default_rng(0).normal(size=(len(row), 6)).astype(np.float32)
    return RunEmbeddings("run", {}, row, embedding / np.linalg.norm(embedding, axis=1, keepdims=True))


def test_distance_by_pose_equals_a_loop_where_every_image_is_a_query(store, embedded, monkeypatch):
    monkeypatch.setattr(analysis, "BIN_MM", 60.0)
    pose_mm = to_canonical(to_root(torch.from_numpy(store.pose_world[embedded.row])))[0].numpy()[:, 1:]
    of_bin = {}
    for query, q in enumerate(embedded.row):
        own = {}
        for image, i in enumerate(embedded.row):
            if store.subject[i] == store.subject[q] and store.camera[i] != store.camera[q]:
                place = int(np.linalg.norm(pose_mm[image] - pose_mm[query], axis=1).mean() // 60)
                own.setdefault(place, []).append(np.linalg.norm(embedded.embedding[image] - embedded.embedding[query]))
        for place, distances in own.items():
            of_bin.setdefault(place, []).append(np.mean(distances))
    measured = analysis.distance_by_pose(store, embedded).query("view == 'different view'").set_index("centre_mm")
    enough = {60 * place + 30: means for place, means in of_bin.items() if len(means) >= analysis.MIN_QUERIES}
    assert measured.index.tolist() == sorted(enough)
    for centre_mm, means in enough.items():
        assert measured.loc[centre_mm, "mean"] == pytest.approx(np.mean(means), rel=1e-5)
        assert measured.loc[centre_mm, "deviation"] == pytest.approx(np.std(means), rel=1e-4)


def test_the_query_itself_is_no_image_of_the_same_view(store, embedded):
    bins = analysis.distance_by_pose(store, embedded).set_index(["view", "centre_mm"])["mean"]
    assert ("same view", analysis.BIN_MM / 2) not in bins  # no two instants of the store have poses that near
    assert bins["different view", analysis.BIN_MM / 2] > 0.5


def test_the_map_takes_whole_instants(store, embedded, monkeypatch):
    monkeypatch.setattr(analysis, "MAP_INSTANTS", 8)
    placed = analysis.embedding_map(store, embedded)
    assert placed.place.shape == (16, 2)
    assert np.unique(store.instant[placed.row], return_counts=True)[1].tolist() == [2] * 8


def test_the_matrix_is_of_instants_seen_by_both_cameras(store, embedded):
    matrix = analysis.distance_matrix(store, embedded)
    first, second = matrix.row
    assert (store.instant[first] == store.instant[second]).all()
    assert set(store.camera[first]) == {"left"}
    assert set(store.camera[second]) == {"right"}
    assert set(store.subject[first]) == {"S11"}  # the first of the test subjects in the store's order
    vector = dict(zip(embedded.row.tolist(), embedded.embedding, strict=True))
    assert matrix.distance[1, 3] == pytest.approx(np.linalg.norm(vector[first[1]] - vector[second[3]]))
    one_view = store.camera[embedded.row] == "left"
    assert analysis.distance_matrix(store, embedded._replace(row=embedded.row[one_view])) is None


def test_gallery_queries_lie_at_the_stated_quantiles(store, embedded):
    retrieval = retrieve_all(store, [embedded])[embedded.name]["cross"]
    queries = analysis.gallery_queries(retrieval, KS, 5)
    error_mm = retrieval.embedding_mm[:, KS.index(5)].numpy()
    share_below = [(error_mm < error_mm[query]).mean() for query in queries]
    assert share_below == pytest.approx(SHOWN_QUANTILES, abs=1.5 / len(error_mm))
