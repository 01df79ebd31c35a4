"""Edge cases of who is who, of zones and of other segments, as segment_edge_cases.py has the others."""

from tests.console.segment_data import Asked
from tests.console.segment_edge_cases import CHAINS, NOTHING, PRODUCTS, TIMES, TRAITS
from tests.console.segment_edges import (
    ANN,
    BEGINNING,
    BOB,
    CY,
    KIOSK,
    PHONE,
    Edge,
    T,
    count,
    did,
    of,
    owned,
    seen,
    told,
    trait,
)

HOUR = 3_600_000
DAY = 24 * HOUR
VIEWED_TWICE = count(count={"gte": 2})
_MERGED = (of(BOB, BOB, updated_at=T - 5 * DAY), of(BOB, ANN, version=2, updated_at=T - 2 * DAY))
_VIEWS = (did(ago="4d"), did("Viewed", "3d", BOB))

# The clocks of Berlin: forward on 31 March 2024 at 1:00 UTC (a day of 23 h), back on 27 October (25 h).
MARCH_31_NOON, OCTOBER_27_NOON = 1_711_879_200_000, 1_730_026_800_000
TODAY, YESTERDAY = {"calendar": {"this": "day"}}, {"calendar": {"last": 1, "unit": "day", "full": True}}
_MARCH_31, _OCTOBER_27 = 1_711_839_600_000, 1_729_980_000_000  # their midnights in Berlin

DEVICES = {
    "on a shared device an event is whoever's it was then": Edge(
        where=VIEWED_TWICE,
        events=(did("Viewed", "4d", PHONE), did("Viewed", "3d", PHONE), did("Viewed", "1d", PHONE)),
        pointers=(owned((BEGINNING, ANN), (T - 2 * DAY, BOB)),),
        members=(ANN,),
    ),
    "at the moment of the change the later owner has it": Edge(
        where=count(),
        events=(*seen(ANN), did(who=PHONE, at=T - 2 * DAY)),
        pointers=(owned((BEGINNING, ANN), (T - 2 * DAY, BOB)),),
        members=(BOB,),
    ),
    "in a gap an event is the bare device's": Edge(
        where=count(),
        events=(*seen(ANN, BOB), did("Viewed", "2d", PHONE)),
        pointers=(owned((BEGINNING, ANN), (T - 3 * DAY, PHONE), (T - DAY, BOB)),),
        people={"known": "any"},
        members=(PHONE,),
    ),
    "who is in a gap is not known": Edge(
        where=count(),
        events=(*seen(ANN, BOB), did("Viewed", "2d", PHONE)),
        pointers=(owned((BEGINNING, ANN), (T - 3 * DAY, PHONE), (T - DAY, BOB)),),
        people={"known": False},
        members=(PHONE,),
    ),
    "who is known through a shared device alone is known": Edge(
        where=count(),
        events=(did("Viewed", "4d", PHONE), did("Viewed", "4d", KIOSK)),
        pointers=(owned((BEGINNING, ANN), (T - 2 * DAY, BOB)),),
        members=(ANN,),
    ),
    "what is told on a shared device is told of whoever had it": Edge(
        where=trait("eq", "a"),
        events=(*seen(ANN, BOB), told(PHONE, "4d", it="a"), told(PHONE, "1d", it="b")),
        pointers=(owned((BEGINNING, ANN), (T - 2 * DAY, BOB)),),
        members=(ANN,),
    ),
}

BOTS = {
    "bots alone are nobody": Edge(
        where={"not": count("Bought")}, events=(did(is_bot=True), did(who=BOB)), members=(BOB,)
    ),
    "what a bot did does not count": Edge(where=count(), events=(did(is_bot=True), *seen(ANN)), members=()),
    "bots count where they are included": Edge(
        where=count(), events=(did(is_bot=True), *seen(BOB)), people={"bots": "include"}, members=(ANN,)
    ),
    "bots alone count where only they do": Edge(
        where={"not": count("Bought")},
        events=(did(is_bot=True), did("Bought"), did(who=BOB)),
        people={"bots": "only"},
        members=(ANN,),
    ),
}

