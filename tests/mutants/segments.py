"""Mutants of the queries that segments become: what such queries get wrong elsewhere (docs/segments.md says what is right)."""

from tests.mutants.mutant import Mutant

T = "tests/console"
EDGES, RANDOM = f"{T}/test_segment_edges.py", f"{T}/test_segments_against_oracle.py"
SEEN = (EDGES, RANDOM)
WORDS, UNIVERSE = "schemas/segments/segment_words.py", "console/segments/segment_universe.py"
EVENTS, SOURCES = "console/segments/segment_events.py", "console/segments/segment_sources.py"
CHAINS, SCOPE, IDENTITY = (
    "console/segments/segment_chains.py",
    "console/segments/segment_scope.py",
    "console/segments/segment_identity.py",
)

OWNER = "dictGetOrDefault('{database}idr_segment', 'owner', subject, toUnixTimestamp64Milli(at), subject))"

SEGMENT_MUTANTS = (
    # Who is who.
    Mutant("a device that several people used is one person", WORDS, ((OWNER, "subject)"),), SEEN),
    Mutant(
        "a device's events are all its last owner's",
        WORDS,
        ((OWNER, OWNER.replace("toUnixTimestamp64Milli(at)", "toInt64(7258118399999)")),),
        SEEN,
    ),
    Mutant(
        "every identifier is a person",
        WORDS,
        (("dictGetOrDefault('{database}idr_root', 'root', owner, owner)", "owner"),),
        SEEN,
    ),
    Mutant(
        "a person is known by the event's own subject alone",
        UNIVERSE,
        (("profile != subject OR subject_type NOT IN", "subject_type NOT IN"),),
        SEEN,
    ),
    Mutant(
        "then is now: whom a device belonged to at a past date",
        IDENTITY,
        ((" AND updated_at < {self._known_at}", ""),),
        SEEN,
    ),
    # Who there is.
    Mutant(
        "who was not seen for a month is nobody",
        UNIVERSE,
        (
            (
                '{EARLIEST[bots]} < {self._asked.at}" for bots',
                '{EARLIEST[bots]} < {self._asked.at} AND {LATEST[bots]} >= {self._asked.at} - INTERVAL 30 DAY" for bots',
            ),
        ),
        SEEN,
    ),
    Mutant("bots count", EVENTS, (('"exclude": ["NOT device.is_bot"]', '"exclude": []'),), SEEN),
    # Time.
    Mutant(
        "what happens at T has happened",
        SCOPE,
        (('"timestamp < {self.at}"', '"timestamp <= {self.at}"'),),
        SEEN,
    ),
    Mutant(
        "what happened as a window began is not in it",
        EVENTS,
        (("{moment} >= {self.moment(since", "{moment} > {self.moment(since"),),
        SEEN,
    ),
    Mutant(
        "what happened as a window ended is in it",
        EVENTS,
        (("{moment} < {self.moment(until", "{moment} <= {self.moment(until"),),
        SEEN,
    ),
    Mutant(
        "days are those of UTC",
        EVENTS,
        (("toDate32(timestamp, {zone})", "toDate32(timestamp, 'UTC')"),),
        SEEN,
    ),
    Mutant(
        "the trait that arrived last holds",
        SOURCES,
        (
            (
                "AS profile, name, argMax(value, (timestamp, message_id, value))",
                "AS profile, name, argMax(value, (received_at, message_id, value))",
            ),
        ),
        SEEN,
    ),
    # Order.
    Mutant(
        "steps at one moment are in any order",
        CHAINS,
        (("lowest = f\"indexOf([{', '.join([*named, '1'])}], 1)\"", 'lowest = "1"'),),
        SEEN,
    ),
    Mutant(
        "what ends a chain ends nothing",
        CHAINS,
        (('moves = [f"if({broken}, -1, {move})" for move in moves[:-1]]', "moves = moves[:-1]"),),
        SEEN,
    ),
)
