"""Every edge case that docs/segments.md lists, as data for test_segment_edges.py: time, nobody and nothing, traits, products."""

from tests.console.segment_data import Asked
from tests.console.segment_edges import (
    ANN,
    BOB,
    CY,
    DI,
    PHONE,
    Edge,
    T,
    count,
    did,
    flow,
    lacking,
    late,
    of,
    ordered,
    seen,
    told,
    trait,
    values,
)

WEEK = {"last": "7d"}
SHOES = {"category": "shoes", "sku": "a"}
CHEAP_SHOES, DEAR_HAT = {"category": "shoes", "price": "5"}, {"category": "hats", "price": "50"}
_ABOVE_10 = {"path": "price", "op": "gte", "value": 10}
_IS_SHOES = {"path": "category", "op": "eq", "value": "shoes"}

TIMES = {
    "an event exactly at the window's beginning is in it": Edge(
        where=count(window=WEEK),
        events=(did(ago="7d"), did(at=T - 7 * 86_400_000 - 1, who=BOB)),
        members=(ANN,),
    ),
    "an event exactly at the window's end is not in it": Edge(
        where={"all": [count(window={"ago": ["1d", "7d"]}), count()]},
        events=(did(ago="1d"), did(at=T - 86_400_001, who=BOB)),
        members=(BOB,),
    ),
    "an event exactly at T is not visible": Edge(
        where=count(window=WEEK), events=(*seen(ANN), did(at=T), did(at=T - 1, who=BOB)), members=(BOB,)
    ),
    "a future event does not count yet": Edge(
        where=count(), events=(*seen(ANN), did(at=T + 60_000)), members=()
    ),
    "a future event counts when T passes it": Edge(
        where=count(), events=(*seen(ANN), did(at=T + 60_000)), members=(ANN,), asked=Asked(T + 60_001)
    ),
    "somebody with future events alone is nobody yet": Edge(
        where={"not": count()}, events=(*seen(BOB), did(at=T + 1)), members=(BOB,)
    ),
    "a late event is not known before it came": Edge(
        where=count(window={"ago": ["3d", "5d"]}),
        events=(*seen(ANN), did(ago="4d", received_at=T - 10)),
        members=(),
        asked=Asked(T, known_at=T - 20),
    ),
    "a late event counts by its event time": Edge(
        where=count(window={"ago": ["3d", "5d"]}),
        events=(*seen(ANN), did(ago="4d", received_at=T - 10)),
        members=(ANN,),
        asked=Asked(T, known_at=T),
    ),
}

NOTHING = {
    "pointers without events are nobody": Edge(
        where={"not": count()},
        events=seen(BOB),
        pointers=(of(PHONE, ANN),),
        people={"known": "any"},
        members=(BOB,),
    ),
    "who did nothing else did not": Edge(where={"not": count()}, events=seen(ANN), members=(ANN,)),
    "a count of at most 0 is that it was not done": Edge(
        where=count(count={"lte": 0}), events=(*seen(ANN), did(who=BOB)), members=(ANN,)
    ),
    "a count of 0 is that it was not done": Edge(
        where=count(count={"eq": 0}), events=(*seen(ANN), did(who=BOB)), members=(ANN,)
    ),
    "the sum of nothing is 0": Edge(
        where=count(sum={"path": "price", "lte": 10}), events=seen(ANN), members=(ANN,)
    ),
    "the average of nothing is none": Edge(
        where=count(avg={"path": "price", "lte": 10}), events=seen(ANN), members=()
    ),
    "the least of nothing is none": Edge(
        where=count(min={"path": "price", "lte": 10}), events=seen(ANN), members=()
    ),
}

TRAITS = {
    "a missing trait is not equal": Edge(where=trait("neq", "a"), events=seen(ANN), members=(ANN,)),
    "a trait that was set to null is missing": Edge(
        where=trait("missing"),
        events=(told(ago="2h", it="a"), told(it=None), told(BOB, it="a")),
        members=(ANN,),
    ),
    "a null that comes late with an older time changes nothing": Edge(
        where=trait("exists"), events=(told(it="a"), late(told(ago="2h", it=None))), members=(ANN,)
    ),
    "texts that are numbers equal numbers": Edge(
        where=trait("eq", 12), events=values("12", " 12 ", 12, 12.0), members=(ANN, BOB, CY, DI)
    ),
    "a number equals its text": Edge(
        where=trait("eq", "12"), events=values("12", 12, " 12 "), members=(ANN, BOB)
    ),
    "texts that no JSON number is are no numbers": Edge(
        where=trait("gt", 3), events=values("inf", "NaN", "0x1F", "1,5"), members=()
    ),
    "1 is not true": Edge(where=trait("is_true"), events=values(1, True, "TRUE", "yes"), members=(BOB, CY)),
    "texts equal in their case": Edge(where=trait("eq", "pro"), events=values("Pro", "pro"), members=(BOB,)),
    "a text contains in any case": Edge(
        where=trait("contains", "pr"), events=values("Pro", "so"), members=(ANN,)
    ),
    "an empty list is not missing": Edge(where=trait("missing"), events=values([]), members=()),
    "an empty list is blank": Edge(where=trait("blank"), events=values([], "", 0), members=(ANN, BOB)),
    "a list with the value is not unequal to it": Edge(
        where=trait("neq", "a"), events=values(["a", "b"], ["b"]), members=(BOB,)
    ),
    "of two values of one time that of the greater message id holds": Edge(
        where=trait("eq", "second"),
        events=(told(message_id="m2", it="second"), told(message_id="m1", it="first")),
        members=(ANN,),
    ),
}

