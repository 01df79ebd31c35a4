"""Messages of topic `rules.candidates`: a rule whose time has come, as far as Kafka knows. Private: msgpack, versioned.

Stage `confirm` asks ClickHouse once who the person is, whether the conditions about them hold, and whether any contact of theirs
is suppressed; it passes on a `Firing` (schemas/actions/action_work.py), refused or not.
"""

from hashlib import blake2b

import msgspec

VERSION = 1


class Candidate(msgspec.Struct, array_like=True, frozen=True, kw_only=True):
    """`at` (ms): when what it fires on happened; for an absence or a schedule when its time came. `absent_since` > 0: the
    person must not have done the trigger's `of` since then, up to `at`. `recheck` names the firing that waited and is asked
    about again; its id is taken then, and the answer goes to partition `home` of actions.work, where it waits, whoever the
    person is by now. `person` 0: a schedule, for each member of its segment or for nobody.

    `rule` is JSON of the rule as it was. `occurrence`, `event`, `message_id`, `hops`: as in rule_facts.py.
    """

    version: int
    workspace: str
    rule: bytes
    rule_version: str
    occurrence: str
    person: int
    subject: int
    at: int
    seen_at: int
    event: bytes
    message_id: str
    absent_since: int = 0
    recheck: str = ""
    hops: int = 0
    home: int = -1


def firing_id(workspace: str, rule: str, rule_version: str, occurrence: str, person: int = 0) -> str:
    """The same however often it is worked out, another one for every other firing. `person` is given where one occurrence is for
    many, as a schedule is for the members of a segment; else 0, since who somebody is may be known better later."""
    parts = (workspace, rule, rule_version, occurrence, f"{person:016x}" if person else "")
    return "fire_" + blake2b("\0".join(parts).encode(), digest_size=16).hexdigest()


class UnknownRuleCandidateVersion(ValueError):
    """A candidate of a later release: the reader must be upgraded first."""


encode_rule_candidate = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Candidate).decode


def decode_rule_candidate(value: bytes) -> Candidate:
    """Raises msgspec.DecodeError (no candidate) or UnknownRuleCandidateVersion."""
    candidate = _decode(value)
    if candidate.version != VERSION:
        raise UnknownRuleCandidateVersion(
            f"candidate version {candidate.version}, this release reads {VERSION}"
        )
    return candidate
