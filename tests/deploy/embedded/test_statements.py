"""The pure parts of the embedded ClickHouse: where SQL ends and data begins, settings, errors, frames."""

import bz2
import gzip
import lzma
import zlib
from collections.abc import Iterator

import brotli  # type: ignore[import-untyped]
import lz4.frame  # type: ignore[import-untyped]
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from deploy.embedded.clickhouse import context, formats, request, sql, statement
from deploy.embedded.clickhouse.compression import acceptable, compressor, decompressed
from deploy.embedded.clickhouse.failure import ClickHouseError, body, from_engine, refused

# text, what stands before FORMAT or VALUES, the format, the data that follows
INSERTS = [
    (b"INSERT INTO t FORMAT Native\n\x01\x02", "INSERT INTO t", "Native", b"\x01\x02"),
    (b"insert into d.t (a, b) format JSONEachRow {}", "insert into d.t (a, b)", "JSONEachRow", b"{}"),
    (b"INSERT INTO t FORMAT CSV\r\n\r\n1", "INSERT INTO t", "CSV", b"\r\n1"),
    (b"INSERT INTO t VALUES (1), (2)", "INSERT INTO t", "Values", b" (1), (2)"),
    (b"INSERT INTO TABLE FUNCTION remote('h', 'VALUES', x) FORMAT TSV\n1", None, "TSV", b"1"),
    (b"INSERT INTO format FORMAT Avro\nObj", "INSERT INTO format", "Avro", b"Obj"),
    (b"INSERT INTO `values`.`a\\`b` FORMAT Avro\nObj", "INSERT INTO `values`.`a\\`b`", "Avro", b"Obj"),
    (
        b"INSERT INTO t SETTINGS x = 'FORMAT y' FORMAT TSV\n1",
        "INSERT INTO t SETTINGS x = 'FORMAT y'",
        "TSV",
        b"1",
    ),
    (b"-- a FORMAT z\nINSERT /* VALUES */ INTO t FORMAT TSV\n1", None, "TSV", b"1"),
    (b"INSERT INTO {t:Identifier} FORMAT TSV\n1", "INSERT INTO {t:Identifier}", "TSV", b"1"),
    (b"INSERT INTO t", "INSERT INTO t", "Fallback", b""),
]
NO_DATA = [
    b"INSERT INTO t SELECT 1",
    b"INSERT INTO t (a) WITH 1 AS x SELECT x",
    b"SELECT 'INSERT INTO t FORMAT TSV'",
    b"",
    b"INSERT",
    b"INSERT INTO",
    b"ALTER TABLE t DELETE WHERE a = 'VALUES'",
]


@pytest.mark.parametrize(("text", "statement", "name", "data"), INSERTS)
def test_an_inserts_data_begins_where_clickhouse_says(
    text: bytes, statement: str | None, name: str, data: bytes
) -> None:
    found = sql.insert(text, "Fallback")
    assert found is not None
    assert found.format == name
    assert text[found.data_at :] == data
    assert statement is None or f"{found.statement} {found.settings}".strip() == statement


@pytest.mark.parametrize("text", NO_DATA)
def test_a_statement_without_data_is_none(text: bytes) -> None:
    assert sql.insert(text, "Fallback") is None


@given(st.binary())
def test_any_bytes_are_read(text: bytes) -> None:
    sql.insert(b"INSERT INTO t" + text, "TSV")
    sql.insert(text, "TSV")
    sql.output_format(b"SELECT format " + text)
    sql.first_word(text)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (b"SELECT 1 FORMAT JSON", "JSON"),
        (b"SELECT 1\n FORMAT Native", "Native"),
        (b"SELECT 1 FORMAT JSON SETTINGS max_threads = 1;", "JSON"),
        (b"SELECT 'FORMAT JSON'", ""),
        (b"SELECT 1 -- FORMAT JSON", ""),
        (b"SELECT (SELECT 1 FORMAT JSON)", ""),
        (b"SELECT format('{}', 1)", ""),
    ],
)
def test_the_output_format_is_found(text: bytes, name: str) -> None:
    assert sql.output_format(text) == name


