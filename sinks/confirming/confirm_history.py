"""What stage `confirm` asks ClickHouse about the past of people: what a trait of theirs was before it was stated, and when a rule
fired for them as they were before they merged. SQL, and rows as they come.

Whose something is, is told by the dictionaries, as in confirm_questions.py, whose `Questions` these go through.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from schemas.rules.rules import Rule, TraitTrigger
from schemas.segments.segment_sql import Parameters
from schemas.segments.segment_traits import Told
from schemas.segments.segments import Trait, duration_ms
from schemas.values.json_values import one_text, trait_at
from sinks.confirming.confirm_people import Someone
from sinks.confirming.confirm_questions import ZONE, Questions, in_one_question

# The newest value that the person had stated before, under any identifier: by time and message id.
_BEFORE = """\
SELECT place, any(latest), VERDICT
FROM
(
    SELECT
        waiting.1 AS place,
        {wanted:String} AS name,
        argMax(told.value, (told.timestamp, told.message_id, told.value)) AS latest
    FROM
    (
        SELECT
            value, timestamp, message_id,
            toUnixTimestamp64Milli(timestamp) AS ms,
            dictGetOrDefault({segments:String}, 'owner', subject, ms, subject) AS owner,
            dictGetOrDefault({roots:String}, 'root', owner, owner) AS profile
        FROM traits
        WHERE workspace = {workspace:String} AND subject IN {nodes:Array(UInt64)} AND traits.name = {wanted:String}
    ) AS told
    INNER JOIN
    (
        SELECT
            arrayJoin(arrayZip(
                {places:Array(UInt32)}, {profiles:Array(UInt64)}, {ats:Array(Int64)}, {ids:Array(String)}
            )) AS waiting,
            waiting.2 AS profile
    ) AS waited USING profile
    WHERE (told.ms, told.message_id) < (waiting.3, waiting.4)
    GROUP BY place
)
GROUP BY place"""

# When a rule was let through, for whom it was taken then, and whose it is now: its first attempt, or the test of one.
_FIRED = """\
SELECT subject, fired, profile, arraySlice(arrayReverseSort(groupArray(since)), 1, {limit:UInt32})
FROM
(
    SELECT
        last.2 AS fired,
        since,
        last.1 AS subject,
        toUnixTimestamp64Milli(last.3) AS ms,
        dictGetOrDefault({segments:String}, 'owner', subject, ms, subject) AS owner,
        dictGetOrDefault({roots:String}, 'root', owner, owner) AS profile
    FROM
    (
        SELECT
            argMax((states.subject, states.profile, states.occurred_at), states.seq) AS last,
            toUnixTimestamp64Milli(minIf(states.at, states.state IN {counting:Array(String)})) AS since
        FROM firing_states AS states
        WHERE workspace = {workspace:String} AND rule = {rule:String} AND states.subject IN {nodes:Array(UInt64)}
        GROUP BY firing_id
        HAVING since > {after:Int64}
    )
)
GROUP BY subject, fired, profile"""


class Stated(msgspec.Struct, frozen=True):
    """Somebody who stated a trait; `value` as it was stated."""

    place: int
    profile: int
    nodes: tuple[int, ...]
    at: int
    message_id: str
    value: Any


def unchanged(
    questions: Questions, trigger: TraitTrigger, stated: Sequence[Stated], at_ms: int
) -> Iterator[int]:
    """The places of those whose trait did not change as the trigger asks. Raises what the client raises."""
    name = trigger.name.partition(".")[0]
    parameters = Parameters()
    parameters.values |= {
        **_waiting(()),
        **questions.known,
        "wanted": name,
    }  # so that no value takes their names
    verdict, is_turned = "1", False
    if trigger.from_ is not None:
        told = Told(at_ms, ZONE, parameters)
        verdict, is_turned = told.trait(Trait(trigger.name, trigger.from_.op, trigger.from_.value))
    sql = questions.worded(_BEFORE.replace("VERDICT", f"toUInt8({verdict})"))
    is_missing_fine = trigger.from_ is None or is_turned
    for some in in_one_question(stated):
        rows = questions.ask(sql, **(parameters.values | _waiting(some)))
        found = {place: (latest, bool(flag) != is_turned) for place, latest, flag in rows}
        for each in some:
            latest, passes = found.get(each.place, ("null", is_missing_fine))
            before = trait_at({name: msgspec.json.decode(latest)}, trigger.name)
            if not passes or one_text(before) == one_text(each.value):
                yield each.place


def fired_elsewhere(
    questions: Questions, rule: Rule, some: Sequence[Someone], now_ms: int
) -> dict[int, list[int]]:
    """By profile, the moments (ms, ascending) at which the rule was let through for what was another profile then, as many as its
    caps ask for. Of people whose nodes one question takes. Raises what the client raises."""
    limits = rule.limits
    longest = max((duration_ms(cap.within) for cap in limits.caps), default=0)
    most = max((cap.max for cap in limits.caps), default=1)
    whose = {node: each.profile for each in some for node in each.nodes}
    found: dict[int, list[int]] = defaultdict(list)
    for subject, fired, profile, moments in questions.ask(
        _FIRED,
        rule=rule.rule,
        nodes=sorted({node for each in some for node in each.subjects}),
        counting=["test"] if rule.mode == "test" else ["sending", "done"],
        after=0 if limits.once else now_ms - longest,
        limit=most,
    ):
        person = whose.get(subject, profile)  # also where a pointer has come since the page began
        if fired != person:
            found[person] += moments
    return {profile: sorted(moments)[-most:] for profile, moments in found.items()}


def _waiting(some: Sequence[Stated]) -> dict[str, Any]:
    return {
        "nodes": sorted({node for each in some for node in each.nodes}),
        "places": [each.place for each in some],
        "profiles": [each.profile for each in some],
        "ats": [each.at for each in some],
        "ids": [each.message_id for each in some],
    }
