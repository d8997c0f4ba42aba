"""What the streams deliver, seen from outside: rows are told apart by their pose and their pixels."""

import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from data_modules.store import open_store, write_store
from data_modules.training.augment import AugmentSettings
from data_modules.training.datamodule import MultiviewPoseDataModule
from data_modules.training.images import as_tensor
from data_modules.training.loaders import StepLoader, StepSampler
from data_modules.training.streams import rank_batches
from data_modules.training.supervision import separate_clips
from mcss.batch import EvalBatch, LabelledBatch, MultiviewBatch
from mcss.errors import InputError
from mcss.objectives.base import Needs
from tests.references.synthetic_store import make_meta, make_store, ring_of_cameras, synthetic_rows

VALIDATION = "S5/Walking/1"
PLAIN = AugmentSettings(rotation_deg=0.0, scale=0.0, shift=0.0, brightness=0.0, contrast=0.0, colour=0.0)


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    path = make_store(tmp_path_factory.mktemp("streams") / "store", size_px=32, instants=12)
    return open_store(path)


@pytest.fixture
def make_data(store):
    def make(stage="fit", **settings):
        chosen = {"supervision": "S1", "validation_clips": (VALIDATION,), "image_size_px": 32, "pairs": 5}
        chosen |= {"labelled_images": 7, "min_gap_s": 0.5, "steps_per_epoch": 6, "cache_images": True}
        data = MultiviewPoseDataModule(**({"store": str(store.path)} | chosen | settings))
        data.setup(stage)
        return data

    return make


def steps(data, count=6):
    loader = data.train_dataloader()
    return [batch for (batch, *_), _ in zip(loader, range(count), strict=False)]


def rows_of(images, store):
    """Row of each image: pixels of the synthetic store are random, so they name their row."""
    pixels = as_tensor(store.decode(np.arange(len(store)), images.shape[-1])).flatten(1)
    return [int((pixels == image.flatten()).all(dim=1).nonzero()) for image in images]


def test_labels_are_of_the_supervised_subject_and_match_their_images(make_data, store):
    for batch in steps(make_data()):
        labelled = batch["labelled"]
        rows = rows_of(labelled.images, store)
        assert set(store.subject[rows]) == {"S1"}
        np.testing.assert_array_equal(labelled.pose_world.numpy(), store.pose_world[rows])


def test_a_camera_that_is_left_out_is_in_no_stream_but_in_the_test(make_data, store):
    for batch in steps(make_data(leave_out_cameras=("cam2",))):
        rows = [
            row for images in (*batch["multiview"][1:3], batch["labelled"].images) for row in rows_of(images, store)
        ]
        assert set(store.camera[rows]) <= {"cam1", "cam3", "cam4"}
    assert "cam2" in store.camera[make_data("test", leave_out_cameras=("cam2",)).rows_test]
    with pytest.raises(InputError, match=r"leave_out_cameras cam9: no such camera in .*; it has cam1, cam2"):
        make_data(leave_out_cameras=("cam1", "cam9"))


def test_pairs_are_one_subjects_instants_from_two_cameras_without_test_or_validation(make_data, store):
    seen = set()
    for batch in steps(make_data()):
        anchor, positive = (rows_of(images, store) for images in batch["multiview"][1:3])
        assert len(set(store.subject[anchor])) == 1
        np.testing.assert_array_equal(store.instant[anchor], store.instant[positive])
        assert (store.camera[anchor] != store.camera[positive]).all()
        seen |= {store.clip_names[clip] for clip in store.clip[anchor]}
    assert VALIDATION not in seen
    assert not {name for name in seen if name.startswith("S9")}
    assert any(name.startswith("S5") for name in seen), "unlabelled subjects are in the multiview stream"


def test_the_images_of_a_step_are_named_in_the_order_of_its_batch(make_data, store):
    data = make_data()
    for step, batch in enumerate(steps(data, 3)):
        images = torch.cat([batch["multiview"].anchor, batch["multiview"].positive, batch["labelled"].images])
        rows = rows_of(images, store)
        assert data.training_images(step) == [
            f"{store.subject[i]}/{store.action[i]}/{store.subaction[i]} frame {store.frame[i]} camera {store.camera[i]}"
            for i in rows
        ]


