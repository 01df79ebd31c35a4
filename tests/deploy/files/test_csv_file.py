"""Files as spreadsheets write them: encodings by their mark, separators by the heading."""

import sys
from pathlib import Path

import pytest

from deploy.files.csv_file import NotText, delimiter_of, opened

TEXT = "email;name\r\nänn@shop.example;Änn\r\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_a_file_is_read_in_the_encoding_that_its_mark_says(tmp_path: Path, encoding: str) -> None:
    file = tmp_path / "a.csv"
    file.write_bytes(TEXT.encode(encoding))
    with opened(file) as text:
        assert text.readline() == "email;name\r\n"
        text.seek(0)
        assert text.read() == TEXT


def test_the_other_order_of_bytes_is_read_too(tmp_path: Path) -> None:
    other = "be" if sys.byteorder == "little" else "le"
    file = tmp_path / "a.csv"
    file.write_bytes(f"\ufeff{TEXT}".encode(f"utf-16-{other}"))
    with opened(file) as text:
        assert text.read() == TEXT


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (TEXT.encode("utf-16-le"), "is no text, or is in UTF-16 without a mark: save it as CSV in UTF-8"),
        (b"PK\x03\x04\x14\x00\x06\x00", "is no text, or is in UTF-16 without a mark"),
        (TEXT.encode("latin-1"), "is no text in UTF-8: invalid continuation byte: save it as CSV in UTF-8"),
        (TEXT.encode("utf-16")[:-1], "is no text in UTF-16: truncated data"),
    ],
)
def test_what_cannot_be_read_is_one_error_for_the_whole_file(
    tmp_path: Path, content: bytes, why: str
) -> None:
    file = tmp_path / "a.csv"
    file.write_bytes(content)
    with pytest.raises(NotText, match=why), opened(file) as text:
        text.read()


def test_odd_bytes_of_a_file_in_utf_8_are_left_to_whoever_looks_at_each_line(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_bytes(b"a@shop.example\n\xff\n")
    with opened(file, by_lines=True) as text:
        assert text.read().splitlines() == ["a@shop.example", "\udcff"]


def test_nothing_is_read_by_lines_of_a_file_that_breaks_late(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_bytes(("email\n" + "ann@shop.example\n" * 50_000).encode("utf-16") + b"\x00\xd8a\x00")
    read = []
    with pytest.raises(NotText, match="is no text in UTF-16: illegal"), opened(file, by_lines=True) as text:
        read.append(text.readline())
    assert not read


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_a_line_ends_as_it_does_on_any_machine(tmp_path: Path, end: str, encoding: str) -> None:
    file = tmp_path / "a.csv"
    file.write_bytes(end.join(("email", "a@shop.example", "b@shop.example", "")).encode(encoding))
    with opened(file, by_lines=True) as text:
        assert [*iter(text.readline, "")] == ["email\n", "a@shop.example\n", "b@shop.example\n"]


def test_the_separator_is_the_headings() -> None:
    found = [delimiter_of(text) for text in ("email", "a,b", "a;b;c,d", "a\tb", '"a, b";"c, d, e";f')]
    assert found == [",", ",", ";", "\t", ";"]
