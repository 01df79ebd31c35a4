"""A request is answered when its last record is, once, and fails alone."""

from collector.tickets import Parcel, Ticket

LOST = ValueError("lost")


class Told(Ticket):
    """Remembers it."""

    def __init__(self, records: int, told: list[Exception | None]) -> None:
        self.pending = records
        self._told = told

    def settled(self, error: Exception | None) -> None:
        self._told.append(error)


class Requests:
    """What each was told."""

    def __init__(self, *records: int) -> None:
        self.told: list[list[Exception | None]] = [[] for _ in records]
        self.tickets = [Told(count, told) for count, told in zip(records, self.told, strict=True)]


def test_a_request_is_done_when_all_its_records_are() -> None:
    requests = Requests(3)
    (ticket,) = requests.tickets
    Parcel([ticket, ticket], 0, 0.0).succeed()
    assert requests.told == [[]]
    Parcel([ticket], 0, 0.0).succeed()
    assert requests.told == [[None]]


def test_a_failed_parcel_reaches_exactly_its_requests() -> None:
    requests = Requests(1, 2, 1)
    mine, shared, other = requests.tickets
    lost = Parcel([mine, shared], 0, 0.0)
    kept = Parcel([shared, other], 0, 0.0)
    lost.fail(LOST)
    kept.succeed()
    assert requests.told == [[LOST], [LOST], [None]]


def test_a_request_is_told_once_whatever_comes_later() -> None:
    requests = Requests(3)
    (ticket,) = requests.tickets
    parcels = [Parcel([ticket], 0, 0.0) for _ in range(3)]
    parcels[0].fail(LOST)
    parcels[1].succeed()
    parcels[2].succeed()
    parcels[0].fail(ValueError("the same again, by the sweep"))
    assert requests.told == [[LOST]]
