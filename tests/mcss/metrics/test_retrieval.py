import numpy as np
import pytest
import torch

from mcss.metrics import MeanPAMPJPEAtK
from mcss.metrics.functional import pa_mpjpe, pairwise_pa_mpjpe
from mcss.metrics.retrieval import retrieve
from mcss.metrics.retrieval_search import CASES
from tests.ddp_helpers import run_ranks
from tests.ddp_workers import metric_sums
from tests.references import retrieval as reference

KS = (1, 3, 10, 50)
HIT_MM = 330.0


def random_images(seed, subjects=3, instants=4, cameras=3, twins=True):
    """Images of all cameras, in random order; with twins, embeddings that tie and poses that occur twice."""
    rng = np.random.default_rng(seed)
    pose = rng.normal(0, 300, (subjects * instants, 17, 3))
    images = [(s * instants + i, s, c) for s in range(subjects) for i in range(instants) for c in range(cameras)]
    instant, subject, camera = np.array(images)[rng.permutation(len(images))].T
    embedding = rng.normal(size=(len(images), 5))
    if twins:
        pose[1::3] = pose[0]
        embedding[::2] = embedding[rng.integers(0, 3, len(embedding[::2])) * 2]
    return [
        torch.tensor(embedding, dtype=torch.float32),
        torch.tensor(pose[instant], dtype=torch.float32),
        *(torch.tensor(values) for values in (subject, camera, instant)),
    ]


def measured(images, **settings):
    metric = MeanPAMPJPEAtK(**({"ks": KS, "hit_mm": HIT_MM} | settings))
    metric.update(*images)
    return metric.compute()


def expected(images, ks=KS):
    embedding, pose, subject, camera, instant = (values.numpy() for values in images)
    h36m16 = (pose - pose[:, :1])[:, 1:]
    return {
        f"{case}/{name}": value
        for case in CASES
        for name, value in reference.mean_figures(embedding, h36m16, subject, camera, instant, case, ks, HIT_MM).items()
    }


def assert_same(figures, others):
    assert figures.keys() == others.keys()
    for name, value in figures.items():
        assert float(value) == pytest.approx(float(others[name]), abs=1e-3), name


@pytest.mark.parametrize("twins", [False, True])
@pytest.mark.parametrize("seed", range(3))
def test_equals_a_loop_on_images_with_ties_equal_poses_and_k_beyond_the_database(seed, twins):
    images = random_images(seed, twins=twins)
    figures = measured(images)
    assert_same(figures, expected(images))
    assert len(figures) == len(CASES) * len(KS) * 7
    assert max(figures.values()) < 1000  # nothing beyond a database counts


def test_subjects_with_one_view_are_queries_but_have_no_own_database():
    images = random_images(3)
    keep = (images[2] != 0) | (images[3] == 1)
    images = [values[keep] for values in images]
    assert_same(measured(images), expected(images))
    metric = MeanPAMPJPEAtK()
    metric.update(*images)
    own, every = (retrieve(metric.images(), case) for case in ("own", "all"))
    one_view = metric.images().subject == 0
    assert (own.database[one_view] == 0).all()
    assert own.embedding_mm[one_view].isnan().all()
    assert (every.database[one_view] > 0).all()


def test_a_case_without_a_database_is_left_out():
    images = random_images(4, subjects=1)
    assert {name.split("/")[0] for name in measured(images)} == {"all", "own"}
    assert measured([values[images[3] == 0] for values in images]) == {}


def test_the_order_and_the_batches_of_images_do_not_matter():
    images = random_images(5)
    metric = MeanPAMPJPEAtK(KS, HIT_MM)
    order = torch.randperm(len(images[0]))
    for rows in order.split(7):
        metric.update(*(values[rows] for values in images))
    assert metric.compute() == measured(images)


@pytest.mark.slow
def test_two_ranks_with_unequal_shares_equal_one():
    images = random_images(6)
    batches = [
        [[values[:20] for values in images], [values[20:23] for values in images]],
        [[values[23:] for values in images]],
    ]
    alone = measured(images)
    for (figures,) in run_ranks(metric_sums, [MeanPAMPJPEAtK(KS, HIT_MM)], batches):
        assert figures == alone


@pytest.mark.slow
def test_a_rank_without_a_batch_changes_nothing():
    images = random_images(6)
    alone = measured(images)
    for (figures,) in run_ranks(metric_sums, [MeanPAMPJPEAtK(KS, HIT_MM)], [[images], []]):
        assert figures == alone


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*before the ``update`` method")
def test_no_images_on_any_rank_are_refused():
    with pytest.raises(RuntimeError, match="of no images is undefined"):
        run_ranks(metric_sums, [MeanPAMPJPEAtK()], [[], []])


def test_views_that_coincide_are_found_and_a_scrambled_embedding_is_random():
    _, pose, subject, camera, instant = random_images(7, instants=12, twins=False)
    by_instant = torch.nn.functional.one_hot(instant).float()
    figures = measured([by_instant, pose, subject, camera, instant], ks=(1, 2))
    assert figures["all/embedding_mm@2"] == figures["all/oracle_mm@2"] == 0
    assert figures["all/embedding_hit@1"] == 1
    scrambled = torch.randn(len(pose), 8, generator=torch.Generator().manual_seed(0))
    figures = measured([scrambled, pose, subject, camera, instant], ks=(20,))
    assert float(figures["all/embedding_mm@20"]) == pytest.approx(float(figures["all/random_mm@20"]), rel=0.03)


def test_pairwise_errors_equal_one_pair_at_a_time_also_mirrored_flat_and_pointlike(monkeypatch):
    monkeypatch.setattr("mcss.metrics.functional._PAIRS_AT_ONCE", 30)  # several blocks
    pose = 300 * torch.randn(9, 17, 3, generator=torch.Generator().manual_seed(0))
    pose[3] = pose[2] * torch.tensor([-1, 1, 1])
    pose[4, :, 2], pose[5, :, 1:], pose[6], pose[8] = 0, 0, 250.0, 3 * pose[7] + 40
    error = pairwise_pa_mpjpe(pose)
    one_by_one = torch.stack([pa_mpjpe(pose, target.expand_as(pose)) for target in pose])
    collinear = [5]  # its best rotation is not unique, and the mean of distances differs between the best ones
    others = [index for index in range(9) if index not in collinear]
    torch.testing.assert_close(error[others][:, others], one_by_one[others][:, others], atol=1e-6, rtol=0)
    assert error.isfinite().all()
    assert (error - error.T).abs().max() > 10
    assert pairwise_pa_mpjpe(pose[:0]).shape == (0, 0)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda images: images[4].fill_(0), "were added twice"),
        (lambda images: images[1][0].add_(torch.randn(17, 3)), "views of an instant differ in pose"),
        (lambda images: images[1].fill_(torch.nan), "not finite"),
    ],
)
def test_bad_images(change, message):
    images = random_images(8, cameras=2, twins=False)
    change(images)
    with pytest.raises(ValueError, match=message):
        measured(images)


def test_bad_settings_and_no_images():
    for ks in ((), (0, 1)):
        with pytest.raises(ValueError, match="name at least one K"):
            MeanPAMPJPEAtK(ks)
    with (
        pytest.warns(UserWarning, match="before the ``update`` method"),
        pytest.raises(RuntimeError, match="of no images is undefined"),
    ):
        MeanPAMPJPEAtK().compute()
