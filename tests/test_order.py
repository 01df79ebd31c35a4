"""The longest test files begin first, and a file that was renamed or moved does not lose its place unseen."""

from tests.order import FILES, FOLDERS, ROOT, place


def test_every_name_in_the_order_is_a_file_or_folder_of_tests() -> None:
    assert [name for name in FILES if not (ROOT / name).is_file()] == []
    assert [name for name in FOLDERS if not (ROOT / name).is_dir()] == []


def test_the_longest_come_before_their_folders_and_pure_ones_last() -> None:
    names = [
        "test_tidy.py",
        "processors/test_forest.py",
        "sinks/storing/test_batch.py",
        "runtime/test_lag.py",
        *FILES[::-1],
    ]
    found = sorted((ROOT / name for name in names), key=place)
    assert [path.relative_to(ROOT).as_posix() for path in found] == [
        *FILES, "runtime/test_lag.py", "sinks/storing/test_batch.py", "test_tidy.py", "processors/test_forest.py",
    ]  # fmt: skip
