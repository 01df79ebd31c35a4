"""A folder that is not ours, or not whole, is built again; one that cannot be removed is never stamped as ours."""

from pathlib import Path

import pytest

from runtime.streams.store import USER, Mark, Store, StoreBusy, StoreDamaged

PLAIN_FILE = "no folder of RocksDB"


def filled(folder: Path, identity: str) -> None:
    store = Store(folder, identity)
    store.write([(USER + b"key", b"value")], Mark(7, 8))
    store.close()


def test_a_folder_comes_back_as_it_was_left(tmp_path: Path) -> None:
    filled(tmp_path / "state", "a")
    store = Store(tmp_path / "state", "a")
    assert (store.get(b"key"), store.mark) == (b"value", Mark(7, 8))
    store.close()


def test_a_folder_of_another_identity_is_built_again_and_leaves_nothing(tmp_path: Path) -> None:
    filled(tmp_path / "state", "a")
    store = Store(tmp_path / "state", "b")
    assert (store.get(b"key"), store.mark) == (None, Mark())
    store.close()
    assert [entry.name for entry in tmp_path.iterdir()] == ["state"]


def test_a_removal_that_was_cut_short_is_finished(tmp_path: Path) -> None:
    (tmp_path / "state.removed").mkdir()
    (tmp_path / "state.removed" / "rest").write_text("rest")
    filled(tmp_path / "state", "a")
    Store(tmp_path / "state", "b").close()
    assert [entry.name for entry in tmp_path.iterdir()] == ["state"]


def test_a_cleared_store_is_empty_and_goes_on(tmp_path: Path) -> None:
    store = Store(tmp_path / "state", "a")
    store.write([(USER + b"key", b"value")], Mark(7, 8))
    store.clear()
    assert (list(store.ordered_keys()), store.mark) == ([], Mark())
    store.write([(USER + b"other", b"value")], Mark(9, 9))
    assert list(store.ordered_keys()) == [b"other"]
    store.close()


def test_what_cannot_be_removed_is_told_and_not_taken_over(tmp_path: Path) -> None:
    filled(tmp_path / "state", "a")
    (tmp_path / "state.removed").write_text(PLAIN_FILE)  # a folder cannot take a file's name
    with pytest.raises(StoreDamaged, match=r"state cannot be removed.*remove it by hand"):
        Store(tmp_path / "state", "b")
    store = Store(tmp_path / "state", "a")
    assert store.get(b"key") == b"value"
    store.close()
    store.remove()
    assert (tmp_path / "state").exists()


def test_a_folder_that_is_open_is_busy_and_stays(tmp_path: Path) -> None:
    store = Store(tmp_path / "state", "a")
    with pytest.raises(StoreBusy):
        Store(tmp_path / "state", "b")
    store.write([(USER + b"key", b"value")], Mark(1, 1))
    assert store.get(b"key") == b"value"
    store.close()