def test_streams_can_be_switched_off(make_data):
    assert set(steps(make_data(pairs=0), 1)[0]) == {"labelled"}
    assert set(steps(make_data(supervision="none", needs=Needs("Contrastive")), 1)[0]) == {"multiview"}


def test_nothing_to_train_on_is_refused(make_data):
    with pytest.raises(InputError, match=r"nothing to train on: model\.objective is null"):
        make_data(pairs=0, supervision="none")


def test_decoding_at_once_and_on_the_way_give_the_same_batches(make_data):
    for cached, decoded in zip(steps(make_data()), steps(make_data(cache_images=False)), strict=True):
        assert torch.equal(cached["multiview"].anchor, decoded["multiview"].anchor)
        assert torch.equal(cached["labelled"].images, decoded["labelled"].images)


@pytest.mark.filterwarnings("ignore:This DataLoader will create")  # on machines with one core
def test_worker_processes_give_the_same_batches(make_data):
    for alone, helped in zip(steps(make_data()), steps(make_data(num_workers=2)), strict=True):
        assert torch.equal(alone["multiview"].positive, helped["multiview"].positive)
        assert alone["multiview"].step == helped["multiview"].step


@pytest.mark.parametrize(("settings", "names"), [({}, ("multiview", "labelled")), ({"pairs": 0}, ("labelled",))])
def test_transferred_batch_is_anchor_positive_labelled(make_data, settings, names):
    data = make_data(augment=PLAIN, **settings)
    batch = steps(data, 1)[0]
    out = data.on_after_batch_transfer(batch, 0)
    parts = [images for name in names for images in batch[name] if torch.is_tensor(images) and images.ndim == 4]
    torch.testing.assert_close(out.images, data.augment.normalise(torch.cat(parts)), atol=1e-4, rtol=1e-4)
    assert out.pairs == (5 if "multiview" in names else 0)
    assert torch.equal(out.pose_world, batch["labelled"].pose_world)
    assert not out.flipped.any()


def test_flips_of_labelled_images_are_told(make_data):
    data = make_data(augment=AugmentSettings(flip_probability=0.5))
    flips = torch.stack([data.on_after_batch_transfer(batch, 0).flipped for batch in steps(data)])
    assert 0.2 < flips.float().mean() < 0.8


def test_evaluation_has_every_row_once_and_the_right_subjects(make_data, store):
    data = make_data(eval_batch_size=50)
    validation = [row for batch in data.val_dataloader() for row in batch.row.tolist()]
    test = [row for batch in data.test_dataloader() for row in batch.row.tolist()]
    assert validation == np.flatnonzero(store.clip == store.clip_names.index(VALIDATION)).tolist()
    assert test == np.flatnonzero(store.subject == "S9").tolist()


def test_evaluation_normalises_without_variation(make_data):
    data = make_data("test")
    batch = next(iter(data.test_dataloader()))
    out = data.on_after_batch_transfer(batch, 0)
    torch.testing.assert_close(out.images, data.augment.normalise(batch.images))
    assert isinstance(out, EvalBatch)


def test_without_validation_clips_there_is_nothing_to_validate(make_data):
    assert make_data(validation_clips=()).val_dataloader() == []


@given(world_size=st.integers(1, 8), batch_size=st.integers(1, 40), rows=st.integers(0, 60))
def test_shares_are_disjoint_complete_not_padded_and_of_equally_many_batches(world_size, batch_size, rows):
    shares = [rank_batches(np.arange(rows), batch_size, rank, world_size) for rank in range(world_size)]
    assert sorted(int(row) for share in shares for batch in share for row in batch) == list(range(rows))
    assert len({len(share) for share in shares}) == 1
    assert all(len(batch) <= batch_size and np.all(np.diff(batch) > 0) for share in shares for batch in share)