PRODUCTS = {
    "filters that two products pass together are passed by none": Edge(
        where=count(
            "Order Completed", where=[{"any": {"path": "products", "where": [_IS_SHOES, _ABOVE_10]}}]
        ),
        events=(ordered(CHEAP_SHOES, DEAR_HAT), *seen(BOB)),
        members=(),
    ),
    "filters on two paths may be passed by two products": Edge(
        where=count(
            "Order Completed",
            where=[_IS_SHOES | {"path": "products.category"}, _ABOVE_10 | {"path": "products.price"}],
        ),
        events=(ordered(CHEAP_SHOES, DEAR_HAT), *seen(BOB)),
        members=(ANN,),
    ),
    "all of no products pass": Edge(
        where=count("Order Completed", where=[{"all": {"path": "products", "where": [_IS_SHOES]}}]),
        events=(ordered(), ordered(SHOES, DEAR_HAT, who=BOB)),
        members=(ANN,),
    ),
    "none of no products pass": Edge(
        where=count("Order Completed", where=[{"none": {"path": "products", "where": [_IS_SHOES]}}]),
        events=(ordered(), ordered(SHOES, DEAR_HAT, who=BOB)),
        members=(ANN,),
    ),
}

CHAINS = {
    "one event is not two steps": Edge(
        where=flow("Viewed", "Viewed"),
        events=(did(), did("Viewed", "2h", BOB), did("Viewed", "1h", BOB)),
        members=(BOB,),
    ),
    "steps at one moment are in order": Edge(
        where=flow("Viewed", "Bought"),
        events=(did("Bought"), did("Viewed"), did("Bought", "2h", BOB), did("Viewed", "1h", BOB)),
        members=(ANN,),
    ),
    "a step exactly within the time is in it": Edge(
        where=flow("Viewed", "Bought"),
        events=(
            did("Viewed", "3d"),
            did("Bought", "2d"),
            did("Viewed", "3d", BOB),
            did("Bought", who=BOB, at=T - 2 * 86_400_000 + 1),
        ),
        members=(ANN,),
    ),
    "what was done exactly within the time is not absent": Edge(
        where=lacking("Viewed", "Bought"),
        events=(
            did("Viewed", "3d"),
            did("Bought", "2d"),
            did("Viewed", "3d", BOB),
            did("Bought", who=BOB, at=T - 2 * 86_400_000 + 1),
        ),
        members=(BOB,),
    ),
    "as long as it may be done it is not absent": Edge(
        where=lacking("Viewed", "Bought"), events=(did("Viewed", "1d"),), members=()
    ),
    "a millisecond later it is absent": Edge(
        where=lacking("Viewed", "Bought"), events=(did("Viewed", "1d"),), members=(ANN,), asked=Asked(T + 1)
    ),
    "a breach at the first step's moment comes after it": Edge(
        where=flow("Viewed", "Bought", without={"event": "Left"}),
        events=(did("Left", "2h"), did("Viewed", "2h"), did("Bought"), *seen(BOB)),
        members=(),
    ),
    "a breach at the last step's moment comes after it": Edge(
        where=flow("Viewed", "Bought", without={"event": "Left"}),
        events=(did("Viewed", "2h"), did("Left"), did("Bought"), *seen(BOB)),
        members=(ANN,),
    ),
    "what is a step and a breach is a breach": Edge(
        where=flow("Viewed", "*", without={"event": "Left"}),
        events=(did("Viewed", "2h"), did("Left"), did("Viewed", "2h", BOB), did("Seen", "1h", BOB)),
        members=(BOB,),
    ),
    "steps on two devices that nobody linked are no sequence": Edge(
        where=flow("Viewed", "Bought"), events=(did("Viewed", "2h", PHONE), did("Bought")), members=()
    ),
    "steps on two devices that were linked later are one": Edge(
        where=flow("Viewed", "Bought"),
        events=(did("Viewed", "2h", PHONE), did("Bought")),
        pointers=(of(PHONE, ANN),),
        members=(ANN,),
    ),
}
