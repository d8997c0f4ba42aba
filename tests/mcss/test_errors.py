import pytest
from torch.utils.data import DataLoader

from mcss.errors import InputError, message_in_one_line


class DamagedError(InputError):
    pass


class Broken:
    """Module level, so that a worker process can be given it."""

    def __init__(self, error):
        self.error = error

    def __len__(self):
        return 1

    def __getitem__(self, index):
        raise self.error


@pytest.mark.slow
@pytest.mark.parametrize(
    ("message", "line"),
    [
        ("store: damaged; make it again", "store: damaged; make it again"),
        ("first\n  second\n", "first second"),
        ("a: line\nwithout the words of a traceback", "a: line without the words of a traceback"),
        ("", "DamagedError without a message"),
    ],
)
def test_messages_are_one_line_wherever_they_were_raised(message, line):
    for workers in (0, 1):
        with pytest.raises(InputError) as caught:
            list(DataLoader(Broken(DamagedError(message)), num_workers=workers))
        assert message_in_one_line(caught.value) == line
