"""What a person ordered, has in carts, and how they came: told of one as the views over everybody have it."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from console.finished import Finished
from console.memberships import finished_in, void_in
from console.people import FEW, Person, Place
from console.profiles import Profiles
from console.question import Question
from console.store import Rows, Store
from runtime.clickhouse import NoAnswer
from runtime.environment.settings import ClickHouseSettings, QuestionSettings
from schemas.wire.avro import amount_bytes
from schemas.wire.codec import CART, POINTER, RESOLVED_EVENT
from sinks.storing.tables import DICTIONARIES
from tests.sinks.stage import START_MS, Tables, cart, event, pointer

HOUR = 3_600_000
ANN, PHONE, TABLET, BEN = 101, 102, 103, 201
EVERYBODY = (ANN, BEN)

ORDERS = "SELECT order_id, toString(status), net_base FROM orders WHERE profile = WHO ORDER BY ordered_at DESC, order_id"
CUSTOMER = "SELECT orders, cancelled, revenue, refunds, lifetime_value, base_currency FROM customers WHERE profile = WHO"
CARTS = "SELECT cart_id, status FROM carts WHERE profile = WHO ORDER BY active_at DESC, cart"
SESSIONS = "SELECT count() FROM sessions WHERE profile_id = 'WHO'"
TOUCH = "SELECT touch FROM VIEW WHERE profile_id = 'WHO'"


class Asked(Store):
    """Notes what it is asked."""

    def __init__(self, clickhouse: ClickHouseSettings, settings: QuestionSettings) -> None:
        super().__init__(clickhouse, settings)
        self.asked: list[Question] = []

    def ask(self, question: Question) -> Rows:
        self.asked.append(question)
        return super().ask(question)


def _touch(channel: str, **fields: str) -> dict[str, str]:
    names = ("source", "medium", "campaign", "term", "content", "click_kind", "click_id", "referrer")
    return {"channel": channel} | dict.fromkeys(names, "") | fields


def _order(
    number: int, subject: int, order_id: str, total: int, name: str = "Order Completed", **fields: Any
) -> bytes:
    none = dict.fromkeys(("value", "revenue", "subtotal", "shipping", "tax", "discount"))
    texts = dict.fromkeys(("checkout_id", "cart_id", "coupon", "affiliation"), "")
    said = none | texts | {"order_id": order_id, "currency": "EUR", "total": amount_bytes(total * 1_000_000)}
    meaning = {"family": "ecommerce", "event": name, "violations": []}
    return event(number, subject=subject, event=name, commerce=said, meaning=meaning, **fields)


def _visit(number: int, subject: int, visitor: int, channel: str = "") -> bytes:
    touch = {"touch": _touch(channel, source="news", campaign=f"c{number}")} if channel else {}
    return event(number, type="page", event="", subject=subject, visitor=visitor, session_id="s",
                 timestamp=START_MS + number * HOUR, **touch)  # fmt: skip


@pytest.fixture(scope="module")
def tables(clickhouse: str, module_database: str) -> Iterator[Tables]:
    stored = Tables(clickhouse, module_database)
    segments = [{"valid_from": 0, "valid_to": START_MS + 5 * HOUR, "owner": ANN},
                {"valid_from": START_MS + 5 * HOUR, "valid_to": START_MS + 10_000 * HOUR, "owner": BEN}]  # fmt: skip
    events = [
        _visit(1, PHONE, PHONE, "email"), _visit(2, ANN, PHONE), _visit(3, TABLET, TABLET, "social"),
        _visit(7, TABLET, TABLET, "search"), _order(10, ANN, "o1", 20), _order(11, PHONE, "o1", 20), _order(12, ANN, "o2", 15),
        _order(13, ANN, "o2", 15, "Order Cancelled"), _order(14, BEN, "o3", 7, user_id="ben"), _order(15, PHONE, "o3", 7),
        _order(16, ANN, "", 3), _order(17, ANN, "o1", 5, "Order Refunded"),
    ]  # fmt: skip
    stored.insert("events_in", RESOLVED_EVENT, events, "e")
    stored.insert(
        "pointers_in", POINTER, [pointer(PHONE, ANN), pointer(TABLET, TABLET, segments=segments)], "p"
    )
    carts = [
        cart(1, subject=PHONE),
        cart(2, subject=TABLET, active_at=START_MS + 6 * HOUR),
        cart(3, subject=ANN, active_at=START_MS + 8 * HOUR),
    ]
    stored.insert("carts_in", CART, carts, "c")
    stored.reload(DICTIONARIES)
    yield stored
    stored.client.close()


@pytest.fixture(scope="module")
def profiles(tables: Tables) -> Iterator[Profiles]:
    store = Store(tables.settings, QuestionSettings())
    yield Profiles(store, "main", now_ms=START_MS, nodes_max=100)
    store.close()


@pytest.mark.parametrize("who", EVERYBODY)
def test_orders_and_their_worth_are_those_of_the_views(tables: Tables, profiles: Profiles, who: int) -> None:
    value, orders = profiles.orders(profiles.person(f"{who:016x}"))
    told = tables.rows(ORDERS.replace("WHO", str(who)))
    assert told
    assert [(order.order_id, order.status, order.net_base) for order in orders] == told
    assert value
    assert msgspec.structs.astuple(value) == tables.row(CUSTOMER.replace("WHO", str(who)))


@pytest.mark.parametrize("who", EVERYBODY)
def test_carts_are_those_of_the_view(tables: Tables, profiles: Profiles, who: int) -> None:
    found = [(cart.cart_id, cart.status) for cart in profiles.carts(profiles.person(f"{who:016x}"))]
    assert found
    assert found == tables.rows(CARTS.replace("WHO", str(who)))


@pytest.mark.parametrize("who", EVERYBODY)
def test_visits_and_touches_are_those_of_the_views(tables: Tables, profiles: Profiles, who: int) -> None:
    found = profiles.visits(profiles.person(f"{who:016x}"))
    assert found.sessions == tables.row(SESSIONS.replace("WHO", f"{who:016x}"))[0] > 0
    for arrival, view in ((found.first_touch, "first_touch"), (found.last_touch, "last_touch")):
        assert arrival
        wanted = TOUCH.replace("VIEW", view).replace("WHO", f"{who:016x}")
        assert arrival.touch == tables.row(wanted)[0]


def test_somebody_who_never_ordered_is_worth_nothing_and_has_no_touches(
    tables: Tables, profiles: Profiles
) -> None:
    tables.insert("events_in", RESOLVED_EVENT, [event(90, subject=900)], "late")
    person = profiles.person(f"{900:016x}")
    assert profiles.orders(person) == (None, [])
    assert profiles.carts(person) == []
    visits = profiles.visits(person)
    assert (visits.sessions, visits.first_touch, visits.last_session_at) == (0, None, None)


def test_a_person_is_in_the_segments_that_they_have_entered_and_not_left(
    tables: Tables, profiles: Profiles
) -> None:
    names = [
        "workspace",
        "segment",
        "profile",
        "seq",
        "change",
        "reason",
        "observed_at",
        "effective_at",
        "version",
        "run",
        "attempt",
    ]
    changes = (("buyers", 1, "enter"), ("lapsed", 1, "enter"), ("lapsed", 2, "leave"))
    rows = [
        [
            "main",
            segment,
            ANN,
            seq,
            change,
            "data",
            datetime(2026, 1, seq, tzinfo=UTC),
            datetime(2026, 1, seq, tzinfo=UTC),
            "v1",
            1,
            1,
        ]
        for segment, seq, change in changes
    ]
    tables.client.insert("segment_changes", rows, column_names=names)
    found = profiles.segments(profiles.person(f"{ANN:016x}"))
    assert [(each.segment, each.reason, each.entered_at[:10]) for each in found] == [
        ("buyers", "data", "2026-01-01")
    ]
    assert profiles.profile(profiles.person(f"{ANN:016x}")).segments == ["buyers"]


def test_attempts_that_do_not_count_are_those_of_the_view(tables: Tables, profiles: Profiles) -> None:
    """Runs of no, one, and several attempts, of which none, one or two were sealed; an attempt nobody knows counts."""
    kinds: list[list[tuple[int, str]]] = [
        [(1, "begun"), (1, "failed")],
        [(1, "begun"), (1, "sealed"), (1, "published")],
        [(1, "begun"), (2, "begun"), (2, "sealed")],
        [(1, "sealed"), (2, "begun"), (3, "sealed"), (4, "failed")],
    ]
    moment = datetime(2026, 2, 1, tzinfo=UTC)
    runs = [
        [number, attempt, step, moment] for number, steps in enumerate(kinds, 100) for attempt, step in steps
    ]
    tables.client.insert("segment_runs", runs, ["run", "attempt", "step", "instant"])
    asked = "SELECT run, attempt, step FROM segment_runs"
    void = {(run, attempt) for run, attempt in tables.rows("SELECT * FROM segment_void_attempts")}
    assert void_in(tables.rows(asked)) == void >= {(100, 1), (102, 1), (103, 1), (103, 2), (103, 4)}
    names = [
        "workspace",
        "segment",
        "profile",
        "seq",
        "change",
        "observed_at",
        "effective_at",
        "run",
        "attempt",
    ]
    changes = [
        ["main", f"r{run}a{attempt}", BEN, 1, "enter", moment, moment, run, attempt]
        for run, attempt in sorted({(run, attempt) for run, attempt, *_ in runs} | {(104, 1)})
    ]
    tables.client.insert("segment_changes", changes, column_names=names)
    found = [each.segment for each in profiles.segments(profiles.person(f"{BEN:016x}"))]
    members = tables.rows(
        "SELECT toString(segment) FROM segment_members WHERE left_at IS NULL AND startsWith(segment, 'r10')"
    )
    assert found == sorted(segment for (segment,) in members) == ["r101a1", "r102a2", "r103a3", "r104a1"]
    assert finished_in(tables.rows(asked)) == {101: 1}
    again = [each.segment for each in profiles.segments(profiles.person(f"{BEN:016x}"))]
    assert again == found, "what is known of run 101 by now says the same"


def test_which_attempt_counts_is_known_of_the_runs_that_were_learnt_last() -> None:
    known = Finished(runs_max=2)
    known.learn({1: 1, 2: 3})
    known.learn({})
    known.learn({4: 1})
    assert known.of([1, 2, 3, 4]) == {2: 3, 4: 1}


def test_a_finished_runs_attempts_are_asked_for_once_and_those_of_another_that_come_late_do_not_count(
    tables: Tables,
) -> None:
    moment = datetime(2026, 3, 1, tzinfo=UTC)
    steps = [[200, attempt, step, moment] for attempt, step in ((1, "begun"), (2, "begun"), (2, "sealed"))]
    tables.client.insert("segment_runs", steps, ["run", "attempt", "step", "instant"])
    names = ["workspace", "segment", "profile", "seq", "change", "run", "attempt"]
    changes = [["main", f"late{attempt}", 900, 1, "enter", 200, attempt] for attempt in (1, 2)]
    tables.client.insert("segment_changes", changes, column_names=names)
    store = Asked(tables.settings, QuestionSettings())
    profiles = Profiles(store, "main", now_ms=START_MS, nodes_max=100)
    nobody = Person(900, (900,))
    try:
        assert [each.segment for each in profiles.segments(nobody)] == ["late2"]
        assert store.finished.of([200]) == {}, "it may be begun again"
        done = [[200, 2, "published", moment], [200, 1, "sealed", moment]]
        tables.client.insert("segment_runs", done, ["run", "attempt", "step", "instant"])
        assert [each.segment for each in profiles.segments(nobody)] == ["late2"]
        assert store.finished.of([200]) == {200: 2}
        store.asked.clear()
        assert [each.segment for each in profiles.segments(nobody)] == ["late2"]
        assert len(store.asked) == 1
    finally:
        store.close()


def test_whole_numbers_of_a_small_question_stand_in_its_text_and_texts_never_do() -> None:
    place = Place("d", "main", 5)
    sql = (
        "SELECT {now:Int64}, {text:String}, {many:Array(UInt64)} FROM t WHERE workspace = {workspace:String}"
    )
    small = place.asking(sql, keys=2, text="7", many=[1, 2**63])
    assert "SELECT 5, {text:String}, [1, 9223372036854775808] FROM t" in small.sql
    assert small.parameters == {"workspace": "main", "text": "7"}
    assert place.asking(sql, keys=FEW + 1, text="7", many=[1]).sql == sql
    with pytest.raises(ValueError, match="invalid literal"):
        place.asking(sql, keys=1, text="7", many=["1] OR 1 = 1 --"])


def test_where_the_first_of_several_questions_fails_those_that_wait_are_not_asked() -> None:
    may_end, asked = threading.Event(), list[str]()

    class Failing(Store):
        def ask(self, question: Question) -> Rows:
            asked.append(question.sql)
            if question.sql == "first":
                raise NoAnswer("not now")
            may_end.wait(30)
            return []

    store = Failing(ClickHouseSettings(), QuestionSettings(queries_max=1))
    try:
        with pytest.raises(NoAnswer, match="not now"):
            store.ask_all([Question("first"), Question("begun"), Question("waiting")])
        may_end.set()
        store.begin(lambda: None)()
        assert "waiting" not in asked, "it would have been asked before this"
    finally:
        may_end.set()
        store.close()