CHANGES = {
    "before a merge two people are judged apart": Edge(
        where=VIEWED_TWICE,
        events=_VIEWS,
        pointers=_MERGED,
        members=(),
        asked=Asked(T, T - 3 * DAY + HOUR, is_then=True),
    ),
    "a merge is known once it was made": Edge(
        where=VIEWED_TWICE,
        events=_VIEWS,
        pointers=_MERGED,
        members=(ANN,),
        asked=Asked(T, T - DAY, is_then=True),
    ),
    "after a merge the union is judged and the absorbed id is nobody": Edge(
        where=count(), events=_VIEWS, pointers=_MERGED, members=(ANN,)
    ),
    "a merge makes members": Edge(where=VIEWED_TWICE, events=_VIEWS, pointers=_MERGED, members=(ANN,)),
    "after an unlink both are judged anew": Edge(
        where=count(count={"eq": 1}),
        events=_VIEWS,
        pointers=(*_MERGED, of(BOB, BOB, version=3, updated_at=T - DAY)),
        members=(ANN, BOB),
    ),
    "a pointer that was deleted points nowhere": Edge(
        where=count(count={"eq": 1}),
        events=_VIEWS,
        pointers=(*_MERGED, of(BOB, ANN, version=3, is_deleted=True, updated_at=T - DAY)),
        members=(ANN, BOB),
    ),
    "who wants no more letters stays in": Edge(
        where=count(), events=(did(ago="2h"), did("Unsubscribed"), *seen(CY)), members=(ANN,)
    ),
}

ZONES = {
    "a day of 23 hours begins at its own midnight": Edge(
        where=count(window=TODAY),
        events=(did(at=_MARCH_31), did(at=_MARCH_31 - 1, who=BOB), did("Seen", who=CY, at=_MARCH_31)),
        zone="Europe/Berlin",
        asked=Asked(MARCH_31_NOON),
        members=(ANN,),
    ),
    "yesterday may have 23 hours": Edge(
        where=count(window=YESTERDAY),
        events=(did(at=_MARCH_31), did(at=_MARCH_31 + 23 * HOUR, who=BOB), did(at=_MARCH_31 - 1, who=CY)),
        zone="Europe/Berlin",
        asked=Asked(MARCH_31_NOON + DAY),
        members=(ANN,),
    ),
    "yesterday may have 25 hours": Edge(
        where=count(window=YESTERDAY),
        events=(
            did(at=_OCTOBER_27),
            did(at=_OCTOBER_27 + 25 * HOUR - 1, who=BOB),
            did(at=_OCTOBER_27 + 25 * HOUR, who=CY),
        ),
        zone="Europe/Berlin",
        asked=Asked(OCTOBER_27_NOON + DAY),
        members=(ANN, BOB),
    ),
    "days are counted in the zone": Edge(
        where=count(days={"gte": 2}),
        events=(did(at=_OCTOBER_27 - 1), did(at=_OCTOBER_27), did(at=_OCTOBER_27, who=BOB)),
        zone="Europe/Berlin",
        asked=Asked(OCTOBER_27_NOON),
        members=(ANN,),
    ),
    "in another zone they are other days": Edge(
        where=count(days={"gte": 2}),
        events=(did(at=_OCTOBER_27 - 1), did(at=_OCTOBER_27), did(at=_OCTOBER_27, who=BOB)),
        zone="UTC",
        asked=Asked(OCTOBER_27_NOON),
        members=(),
    ),
    "a midnight that the clocks leave out is the day's first moment": Edge(
        where=trait("anniversary", "1d"),
        events=(told(ago="200d", it="2024-03-31"), told(BOB, "200d", it="1990-03-31T00:30"), *seen(CY)),
        zone="Asia/Beirut",
        asked=Asked(MARCH_31_NOON),
        members=(ANN, BOB),
    ),
    "a rolling day has 24 hours also when the clocks change": Edge(
        where=count(window={"last": "1d"}),
        events=(did(at=MARCH_31_NOON - DAY), did(at=MARCH_31_NOON - DAY - 1, who=BOB)),
        zone="Europe/Berlin",
        asked=Asked(MARCH_31_NOON),
        members=(ANN,),
    ),
}

STAMPED = {
    "who granted one of several categories granted it": Edge(
        where=count(where=[{"path": "consent.categories", "op": "eq", "value": "marketing"}]),
        events=(
            did(typed={"consent": {"state": "granted", "categories": ["analytics", "marketing"]}}),
            did(who=BOB, typed={"consent": {"state": "granted", "categories": ["analytics"]}}),
            *seen(CY),
        ),
        members=(ANN,),
    ),
    "a decision that nobody was asked for is missing": Edge(
        where=count(where=[{"path": "consent.state", "op": "missing"}]),
        events=(did(typed={"consent": {"state": "denied", "categories": []}}), did(who=BOB)),
        members=(BOB,),
    ),
    "a bot's score is a number, and its reasons are texts": Edge(
        where={
            "all": [
                count(where=[{"path": "bot.score", "op": "between", "value": [30, 50]}]),
                count(where=[{"path": "bot.reasons", "op": "eq", "value": "hosting"}]),
            ]
        },
        events=(
            did(typed={"bot": {"score": 40, "reasons": ["hosting"]}}),
            did(who=BOB, typed={"bot": {"score": 60, "reasons": ["hosting", "languages"]}}),
            *seen(CY),
        ),
        members=(ANN,),
    ),
}

EDGES = TIMES | NOTHING | TRAITS | PRODUCTS | CHAINS | DEVICES | BOTS | CHANGES | ZONES | STAMPED