def test_steps_start_where_training_stands_and_end_with_the_epoch():
    position = [0]
    sampler = StepSampler(lambda: position[0], steps_per_epoch=5)
    assert list(sampler) == [0, 1, 2, 3, 4]
    position[0] = 7
    assert list(sampler) == [7, 8, 9]
    position[0] = 10
    assert list(sampler) == [10, 11, 12, 13, 14]
    assert len(sampler) == 5


def test_a_checkpoint_of_other_batches_is_refused():
    stream = torch.utils.data.TensorDataset(torch.zeros(3))
    sampler = StepSampler(lambda: 0, 3)
    begun = StepLoader(stream, sampler, {"seed": 0, "world_size": 1}, num_workers=0)
    same, other = (StepLoader(stream, sampler, {"seed": 0, "world_size": n}, num_workers=0) for n in (1, 2))
    same.load_state_dict(begun.state_dict())
    with pytest.raises(InputError, match=r"other batches \(world_size 1 -> 2\)"):
        other.load_state_dict(begun.state_dict())


def test_batches_are_typed_tuples(make_data):
    batch = steps(make_data(), 1)[0]
    assert isinstance(batch["multiview"], MultiviewBatch)
    assert isinstance(batch["labelled"], LabelledBatch)


@pytest.fixture(scope="module")
def videos(tmp_path_factory):
    """A store of a lab: other people, other cameras, no poses."""
    path = tmp_path_factory.mktemp("videos") / "videos"
    make_store(path, subjects=("Ann", "Bob"), cameras=("left", "right"), instants=12, seed=7, labelled=False)
    return open_store(path)


def test_pairs_and_labels_come_from_stores_of_their_own(make_data, store, videos):
    for cache_images in (True, False):
        data = make_data(multiview_store=str(videos.path), cache_images=cache_images)
        for batch in steps(data, 3):
            anchor = rows_of(batch["multiview"].anchor, videos)
            assert set(videos.subject[anchor]) <= {"Ann", "Bob"}
            labelled = rows_of(batch["labelled"].images, store)
            assert set(store.subject[labelled]) == {"S1"}
            np.testing.assert_array_equal(batch["labelled"].pose_world.numpy(), store.pose_world[labelled])
    assert (data.data_name, len(data.rows_validation)) == ("synthetic", 48)


def test_every_store_counts_in_the_datas_hash(make_data, store, videos):
    assert make_data().data_hash == store.content_hash
    hashes = {make_data(multiview_store=str(videos.path)).data_hash, make_data(test_store=str(videos.path)).data_hash}
    assert len(hashes | {store.content_hash, videos.content_hash}) == 4


def test_the_test_comes_from_its_own_store(make_data, store, videos, tmp_path):
    other = open_store(make_store(tmp_path / "other", clips=("Jumping/1",), seed=3, size_px=32))
    data = make_data("test", test_store=str(other.path))
    batches = [data.on_after_batch_transfer(batch, 0) for batch in data.test_dataloader()]
    rows = torch.cat([batch.row for batch in batches]).numpy()
    assert set(other.subject[rows]) == {"S9"}
    np.testing.assert_array_equal(torch.cat([batch.pose_world for batch in batches]).numpy(), other.pose_world[rows])


def test_without_poses_all_images_of_test_subjects_are_tested_and_without_subjects_it_is_refused(make_data, tmp_path):
    unlabelled = make_store(tmp_path / "unlabelled", labelled=False)
    data = make_data("test", test_store=str(unlabelled))
    assert set(data.test_store.subject[data.rows_test]) == {"S9"}
    assert len(data.rows_test) == (data.test_store.subject == "S9").sum()
    nobody = make_store(tmp_path / "nobody", subjects=("S1", "S5"))
    with pytest.raises(InputError, match=r"nobody: has no test subject; import it again with --test-subjects"):
        make_data("test", test_store=str(nobody))


# One store under several names, and stores of the same recordings.


def relative(path, tmp_path, monkeypatch):
    monkeypatch.chdir(path.parent)
    return path.name


def linked(path, tmp_path, monkeypatch):
    (tmp_path / "link").symlink_to(path)
    return str(tmp_path / "link")


def copied(path, tmp_path, monkeypatch):
    shutil.copytree(path, tmp_path / "copy")
    return str(tmp_path / "copy")