@pytest.mark.parametrize(
    ("text", "with_file"),
    [
        (b"SELECT 1 FORMAT ORC", b"SELECT 1 INTO OUTFILE '/a' FORMAT ORC"),
        (
            b"SELECT 1 FORMAT ORC SETTINGS max_threads = 1;",
            b"SELECT 1 INTO OUTFILE '/a' FORMAT ORC SETTINGS max_threads = 1;",
        ),
        (b"SELECT 1;", b"SELECT 1\nINTO OUTFILE '/a' FORMAT Avro"),
        (b"SELECT format orc FROM t -- x", b"SELECT format orc FROM t -- x\nINTO OUTFILE '/a' FORMAT Avro"),
        (b"SELECT 'FORMAT ORC'", b"SELECT 'FORMAT ORC'\nINTO OUTFILE '/a' FORMAT Avro"),
    ],
)
def test_a_file_for_the_output_is_named_where_the_format_is(text: bytes, with_file: bytes) -> None:
    assert sql.into_file(text, "/a", "Avro") == with_file


@given(st.text())
def test_a_quoted_value_is_one_string(value: str) -> None:
    token = sql._TOKEN.match(sql.quoted(value).encode("utf-8", "surrogatepass"))
    assert token is not None
    assert token.lastgroup == "string"
    assert token.end() == len(sql.quoted(value).encode("utf-8", "surrogatepass"))


def test_a_statement_may_come_in_the_address_the_body_or_both() -> None:
    for query, chunks in (("SELECT 1", []), ("", [b"SEL", b"ECT 1"]), ("SELECT", [b"1"])):
        asked = request.read("POST", {"query": query}, {})
        assert statement.split(asked, iter(chunks), 100).text.split() == [b"SELECT", b"1"]


def test_data_is_not_read_before_it_is_needed() -> None:
    taken: list[int] = []

    def chunks() -> Iterator[bytes]:
        for number in range(50):
            taken.append(number)
            yield b"x" * 100_000

    found = statement.split(request.read("POST", {"query": "INSERT INTO t FORMAT TSV"}, {}), chunks(), 100)
    assert len(taken) < 5
    assert sum(map(len, found.data)) == 5_000_000


def test_a_statement_that_is_too_long_is_refused() -> None:
    with pytest.raises(ClickHouseError, match="300000 bytes"):
        statement.split(request.read("POST", {}, {}), iter([b"SELECT 1"] * 50_000), 300_000)


def test_parameters_that_are_not_https_own_are_settings() -> None:
    asked = request.read(
        "POST", {"query": "x", "database": "d", "max_threads": "1", "param_x": "2", "user": "u"}, {}
    )
    assert (asked.settings, asked.parameters, asked.database) == ({"max_threads": "1"}, {"x": "2"}, "d")
    assert context.setup(asked, 5) == [
        "USE `d`",
        "SET max_memory_usage = '5', max_threads = '1'",
    ]


def test_get_may_only_read() -> None:
    asked = {"query": "SELECT 1", "readonly": "0"}
    assert context.readonly(request.read("GET", asked, {})) == "2"
    assert context.readonly(request.read("HEAD", asked, {})) == "2"
    assert context.readonly(request.read("POST", asked, {})) == "0"


def test_a_role_is_refused_since_there_is_none() -> None:
    with pytest.raises(ClickHouseError, match="UNKNOWN_ROLE") as refusal:
        request.read("POST", {"role": "admin"}, {})
    assert refusal.value.status == 404


def test_a_setting_is_never_sql() -> None:
    with pytest.raises(ClickHouseError, match="Unknown setting"):
        context.setup(request.read("POST", {"a = 1, b": "2"}, {}), 5)


@pytest.mark.parametrize(
    ("origin", "foreign"),
    [("", False), ("http://127.0.0.1:8123", False), ("http://evil.example", True), ("null", True)],
)
def test_another_sites_page_is_known_by_its_origin(origin: str, foreign: bool) -> None:
    headers = {"Host": "127.0.0.1:8123"} | ({"Origin": origin} if origin else {})
    assert request.is_from_a_foreign_page(headers) is foreign


@pytest.mark.parametrize(
    ("site", "foreign"), [("none", False), ("same-origin", False), ("same-site", True), ("cross-site", True)]
)
def test_another_sites_picture_or_link_is_known_by_what_the_browser_says(site: str, foreign: bool) -> None:
    headers = {"Host": "127.0.0.1:8123", "Sec-Fetch-Site": site}
    assert request.is_from_a_foreign_page(headers) is foreign


