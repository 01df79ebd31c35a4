"""What is done to the fleet: a list of kinds, each a function that returns when the harm is done and its cause removed.

Recovery is not waited for here. `Fault.inject` gets the fleet and a random source; what it draws from it (which processor, how
long) is reproducible by the seed. Deliberately absent: faults of disks and networks between machines.
"""

import time
from collections.abc import Callable, Collection
from random import Random

import msgspec

from tests.chaos.fleet import Fleet
from tests.chaos.process import Supervised

BROKER_DOWN_S_MAX = 10.0
BRIEF_FREEZE_S = (1.0, 5.0)
PAST_SESSION_S = (2.0, 5.0)  # a zombie sleeps for the session timeout and so much more
INSERT_WAIT_S = 5.0
SINKS_START_S = 3.0
INSERT_POLL_S = 0.0005

Inject = Callable[[Fleet, Random], None]


class Fault(msgspec.Struct, frozen=True):
    """`weight`: how often the long form draws it. `can`: whether it makes sense now. `moment` waits for the right one."""

    kind: str
    inject: Inject
    weight: int = 1
    can: Callable[[Fleet], bool] = lambda _: True
    moment: Callable[[Fleet], None] = lambda _: None


def kill_collector(fleet: Fleet, _: Random) -> None:
    fleet["collector"].kill()


def stop_collector(fleet: Fleet, _: Random) -> None:
    fleet["collector"].stop()


def freeze_collector(fleet: Fleet, random: Random) -> None:
    _freeze(fleet["collector"], random.uniform(*BRIEF_FREEZE_S))


def kill_processor(fleet: Fleet, random: Random) -> None:
    _any(fleet, random).kill()


def kill_processor_past_its_session(fleet: Fleet, random: Random) -> None:
    """It comes back when the others have its partitions, and takes them away again."""
    _any(fleet, random).kill(down_s=_past_session(fleet, random))


def kill_all_processors(fleet: Fleet, _: Random) -> None:
    for process in fleet.processors:
        process.kill()


def stop_processor(fleet: Fleet, random: Random) -> None:
    _any(fleet, random).stop()


def freeze_processor(fleet: Fleet, random: Random) -> None:
    """A short sleep: nobody takes over."""
    _freeze(_any(fleet, random), random.uniform(*BRIEF_FREEZE_S))


def zombie_processor(fleet: Fleet, random: Random) -> None:
    """Sleeps until the others have its partitions, and wakes up in the belief that it owns them."""
    _freeze(_any(fleet, random), _past_session(fleet, random))


def all_zombies(fleet: Fleet, random: Random) -> None:
    """The group is empty when they wake, one after the other."""
    processes = fleet.processors
    for process in processes:
        process.freeze()
    time.sleep(_past_session(fleet, random))
    for process in processes:
        process.thaw()
        time.sleep(random.uniform(0, 1))


def wipe_state(fleet: Fleet, random: Random) -> None:
    """The folder goes while the processor is dead: all of it comes back from the changelog."""
    process = _any(fleet, random)
    process.hold()
    process.kill()
    fleet.wipe_state(int(process.spec.name.rsplit("-", 1)[1]))
    process.release()


def add_processor(fleet: Fleet, random: Random) -> None:
    if numbers := fleet.free_numbers():  # a fault beside this one may have taken the last
        fleet.add_processor(random.choice(numbers))


def remove_processor(fleet: Fleet, random: Random) -> None:
    fleet.remove_processor(int(_any(fleet, random).spec.name.rsplit("-", 1)[1]))


def rolling_restart(fleet: Fleet, random: Random) -> None:
    """A release: each processor in order, then the sinks and the collector."""
    for process in (*fleet.processors, fleet["sinks"], fleet["collector"]):
        process.stop()
        time.sleep(random.uniform(1, 3))


def deliver_plainly(fleet: Fleet, _: Random) -> None:
    """What one delivery left behind, in its folders and on its way, the other takes up."""
    fleet.deliver("plain")


def kill_sinks(fleet: Fleet, _: Random) -> None:
    fleet["sinks"].kill()


def stop_sinks(fleet: Fleet, _: Random) -> None:
    fleet["sinks"].stop()


def freeze_sinks(fleet: Fleet, random: Random) -> None:
    """Past the session, and nobody is there to take over."""
    _freeze(fleet["sinks"], _past_session(fleet, random))


def zombie_sinks(fleet: Fleet, random: Random) -> None:
    """In the midst of an insert; another process takes over and repeats the block, and both meet when the first wakes."""
    fleet["sinks"].freeze()
    fleet.add_sinks()
    time.sleep(_past_session(fleet, random) + SINKS_START_S)
    fleet["sinks"].thaw()
    time.sleep(random.uniform(0, 2))
    fleet.remove_sinks()