def made_otherwise(path, tmp_path, monkeypatch):
    """The same recordings at another size: another content hash, the same poses."""
    return str(make_store(tmp_path / "larger", size_px=40, instants=12))


@pytest.mark.parametrize("spelling", [relative, linked, copied, made_otherwise])
def test_validation_clips_stay_out_of_the_pairs_whatever_the_store_is_called(
    make_data, store, tmp_path, monkeypatch, spelling
):
    data = make_data(multiview_store=spelling(store.path, tmp_path, monkeypatch))
    pairs = data.multiview_store
    names = {pairs.clip_names[clip] for clip in pairs.clip[data.rows_train]}
    assert len(names) == 5
    assert VALIDATION not in names


@pytest.mark.parametrize("supervision", ["all", "S1", "50%S1", "none"])
def test_clips_that_test_filmed_people_are_in_no_stream(make_data, store, supervision):
    filmed = ("S1/Directions/1", "S5/Directions/1")
    data = make_data(supervision=supervision, filmed_test_clips=filmed, min_gap_s=0.1, needs=Needs("Contrastive"))
    rows = np.concatenate([data.rows_train, data.rows_labelled, data.rows_validation])
    assert not {store.clip_names[clip] for clip in store.clip[rows]} & set(filmed)
    tested = np.concatenate([batch.row.numpy() for batch in data.filmed_dataloader()])
    without_labels = filmed if supervision in ("all", "none") else filmed[1:]  # of all, where everybody has some
    assert {store.clip_names[clip] for clip in store.clip[tested]} == set(without_labels)
    assert len(tested) == len(without_labels) * 12 * 4


@pytest.mark.parametrize(("supervision", "chosen"), [("S1", {"S1"}), ("all", {"S1", "S5"}), ("none", {"S1", "S5"})])
def test_settings_are_chosen_by_clips_of_people_who_have_labels(make_data, store, supervision, chosen):
    clips = (VALIDATION, "S1/Walking/1")
    data = make_data(supervision=supervision, validation_clips=clips, needs=Needs("Contrastive"))
    rows = np.concatenate([batch.row.numpy() for batch in data.tuning_dataloader()])
    assert {store.clip_names[clip] for clip in store.clip[rows]} == {
        clip for clip in clips if clip.partition("/")[0] in chosen
    }


@pytest.mark.parametrize("spelling", [None, copied, made_otherwise])
def test_a_validation_person_is_in_no_stream(make_data, store, tmp_path, monkeypatch, spelling):
    other = {} if spelling is None else {"multiview_store": spelling(store.path, tmp_path, monkeypatch)}
    data = make_data(supervision="all", validation_clips=("S5",), **other)
    assert set(data.multiview_store.subject[data.rows_train]) == set(store.subject[data.rows_labelled]) == {"S1"}
    assert set(store.subject[data.rows_validation]) == set(store.subject[data.rows_tuning]) == {"S5"}


@pytest.mark.parametrize("validation", [VALIDATION, "S5"])
def test_a_clip_is_for_tuning_or_for_the_test(validation):
    message = rf"clip {VALIDATION}: both in validation_clips and in filmed_test_clips"
    with pytest.raises(InputError, match=message):
        separate_clips((validation,), (VALIDATION,))


def test_clips_of_other_recordings_are_kept_though_their_names_are_the_same(make_data, store, tmp_path):
    others = make_store(tmp_path / "others", seed=5, instants=12)
    data = make_data(multiview_store=str(others))
    assert VALIDATION in {data.multiview_store.clip_names[clip] for clip in data.multiview_store.clip[data.rows_train]}


def test_pairs_of_test_subjects_are_warned_of(make_data, store, tmp_path):
    meta = replace(make_meta(), subjects_train=("S1", "S5", "S9"), subjects_test=())
    write_store(tmp_path / "all", synthetic_rows(instants=12), meta)
    with pytest.warns(UserWarning, match=rf"pairs of {tmp_path / 'all'} show S9, for the test in {store.path}"):
        make_data(multiview_store=str(tmp_path / "all"))
    with pytest.warns(UserWarning, match=r"labels of .* show S9"):
        make_data(labelled_store=str(tmp_path / "all"), supervision="S1+S9")
    make_data(multiview_store=str(tmp_path / "all"), subjects=("S1", "S5"))