@pytest.mark.parametrize(
    ("text", "reads"),
    [
        (b"SELECT 1", True),
        (b"/* a */ WITH 1 AS x SELECT x", True),
        (b"WITH 1 AS insert SELECT insert, 'INSERT INTO t'", True),
        (b"(SELECT 1)", True),
        (b"WITH 1 AS x INSERT INTO t SELECT x", False),
        (b"with x as (select 1) insert /* a */ into t select * from x", False),
        (b"INSERT INTO t SELECT 1", False),
    ],
)
def test_with_may_stand_before_an_insert(text: bytes, reads: bool) -> None:
    assert sql.reads(text) is reads


@pytest.mark.parametrize(
    ("text", "code", "status"),
    [
        ("Code: 60. DB::Exception: no table. (UNKNOWN_TABLE)", 60, 404),
        ("Streaming insert finish failed: Code: 27. DB::Exception: x", 27, 400),
        ("Code: 62. DB::Exception: Syntax error", 62, 400),
        ("Code: 999999. DB::Exception: new", 999999, 500),
        ("out of luck", 1001, 500),
    ],
)
def test_an_engines_error_has_its_code_and_status(text: str, code: int, status: int) -> None:
    error = from_engine(text)
    assert (error.code, error.status) == (code, status)
    assert body(error, "26.9").startswith(f"Code: {code}. DB::Exception: ".encode())
    assert body(error, "26.9").endswith(b"(version 26.9)\n")


def test_a_refusal_of_ours_reads_like_the_engines() -> None:
    assert (
        body(refused("not here"), "26.9")
        == b"Code: 48. DB::Exception: not here (NOT_IMPLEMENTED) (version 26.9)\n"
    )


FRAME = {
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "zstd": zstandard.ZstdCompressor().compress,
    "lz4": lz4.frame.compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
    "br": brotli.compress,
}


@pytest.mark.parametrize("encoding", FRAME)
@given(parts=st.lists(st.binary(max_size=300), max_size=6), cut=st.integers(1, 50))
def test_many_frames_cut_anywhere_are_read_to_the_end(encoding: str, parts: list[bytes], cut: int) -> None:
    sent = b"".join(FRAME[encoding](part) for part in parts)
    chunks = (sent[at : at + cut] for at in range(0, len(sent), cut))
    assert b"".join(decompressed(encoding, chunks)) == b"".join(parts)


@pytest.mark.parametrize("encoding", FRAME)
def test_a_frame_that_is_cut_off_is_refused(encoding: str) -> None:
    sent = FRAME[encoding](b"complete") + FRAME[encoding](b"cut off" * 100)[:-2]
    with pytest.raises(ClickHouseError, match=encoding):
        list(decompressed(encoding, [sent]))


@pytest.mark.parametrize("encoding", FRAME)
def test_garbage_is_refused(encoding: str) -> None:
    with pytest.raises(ClickHouseError, match=encoding):
        list(decompressed(encoding, [b"this is no frame at all, of no kind"]))


@pytest.mark.parametrize("encoding", FRAME)
@given(parts=st.lists(st.binary(max_size=300), max_size=5))
def test_an_answer_is_one_whole_frame(encoding: str, parts: list[bytes]) -> None:
    frame = compressor(encoding)
    sent = b"".join([*(frame.compress(part) for part in parts), frame.flush()])
    assert b"".join(decompressed(encoding, [sent])) == b"".join(parts)


@pytest.mark.parametrize(
    ("header", "chosen"),
    [
        ("compress, gzip;q=0.5, zstd", "gzip"),
        ("lz4,zstd", "lz4"),
        ("gzip;q=0, zstd", "zstd"),
        ("compress", ""),
        ("", ""),
    ],
)
def test_the_first_known_encoding_is_taken(header: str, chosen: str) -> None:
    assert acceptable(header) == chosen


def test_only_formats_that_can_be_joined_come_in_pieces() -> None:
    assert formats.may_be_cut("Native", b"SELECT 1", {})
    assert not formats.may_be_cut("JSON", b"SELECT 1", {})
    assert not formats.may_be_cut("CSVWithNames", b"SELECT 1", {})
    assert not formats.may_be_cut("JSONEachRow", b"SELECT 1", {"output_format_json_array_of_rows": "1"})
