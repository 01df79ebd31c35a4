"""The circuit breaker of a destination: what opens it, what closes it, and what holds whatever happens."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from sinks.sending.circuit import Circuit, Rules, admitted, failed, paused, succeeded, unsettled, wait_ms

RULES = Rules(failures_max=3, window=10, window_min=6, pause_ms_min=1_000, pause_ms_max=8_000)


def opened(circuit: Circuit, now_ms: int) -> Circuit:
    while circuit.phase != "open":
        circuit = failed(circuit, RULES, circuit.era, now_ms, 0.0)
    return circuit


def test_failures_in_a_row_open_it_and_a_success_between_them_counts_anew() -> None:
    circuit = Circuit()
    for _ in range(2):
        circuit = failed(circuit, RULES, 0, 0, 0.0)
    circuit = succeeded(circuit, RULES, 0)
    for _ in range(2):
        circuit = failed(circuit, RULES, 0, 0, 0.0)
    assert circuit.phase == "closed"
    circuit = failed(circuit, RULES, 0, 0, 0.0)
    assert circuit.phase == "open"
    assert wait_ms(circuit, 0) == 1_000


def test_a_share_of_failures_opens_it_though_others_succeed_between_them() -> None:
    circuit = Circuit()
    for number in range(9):
        is_well = number % 3 == 0
        circuit = succeeded(circuit, RULES, 0) if is_well else failed(circuit, RULES, 0, 0, 0.0)
    assert circuit.phase == "open"


def test_a_few_probes_close_it_and_one_that_fails_opens_it_for_twice_as_long() -> None:
    circuit = opened(Circuit(), 0)
    circuit, is_admitted = admitted(circuit, RULES, 999)
    assert not is_admitted
    pauses = []
    for _ in range(5):
        now = circuit.until_ms
        circuit, is_admitted = admitted(circuit, RULES, now)
        assert is_admitted
        circuit = failed(circuit, RULES, circuit.era, now, 0.0)
        pauses.append(wait_ms(circuit, now))
    assert pauses == [2_000, 4_000, 8_000, 8_000, 8_000]
    circuit, _ = admitted(circuit, RULES, circuit.until_ms)
    circuit, is_admitted = admitted(circuit, RULES, 100_000)
    assert is_admitted
    assert not admitted(circuit, RULES, 100_000)[1]
    circuit = succeeded(circuit, RULES, circuit.era)
    assert circuit.phase == "half-open"
    circuit = succeeded(circuit, RULES, circuit.era)
    assert circuit == Circuit(era=circuit.era)


def test_what_began_before_it_opened_says_nothing_afterwards() -> None:
    circuit = opened(Circuit(), 0)
    half_open, _ = admitted(circuit, RULES, circuit.until_ms)
    assert succeeded(half_open, RULES, 0) == half_open
    assert failed(half_open, RULES, 0, 0, 0.0) == half_open
    assert unsettled(half_open, 0) == half_open


def test_a_pause_that_the_destination_asks_for_is_kept_within_bounds_and_is_no_failure() -> None:
    circuit = paused(Circuit(), RULES, 0, 0, 3_000)
    assert wait_ms(circuit, 0) == 3_000
    assert wait_ms(paused(Circuit(), RULES, 0, 0, 10**9), 0) == RULES.pause_ms_max
    circuit, _ = admitted(circuit, RULES, 3_000)
    assert wait_ms(failed(circuit, RULES, circuit.era, 3_000, 0.0), 3_000) == RULES.pause_ms_min


class AnyLife(RuleBasedStateMachine):
    """Attempts begin and end in any order, at any time."""

    def __init__(self) -> None:
        super().__init__()
        self.circuit = Circuit()
        self.now = 0
        self.eras: list[int] = []

    @rule(step=st.integers(0, 5_000))
    def time_passes(self, step: int) -> None:
        self.now += step

    @rule()
    def one_begins(self) -> None:
        waits = wait_ms(self.circuit, self.now)
        before = self.circuit
        self.circuit, is_admitted = admitted(self.circuit, RULES, self.now)
        assert not (waits and is_admitted)
        if is_admitted:
            self.eras.append(self.circuit.era)
        else:
            assert self.circuit == before

    @precondition(lambda self: self.eras)
    @rule(
        which=st.integers(0, 100),
        how=st.sampled_from(["well", "ill", "busy", "unknown"]),
        chance=st.floats(0, 0.999),
        wish=st.integers(0, 20_000),
    )
    def one_ends(self, which: int, how: str, chance: float, wish: int) -> None:
        era, before = self.eras.pop(which % len(self.eras)), self.circuit
        match how:
            case "well":
                self.circuit = succeeded(before, RULES, era)
            case "ill":
                self.circuit = failed(before, RULES, era, self.now, chance)
            case "busy":
                self.circuit = paused(before, RULES, era, self.now, wish)
            case _:
                self.circuit = unsettled(before, era)
        if era != before.era:
            assert self.circuit == before

    @rule()
    def once_all_have_ended_and_the_longest_pause_is_over_one_may_begin(self) -> None:
        for era in self.eras:
            self.circuit = unsettled(self.circuit, era)
        self.eras.clear()
        assert admitted(self.circuit, RULES, self.now + RULES.pause_ms_max)[1]

    @invariant()
    def it_never_waits_longer_than_the_longest_pause(self) -> None:
        assert 0 <= wait_ms(self.circuit, self.now) <= RULES.pause_ms_max

    @invariant()
    def probes_are_those_of_this_era_and_few(self) -> None:
        if self.circuit.phase == "half-open":
            assert self.circuit.probes == self.eras.count(self.circuit.era)
            assert self.circuit.probes + self.circuit.passed <= RULES.probes_min
        else:
            assert self.circuit.probes == 0


TestAnyLife = AnyLife.TestCase
TestAnyLife.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
