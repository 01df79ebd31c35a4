"""The long form: round after round on fresh fleets until enough faults were met; `make chaos`.

    python -m tests.chaos [--faults 200] [--per-fleet 20] [--only KIND]... [--minutes 120] [--seed N] [--delivery NAME]
                          [--folder chaos-results]

The tally is kept in the folder: started again with it, the run goes on where it stopped. Exit status 1 when anything was
lost, doubled or contradictory; the folder of such a round is kept.
"""

import argparse
import logging
import shutil
import sys
import tempfile
import time
from pathlib import Path
from random import Random, SystemRandom

from runtime import logs
from tests.chaos import tally
from tests.chaos.faults import FAULTS
from tests.chaos.fleet import Shape
from tests.chaos.round import Plan, play

FAULTS_PER_FLEET = 20


def main() -> int:
    options = _options()
    logs.configure("chaos", logging.WARNING)
    logging.getLogger("urllib3").setLevel(logging.ERROR)  # that nobody answers is what is asked for here
    folder: Path = options.folder
    found = tally.load(folder)
    seed = options.seed if options.seed is not None else SystemRandom().randrange(1_000_000)
    end = time.monotonic() + options.minutes * 60
    _say(f"seed {seed}; {len(found.faults)} faults so far, in {folder}")
    while len(found.faults) < options.faults and time.monotonic() < end:
        number = found.next_number(seed)
        missing = min(options.per_fleet, options.faults - len(found.faults))
        shape = _shape(seed, number, options.delivery)
        _say(f"round {number}: {shape}")
        plan = Plan(
            seed=seed, number=number, shape=shape, faults=missing, kinds=tuple(options.only), say=_say
        )
        one = _round(plan, folder)
        found.rounds.append(one)
        tally.save(found, folder)
        _say(
            f"{one.events} events, lost {one.lost}, doubled {one.doubled}, {one.wrongs or 'all right'}; {one.seconds:.0f} s"
        )
    _say("\n" + tally.table(found))
    return 0 if found.is_right else 1


def _round(plan: Plan, folder: Path) -> tally.Round:
    folder.mkdir(parents=True, exist_ok=True)
    data = Path(tempfile.mkdtemp(prefix=f"round-{plan.seed}-{plan.number}-", dir=folder))
    one = play(data / "fleet", plan)
    if one.is_right:
        shutil.rmtree(data)
    else:
        _say(f"kept: {data}")
    return one


def _shape(seed: int, number: int, delivery: str) -> Shape:
    random = Random(f"shape {seed}/{number}")  # noqa: S311 - reproducible
    return Shape(processors=random.choice((2, 2, 3)), is_static=random.random() < 0.6, delivery=delivery)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.chaos", description="Faults under load, and a judge."
    )
    parser.add_argument(
        "--faults", type=int, default=200, help="in all, those in the folder's tally among them"
    )
    parser.add_argument(
        "--per-fleet", type=int, default=FAULTS_PER_FLEET, help="then it is judged, and a new one started"
    )
    parser.add_argument(
        "--only",
        action="append",
        default=[],
        metavar="KIND",
        choices=sorted(fault.kind for fault in FAULTS),
        help="faults of this kind; may be repeated",
    )
    parser.add_argument("--minutes", type=float, default=120, help="no round begins later")
    parser.add_argument("--seed", type=int, help="printed; a new one each time when it is not given")
    parser.add_argument("--delivery", default="", help="PROCESSOR_DELIVERY; empty: the default")
    parser.add_argument(
        "--folder", type=Path, default=Path("chaos-results"), help="of the tally and of failed rounds"
    )
    return parser.parse_args()


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
