"""What follows a failure, what an intent says, when dictionaries are loaded: the small decisions, as tables."""

import pytest
from clickhouse_connect.driver.exceptions import DatabaseError, OperationalError, ProgrammingError

from sinks.storing.clickhouse import translate
from sinks.storing.failure import Action, Refused, SinkError, Unavailable, decide, is_known_of_rows
from sinks.storing.intent import Intent, UnknownIntent, intent_of, metadata_of
from sinks.storing.reload import ReloadTimer

AWAY = Unavailable("nobody")


def std(kind: str) -> Refused:
    """As ClickHouse tells of a library's exception."""
    return Refused(1001, f"DB::Exception: std::exception. Code: 1001, type: {kind}, e.what() = bad_alloc")


@pytest.mark.parametrize(
    ("error", "attempt", "action", "delay_s"),
    [
        (AWAY, 1, Action.RETRY, 0.2),
        (AWAY, 2, Action.RETRY, 0.4),
        (AWAY, 6, Action.RETRY, 6.4),
        (AWAY, 7, Action.RETRY, 10.0),
        (AWAY, 100_000, Action.RETRY, 10.0),
        (Refused(252, "too many parts"), 3, Action.RETRY, 0.8),
        (Refused(241, "memory"), 1, Action.RETRY, 0.2),
        (std("avro::Exception"), 1, Action.SPLIT, 0.0),
        (std("std::length_error"), 1, Action.SPLIT, 0.0),
        (std("std::__1::__fs::filesystem::filesystem_error"), 1, Action.RETRY, 0.2),
        (std("std::bad_alloc"), 1, Action.RETRY, 0.2),
        (Refused(117, "cannot parse"), 9, Action.SPLIT, 0.0),
        (Refused(167, "AST is too deep"), 1, Action.SPLIT, 0.0),
        (Refused(49, "a code that no list names"), 1, Action.SPLIT, 0.0),
        (Refused(60, "no such table"), 1, Action.STOP, 0.0),
        (Refused(516, "wrong password"), 1, Action.STOP, 0.0),
        (Refused(0, "misuse"), 1, Action.STOP, 0.0),
    ],
)
def test_an_outage_waits_a_wrong_table_stops_anything_else_is_isolated(
    error: SinkError, attempt: int, action: Action, delay_s: float
) -> None:
    decision = decide(error, attempt, delay_s_max=10.0)
    assert (decision.action, decision.delay_s) == (action, delay_s)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (Refused(117, "cannot parse"), True),
        (std("avro::Exception"), True),
        (std("std::length_error"), False),
        (Refused(49, "a code that no list names"), False),
        (AWAY, False),
    ],
)
def test_only_errors_about_values_are_known_to_be_a_rows(error: SinkError, expected: bool) -> None:
    assert is_known_of_rows(error) is expected


@pytest.mark.parametrize(
    ("raised", "kind", "code"),
    [
        (DatabaseError("Code: 60", code=60), Refused, 60),
        (DatabaseError("HTTP status 500, server response: Code: 117. DB::Exception: Cannot"), Refused, 117),
        (DatabaseError("HTTP driver received HTTP status 502"), Unavailable, None),
        (OperationalError("connection refused"), Unavailable, None),
        (ConnectionResetError("reset"), Unavailable, None),
        (ProgrammingError("misuse"), Refused, 0),
    ],
)
def test_the_clients_errors_become_ours(raised: Exception, kind: type, code: int | None) -> None:
    found = translate(raised)
    assert type(found) is kind
    assert getattr(found, "code", None) == code


@pytest.mark.parametrize(
    ("raised", "summary"),
    [
        (DatabaseError("Cannot parse string 'ann@x.org'", code=6), "ClickHouse's code 6 (CANNOT_PARSE_TEXT)"),
        (DatabaseError("ann@x.org", code=99999), "ClickHouse's code 99999 (see its documentation)"),
        (OperationalError("ann@x.org"), "ClickHouse does not answer (OperationalError)"),
        (ProgrammingError("ann@x.org"), "the client was misused"),
    ],
)
def test_what_may_be_logged_of_an_error_names_its_code_and_quotes_nothing(
    raised: Exception, summary: str
) -> None:
    assert translate(raised).summary == summary


def test_an_outage_is_named_by_the_error_behind_the_clients() -> None:
    outage = OperationalError("HTTPConnectionPool(...)")
    outage.__cause__ = ConnectionRefusedError(111, "refused")
    assert translate(outage).summary == "ClickHouse does not answer (ConnectionRefusedError)"


def test_an_intent_is_read_back_from_a_commit() -> None:
    assert intent_of(7, metadata_of(19, "t-0-7-19")) == Intent(7, 19)


@pytest.mark.parametrize("metadata", [None, ""])
def test_a_commit_without_metadata_has_no_intent(metadata: str | None) -> None:
    assert intent_of(7, metadata) is None


@pytest.mark.parametrize(
    "metadata", ["x", "{}", '{"version":2,"end":9,"token":""}', metadata_of(7, ""), metadata_of(3, "")]
)
def test_metadata_that_cannot_be_read_is_an_error_and_never_a_guess(metadata: str) -> None:
    with pytest.raises(UnknownIntent, match="committed offset 7"):
        intent_of(7, metadata)


def test_dictionaries_are_loaded_once_at_the_start_and_after_each_insert_but_not_more_often() -> None:
    timer = ReloadTimer(2.0)
    assert timer.is_due(100.0)
    timer.loaded(100.0, 100.1)
    assert not timer.is_due(200.0)
    timer.inserted()
    assert timer.is_due(200.0)
    timer.loaded(200.0, 200.1)
    timer.inserted()
    assert not timer.is_due(202.0)
    assert timer.is_due(202.2)


def test_a_slow_load_is_followed_by_a_longer_rest() -> None:
    timer = ReloadTimer(1.0)
    timer.loaded(0.0, 10.0)
    timer.inserted()
    assert not timer.is_due(29.0)
    assert timer.is_due(30.0)


def test_a_load_that_failed_is_still_due_later() -> None:
    timer = ReloadTimer(1.0)
    timer.postponed(0.0, 0.0)
    assert timer.is_stale
    assert not timer.is_due(0.5)
    assert timer.is_due(1.0)
