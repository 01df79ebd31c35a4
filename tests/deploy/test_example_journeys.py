"""The example journeys: the file can be applied as it is, and the receiver takes what is signed, once."""

from pathlib import Path

import msgspec

from deploy.applying.configuration import read_file
from deploy.examples.journeys.receive import REFUSED, TAKEN, TOLERANCE_S, Delivery, Receiver, receiving
from schemas.control import ControlState
from sinks.sending.sender_signature import signature_headers
from tests.deploy.asked import posted

JOURNEYS = Path(__file__).parents[2] / "deploy" / "examples" / "journeys" / "journeys.yaml"
SECRET = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
NOW_S = 1_790_000_000
BODY = msgspec.json.encode({"type": "onboarding.welcome", "user": "ann"})


def test_the_file_can_be_applied_and_each_of_its_rules_has_a_destination():
    state = ControlState().updated(read_file(JOURNEYS).items())
    assert not state.unreadable
    assert {rule.rule for rule in state.rules.values()} == {
        *("cart-reminder", "cart-last-call"),
        *("welcome", "first-project-nudge", "first-project", "upgraded"),
    }
    assert {rule.action.destination for rule in state.rules.values()} == {"journeys"}


def receiver() -> Receiver:
    said: list[Delivery] = []
    return Receiver(SECRET, lambda: NOW_S, said.append)


def signed(name: str = "fire_1", at: int = NOW_S, secret: str = SECRET, body: bytes = BODY) -> dict[str, str]:
    return signature_headers(name, at, body, [secret.encode()])


def test_what_is_signed_is_taken_once():
    said: list[Delivery] = []
    ours = Receiver(SECRET, lambda: NOW_S, said.append)
    assert [ours.take(signed(), BODY), ours.take(signed(at=NOW_S + 1), BODY)] == [TAKEN, TAKEN]
    assert said == list(ours.deliveries.values()) == [Delivery("fire_1", msgspec.json.decode(BODY))]


def test_one_of_several_secrets_will_do():
    headers = signature_headers("fire_1", NOW_S, BODY, [b"whsec_b3RoZXI=", SECRET.encode()])
    assert receiver().take(headers, BODY) == TAKEN


def test_what_is_not_signed_is_refused():
    ours = receiver()
    other = signed(secret="whsec_b3RoZXI=")
    for headers, body in [
        ({}, BODY),
        (other, BODY),
        (signed(), BODY + b" "),
        (signed() | {"webhook-id": "fire_2"}, BODY),
        (signed(at=NOW_S - TOLERANCE_S - 1), BODY),
        (signed(at=NOW_S + TOLERANCE_S + 1), BODY),
    ]:
        assert ours.take(headers, body) == REFUSED
    assert not ours.deliveries
    assert ours.refused == 6


def test_it_answers_over_http():
    ours = receiver()
    with receiving(ours, 0) as url:
        assert posted(url, BODY, signed()) == TAKEN
        assert posted(url, BODY, {}) == REFUSED
    assert list(ours.deliveries) == ["fire_1"]
