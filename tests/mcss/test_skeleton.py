import pytest

from mcss.skeleton import BONES, FLIP_ORDER, JOINT_SETS, JOINTS, PARENTS, PELVIS, joint_indices


def test_a_flip_swaps_each_side_once_and_keeps_the_middle():
    flipped = [JOINTS[joint] for joint in FLIP_ORDER]
    assert [FLIP_ORDER[joint] for joint in FLIP_ORDER] == list(range(17))
    assert flipped[1:7] == ["LHip", "LKnee", "LAnkle", "RHip", "RKnee", "RAnkle"]
    assert flipped[11:] == ["RShoulder", "RElbow", "RWrist", "LShoulder", "LElbow", "LWrist"]
    assert [JOINTS[joint] for joint in range(17) if FLIP_ORDER[joint] == joint] == [
        "Pelvis", "Spine", "Thorax", "Neck", "HeadTop",
    ]  # fmt: skip


def test_bones_form_a_tree_in_which_parents_come_first_and_sides_never_mix():
    assert PARENTS[PELVIS] == -1
    assert all(parent < joint for parent, joint in BONES)
    assert len(BONES) == 16
    for parent, joint in BONES:
        assert (FLIP_ORDER[parent], FLIP_ORDER[joint]) in BONES


def test_joint_sets():
    assert joint_indices("h36m17") == tuple(range(17))
    assert [JOINTS[joint] for joint in joint_indices("h36m16")] == list(JOINTS[1:])
    assert [JOINTS[joint] for joint in joint_indices("mpi14")] == [*JOINTS[1:7], "Thorax", *JOINTS[10:]]
    assert set(JOINT_SETS) == {"h36m16", "h36m17", "mpi14"}
    with pytest.raises(ValueError, match="unknown joint set 'h36m14': use one of h36m17, h36m16, mpi14"):
        joint_indices("h36m14")
