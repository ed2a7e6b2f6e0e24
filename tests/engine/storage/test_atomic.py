"""A file is there whole or not at all."""

import re

import pytest

from engine.storage.atomic import written


def test_a_file_appears_when_all_is_written(tmp_path):
    path = tmp_path / "order.csv"
    with written(path) as draft:
        assert draft.parent == tmp_path
        assert draft.suffix == ".csv"
        draft.write_text("t,r")
        assert not path.exists()
    assert path.read_text() == "t,r"
    assert list(tmp_path.iterdir()) == [path]


def test_what_fails_leaves_the_old_file_and_no_trace(tmp_path):
    path = tmp_path / "order.csv"
    path.write_text("old")

    def fail():
        with written(path) as draft:
            draft.write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("name", ["no/such/folder.npz", "file/under.npz"])
def test_where_nothing_can_be_written_a_sentence_says_so(tmp_path, name):
    (tmp_path / "file").touch()
    path = tmp_path / name
    words = re.escape(str(path)) + r" cannot be written \(.*\): name a folder"
    with pytest.raises(OSError, match=words), written(path):
        pass


def test_a_folder_is_no_file(tmp_path):
    (tmp_path / "out").mkdir()
    with pytest.raises(OSError, match="it is a folder"), written(tmp_path / "out"):
        pass
    assert list((tmp_path / "out").iterdir()) == []
    assert len(list(tmp_path.iterdir())) == 1


def test_a_new_file_is_as_readable_as_any_other(tmp_path):
    (tmp_path / "plain").touch()
    with written(tmp_path / "careful"):
        pass
    assert (tmp_path / "careful").stat().st_mode == (tmp_path / "plain").stat().st_mode
