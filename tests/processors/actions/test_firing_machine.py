"""Agent `actions` under anything that may happen: crashes, repetitions, answers in any order, chunks of any size, and time.

A crash is a chunk that is worked off and lost, and worked off again, cut elsewhere. Whoever answers may answer twice, late, or
never. People merge in between: whoever is confirmed later is one person, and what fired for either counts. Whatever was told, by
the end each firing has ended once, and nothing that its rule limits was exceeded.
"""

from collections import defaultdict
from typing import Any

import msgspec
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from schemas.actions.action_work import Due, Firing, Person, decode_due, decode_work, encode_work
from schemas.identity.identifiers import partition_of, profile_key
from schemas.rules.rule_candidates import Candidate, decode_rule_candidate
from schemas.stream import InputRecord, OutputRecord
from schemas.wire.codec import decode
from tests.processors.actions.desk import DAY, HOUR, MINUTE, Item, new_step, result
from tests.processors.firings import AT, a_firing, a_rule

PARTITIONS = 2
CAP, QUOTA = 2, 3
LIMITS: dict[str, dict[str, Any]] = {
    "plain": {"expires_after": "30d"},
    "capped": {"caps": [{"max": CAP, "within": "2h"}], "expires_after": "30d"},
    "once": {"once": True},
    "counted": {"quota": {"max": QUOTA, "per": "total"}, "caps": [{"max": CAP, "within": "1d"}]},
    "slow": {"delay": "1h", "quiet_hours": {"start": "13:30", "end": "14:00"}},
    "here": {"once": True, "quota": {"max": QUOTA, "per": "total"}},
}
FINAL = {"done", "refused", "failed", "test"}
OUTCOMES = ("delivered", "delivered", "retry", "retry", "failed", "gone", "postponed")


def rule_of(name: str) -> bytes:
    action = {"event": {"name": "Welcomed"}} if name == "here" else None
    return a_rule(action, rule=name, limits=LIMITS[name])


def home_of(profile: int) -> int:
    return partition_of(profile_key(profile), PARTITIONS) if profile else 0


def rule_name(firing: Firing) -> str:
    return str(msgspec.json.decode(firing.rule)["rule"])