def kill_broker(fleet: Fleet, random: Random) -> None:
    fleet["kafka"].kill(down_s=random.uniform(0, BROKER_DOWN_S_MAX))


def stop_broker(fleet: Fleet, random: Random) -> None:
    fleet["kafka"].stop(down_s=random.uniform(0, BROKER_DOWN_S_MAX))


def freeze_broker(fleet: Fleet, random: Random) -> None:
    _freeze(fleet["kafka"], random.uniform(*BRIEF_FREEZE_S))


def kill_clickhouse(fleet: Fleet, random: Random) -> None:
    fleet["clickhouse"].kill(down_s=random.uniform(0, 3))


def stop_clickhouse(fleet: Fleet, _: Random) -> None:
    fleet["clickhouse"].stop()


def freeze_clickhouse(fleet: Fleet, random: Random) -> None:
    _freeze(fleet["clickhouse"], random.uniform(*BRIEF_FREEZE_S))


def has_room(fleet: Fleet) -> bool:
    return bool(fleet.free_numbers())


def has_three(fleet: Fleet) -> bool:
    return len(fleet.processors) > 2


def an_insert(fleet: Fleet) -> None:
    """While the engine writes a part of `events`; gives up when none comes, as when something else is down."""
    _await(lambda: _is_inserting(fleet))


def an_inserted(fleet: Fleet) -> None:
    """As soon as the part is there: before the sink knows, and has committed."""
    an_insert(fleet)
    _await(lambda: not _is_inserting(fleet))


FAULTS = (
    Fault("kill collector", kill_collector, 2),
    Fault("stop collector", stop_collector),
    Fault("freeze collector", freeze_collector),
    Fault("kill processor", kill_processor, 4),
    Fault("kill processor, back after its session", kill_processor_past_its_session, 2),
    Fault("kill all processors", kill_all_processors, 2),
    Fault("stop processor", stop_processor, 2),
    Fault("freeze processor briefly", freeze_processor),
    Fault("zombie processor", zombie_processor, 4),
    Fault("all processors zombies", all_zombies),
    Fault("wipe state", wipe_state, 2),
    Fault("add processor", add_processor, 4, has_room),
    Fault("remove processor", remove_processor, 4, has_three),
    Fault("rolling restart", rolling_restart),
    Fault("kill sinks", kill_sinks),
    Fault("kill sinks in an insert", kill_sinks, 2, moment=an_insert),
    Fault("kill sinks behind an insert", kill_sinks, 2, moment=an_inserted),
    Fault("stop sinks", stop_sinks),
    Fault("freeze sinks past their session", freeze_sinks),
    Fault("zombie sinks", zombie_sinks, 2, moment=an_insert),
    Fault("kill broker", kill_broker, 3),
    Fault("stop broker", stop_broker, 2),
    Fault("freeze broker", freeze_broker),
    Fault("kill ClickHouse in an insert", kill_clickhouse, 3, moment=an_insert),
    Fault("kill ClickHouse behind an insert", kill_clickhouse, 2, moment=an_inserted),
    Fault("stop ClickHouse", stop_clickhouse),
    Fault("freeze ClickHouse in an insert", freeze_clickhouse, moment=an_insert),
)

# Of a script alone: a fleet that draws its faults keeps its delivery.
PLAIN_DELIVERY = Fault("processors of the plain delivery", deliver_plainly)


def draw(fleet: Fleet, random: Random, kinds: Collection[str] = ()) -> Fault:
    """One that is possible now; only of these kinds, if there are any."""
    wanted = [fault for fault in FAULTS if not kinds or fault.kind in kinds]
    possible = [fault for fault in wanted if fault.can(fleet)]
    return random.choices(possible, [fault.weight for fault in possible])[0]


def named(kind: str) -> Fault:
    return next(fault for fault in FAULTS if fault.kind == kind)


def _any(fleet: Fleet, random: Random) -> Supervised:
    return random.choice(fleet.processors)


def _past_session(fleet: Fleet, random: Random) -> float:
    return fleet.shape.session_s + random.uniform(*PAST_SESSION_S)


def _freeze(process: Supervised, seconds: float) -> None:
    process.freeze()
    time.sleep(seconds)
    process.thaw()


def _await(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + INSERT_WAIT_S
    while not holds() and time.monotonic() < end:
        time.sleep(INSERT_POLL_S)


def _is_inserting(fleet: Fleet) -> bool:
    try:
        return any(
            entry.name.startswith("tmp_insert_")
            for folder in fleet.part_folders
            for entry in folder.iterdir()
        )
    except FileNotFoundError:
        return False