def test_pairs_come_from_the_chosen_subjects(make_data, store):
    data = make_data(subjects=("S5",))
    assert set(store.subject[data.rows_train]) == {"S5"}
    assert set(store.subject[data.rows_labelled]) == {"S1"}
    with pytest.raises(InputError, match=r"subjects S9: no training subject of .*; it has S1, S5"):
        make_data(subjects=("S1", "S9"))


def test_crops_that_are_enlarged_are_warned_of_once(make_data, store):
    with pytest.warns(UserWarning, match=rf"image_size_px 48: the crops of {store.path} are 32 px wide") as caught:
        make_data(image_size_px=48)
    assert len(caught) == 1


def test_the_gap_between_instants_is_told(make_data, capsys):
    make_data(min_gap_s=0.6).train_dataloader()
    assert "two instants of a clip in a batch are 1 s or more apart (min_gap_s 0.6)" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("needs", "settings", "message"),
    [
        (
            {"labels": True},
            {"supervision": "none"},
            "objective X starts from 3D labels, and data.supervision is 'none'",
        ),
        ({"shared_colours": True}, {"mix_subjects": True}, "objective X needs pairs of one subject"),
        ({"geometry": True}, {}, r"no calibration of camera cam1 \(subject S1\), which objective X needs"),
        ({"facing": True}, {}, "no camera of a labelled image is calibrated, which model.facing needs"),
    ],
)
def test_what_an_objective_on_views_cannot_have_is_refused_in_one_line(make_data, needs, settings, message):
    with pytest.raises(InputError, match=message):
        make_data(needs=Needs(objective="X", **needs), **settings).train_dataloader()


def test_facing_takes_the_labelled_images_whose_cameras_are_known(tmp_path, make_data):
    known = dict(list(ring_of_cameras().items())[:2])
    path = make_store(tmp_path / "half", size_px=32, instants=12, calibration=known)
    half = open_store(path)
    data = make_data(store=str(path), needs=Needs(objective="X", facing=True))
    for batch in steps(data, 2):
        varied = data.on_after_batch_transfer(batch, 0)
        cameras = half.camera[rows_of(batch["labelled"].images, half)]
        is_known = varied.labelled_geometry.rot_world_to_view.isfinite().all(dim=(1, 2))
        assert is_known.tolist() == np.isin(cameras, list(known)).tolist()
        assert varied.geometry.rot_world_to_view[:10].isnan().all()  # of the pairs nobody needs it
    evaluated = next(iter(data.test_dataloader()))
    assert evaluated.geometry.rot_world_to_view.isfinite().all(dim=(1, 2)).float().mean() == 0.5


def test_2d_joints_need_poses_of_training_subjects(tmp_path, make_data):
    path = make_store(tmp_path / "unlabelled", size_px=32, instants=12, labelled=False)
    data = make_data(multiview_store=str(path), needs=Needs(objective="X", joints_2d=True))
    with pytest.raises(InputError, match="no poses of training subjects, whose 2D joints objective X needs"):
        data.train_dataloader()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"pairs": -1}, "^pairs -1: choose a number of at least 0$"),
        ({"labelled_images": 0}, "^labelled_images 0: choose a number of at least 1$"),
        ({"min_gap_s": float("nan")}, "^min_gap_s nan: choose"),
        ({"unsynchronised_gap_s": (3.0, 1.0)}, r"^unsynchronised_gap_s \[3, 1\]: the least time, then the largest$"),
        ({"steps_per_epoch": 0}, "^steps_per_epoch 0: choose"),
        ({"eval_batch_size": 0}, "^eval_batch_size 0: choose"),
        ({"num_workers": -1}, "^num_workers -1: choose"),
    ],
)
def test_a_setting_out_of_its_range_is_refused(settings, message):
    with pytest.raises(InputError, match=message):
        MultiviewPoseDataModule(**settings)