class Firings(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.now = AT + 1_000
        self.states: dict[int, dict[bytes, bytes]] = defaultdict(dict)
        self.queues: dict[int, list[InputRecord]] = defaultdict(list)
        self.offset = 0
        self.fired: dict[str, tuple[Firing, int]] = {}  # as it was confirmed first, and where it is
        self.leads: dict[int, int] = {}
        self.known_as: dict[
            str, set[int]
        ] = {}  # who was one person when it was confirmed last before it was sent
        self.shown: dict[str, list[dict[str, Any]]] = defaultdict(list)
        self.attempts: dict[str, list[int]] = defaultdict(list)
        self.dues: list[Due] = []
        self.asked: list[Candidate] = []
        self.outputs: dict[str, int] = defaultdict(int)

    @initialize()
    def first_tick(self) -> None:
        for home in range(PARTITIONS):
            self.tell(home, encode_work(tick=self.now))

    def tell(self, home: int, value: bytes) -> None:
        self.offset += 1
        self.queues[home].append(InputRecord(self.offset, self.now, None, value))

    def say(self, home: int, *items: Item) -> None:
        self.tell(home, encode_work(items))

    @rule(
        names=st.lists(st.sampled_from(sorted(LIMITS)), min_size=1, max_size=4),
        person=st.sampled_from([0, 1, 1, 2, 2]),
        refused=st.sampled_from(["", "", "", "suppressed"]),
        soon=st.booleans(),
    )
    def something_fires(self, names: list[str], person: int, refused: str, soon: bool) -> None:
        for name in names:
            number = f"fire_{len(self.fired)}"
            firing = a_firing(rule_of(name), id=number, at=self.now, subject=person, refused=refused)
            self.fired[number] = firing, home_of(self.root(person))
            firing = self.as_known(firing)
            self.fired[number] = firing, home_of(firing.profile)
            self.say(home_of(firing.profile), firing)
        if soon:
            self.all_is_worked_off()

    @precondition(lambda self: self.fired)
    @rule(data=st.data())
    def it_is_told_again(self, data: st.DataObject) -> None:
        firing, home = self.fired[data.draw(st.sampled_from(sorted(self.fired)))]
        self.say(home, firing)

    @precondition(lambda self: self.dues)
    @rule(
        data=st.data(),
        outcomes=st.lists(st.sampled_from(OUTCOMES), min_size=1, max_size=4),
        soon=st.booleans(),
    )
    def somebody_answers(self, data: st.DataObject, outcomes: list[str], soon: bool) -> None:
        for outcome in outcomes:
            due = data.draw(st.sampled_from(self.dues[-6:]))
            self.say(due.home, result(due, outcome, self.now))
            if soon:
                self.all_is_worked_off()

    @precondition(lambda self: self.asked)
    @rule(data=st.data(), refused=st.sampled_from(["", "", "in_segment"]))
    def who_it_is_is_told(self, data: st.DataObject, refused: str) -> None:
        candidate = data.draw(st.sampled_from(self.asked))
        person = Person(email=f"{self.now}@shop.example")
        answer = self.as_known(self.fired[candidate.recheck][0])
        self.say(candidate.home, msgspec.structs.replace(answer, refused=refused, person=person))

    @precondition(lambda self: self.fired and not self.leads)
    @rule(one=st.sampled_from([1, 2]))
    def two_are_one(self, one: int) -> None:
        self.leads[one] = 3 - one

    def root(self, person: int) -> int:
        while person in self.leads:
            person = self.leads[person]
        return person

    def as_known(self, firing: Firing) -> Firing:
        """As stage `confirm` passes it on: once what it passed on before has been let through or not, and that is known."""
        self.all_is_worked_off()
        profile = self.root(firing.subject)
        if all(told["firing_id"] != firing.id for _, told in self.sent()):
            self.known_as[firing.id] = {each for each in range(3) if self.root(each) == profile}
        of_rule = rule_name(firing)
        elsewhere = [
            moment
            for moment, told in self.sent()
            if told["rule"] == of_rule
            and told["profile"] != profile
            and self.root(told["subject"]) == profile
        ]
        return msgspec.structs.replace(firing, profile=profile, elsewhere=sorted(elsewhere))

    def sent(self) -> list[tuple[int, dict[str, Any]]]:
        """The first time that each was let through."""
        starts = [
            [each for each in told if each["state"] in ("sending", "done")] for told in self.shown.values()
        ]
        return [(int(each[0]["at"].timestamp() * 1000), each[0]) for each in starts if each]

    @rule(milliseconds=st.sampled_from([5_000, MINUTE, 20 * MINUTE, 3 * HOUR]))
    def time_passes(self, milliseconds: int) -> None:
        self.now += milliseconds
        for home in range(PARTITIONS):
            self.tell(home, encode_work(tick=self.now))

    @rule(count=st.integers(1, 12), lost=st.integers(0, 6))
    def chunks_are_worked_off(self, count: int, lost: int) -> None:
        """`lost`: so many records of other chunks were worked off before, by a process that died with its state."""
        for home in range(PARTITIONS):
            queue = self.queues[home]
            if lost:
                new_step(PARTITIONS)(home, queue[:lost], dict(self.states[home]))
            chunk, self.queues[home] = queue[:count], queue[count:]
            for output in new_step(PARTITIONS)(home, chunk, self.states[home]):
                self.keep(output)

    @rule()
    def all_is_worked_off(self) -> None:
        while any(self.queues.values()):
            self.chunks_are_worked_off(50, 0)

    def keep(self, output: OutputRecord) -> None:
        self.outputs[output.topic] += 1
        if output.topic == "actions.work":
            self.note_moves(output)
            for _ in range(1 + self.outputs[output.topic] % 2):  # every other one twice
                self.tell(output.partition, output.value)
        elif output.topic == "actions.deliveries":
            told = decode(output.value)
            self.attempts[told["firing_id"]].append(told["attempt"])
        elif output.topic == "actions":
            told = decode(output.value)
            self.shown[told["firing_id"]].append(told)
        elif output.topic == "actions.due":
            self.dues.append(decode_due(output.value))
        elif output.topic == "rules.candidates":
            candidate = decode_rule_candidate(output.value)
            self.asked.append(candidate)
            assert candidate.home == self.fired[candidate.recheck][1]

    def note_moves(self, output: OutputRecord) -> None:
        for item in decode_work(output.value).items:
            if isinstance(item, Firing):
                self.fired[item.id] = self.fired[item.id][0], output.partition

    @invariant()
    def no_firing_ends_twice_and_none_goes_on_after_its_end(self) -> None:
        for told in self.shown.values():
            assert [each["seq"] for each in told] == list(range(1, len(told) + 1))
            ends = [number for number, each in enumerate(told) if each["state"] in FINAL]
            assert len(ends) <= 1
            assert not ends or ends[0] == len(told) - 1

    @invariant()
    def each_attempt_is_answered_once(self) -> None:
        assert all(each == list(range(1, len(each) + 1)) for each in self.attempts.values())

    @invariant()
    def attempts_carry_the_same_request(self) -> None:
        requests: dict[str, set[bytes]] = defaultdict(set)
        for due in self.dues:
            requests[due.id].add(due.request)
        assert all(len(each) == 1 for each in requests.values())

    @invariant()
    def no_limit_is_exceeded(self) -> None:
        """Of those that were let through before one was, for whoever was known to be its person."""
        sent = sorted(self.sent(), key=lambda each: (each[0], int(each[1]["firing_id"][5:])))
        for moment, told in sent:
            name, known = told["rule"], self.known_as[told["firing_id"]]
            others = [
                at
                for at, each in sent
                if each["rule"] == name and each["subject"] in known and each is not told and at <= moment
            ]
            assert name not in ("once", "here") or not others
            for cap, within in (("capped", 2 * HOUR), ("counted", DAY)):
                assert name != cap or sum(1 for at in others if moment - within < at) < CAP
        for name in ("counted", "here"):
            assert sum(1 for _, told in sent if told["rule"] == name) <= QUOTA

    def teardown(self) -> None:
        """Everything is worked off and answered, and time goes on: then nothing is on its way."""
        for _ in range(30):
            self.all_is_worked_off()
            self.time_passes(3 * HOUR)
        self.all_is_worked_off()
        self.no_firing_ends_twice_and_none_goes_on_after_its_end()
        self.no_limit_is_exceeded()
        assert self.fired.keys() == self.shown.keys()
        assert all(told[-1]["state"] in FINAL for told in self.shown.values())
        assert not any(key[:1] == b"i" for state in self.states.values() for key in state)


Firings.TestCase.settings = settings(
    max_examples=30,
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],  # of a busy machine
)
TestFirings = Firings.TestCase
