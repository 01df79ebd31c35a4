"""`stitchline profile ID`: one person by any identifier, read from ClickHouse's public views."""

import json
from datetime import UTC, datetime
from typing import Any

import msgspec
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError
from urllib3.exceptions import HTTPError

from runtime.settings import ClickHouseSettings
from schemas.identifiers import normalise_email
from sinks.clickhouse import connect

JOURNEY_EVENTS_MAX = 10_000

# An identifier is looked up as it was sent; a device that several people used belongs to whom its latest events belong.
FIND_SQL = """\
SELECT profile_id
FROM profiles
WHERE workspace = {workspace:String}
  AND (
      profile_id = {id:String}
      OR has(emails, {email:String})
      OR has(anonymous_ids, {id:String})
      OR profile_id IN (
          SELECT lower(leftPad(hex(dictGetOrDefault({dictionary:String}, 'root', node, node)), 16, '0'))
          FROM identifiers
          WHERE workspace = {workspace:String} AND kind IN ('u', 'x') AND value = {id:String}))
ORDER BY profile_id = {id:String} DESC, user_id = {id:String} DESC, last_seen DESC
LIMIT 1"""

PROFILE_SQL = """\
SELECT profile_id, user_id, emails, anonymous_ids, toString(traits) AS traits, first_seen, last_seen, events
FROM profiles
WHERE workspace = {workspace:String} AND profile_id = {id:String}"""

JOURNEY_SQL = """\
SELECT timestamp, type, event, name, source, anonymous_id, user_id, message_id, lineage, toString(properties) AS properties
FROM events_resolved
WHERE workspace = {workspace:String} AND profile_id = {id:String}
ORDER BY timestamp, message_id
LIMIT {limit:UInt32}"""


class NoSuchProfile(Exception):
    """Nobody has this identifier; the text says what was tried."""


class NoAnswer(Exception):
    """ClickHouse is not there, or has not our tables."""


class Profile(msgspec.Struct, frozen=True, kw_only=True):
    """One person and their whole history, oldest event first; at most JOURNEY_EVENTS_MAX events are listed."""

    profile_id: str
    user_id: str
    emails: list[str]
    anonymous_ids: list[str]
    traits: dict[str, Any]
    first_seen: str
    last_seen: str
    events: int
    journey: list[dict[str, Any]]


def find(settings: ClickHouseSettings, workspace: str, identifier: str) -> Profile:
    """Raises NoSuchProfile or NoAnswer."""
    try:
        return _find(connect(settings), workspace, identifier)
    except (ClickHouseError, HTTPError, OSError) as error:
        raise NoAnswer(
            f"ClickHouse gives no profile (see CLICKHOUSE_URL, STITCHLINE_DATABASE): {error}"
        ) from error


def _find(client: Client, workspace: str, identifier: str) -> Profile:
    wanted = identifier.strip()
    if not wanted:
        raise NoSuchProfile(
            "an empty identifier is nobody's: give a profile id, user id, e-mail, anonymous id or type:id"
        )
    email = normalise_email(wanted)
    asked = {
        "workspace": workspace,
        "id": wanted,
        "email": email,
        "dictionary": f"{client.database}.idr_root",
    }
    found = client.query(FIND_SQL, parameters=asked).result_rows
    if not found:
        raise NoSuchProfile(
            f"nobody in workspace {workspace} has the profile id, user id, e-mail, anonymous id or external id {wanted!r}; "
            "an event that was just sent is there within a few seconds"
        )
    return _read(client, {"workspace": workspace, "id": found[0][0], "limit": JOURNEY_EVENTS_MAX})


def _read(client: Client, parameters: dict[str, object]) -> Profile:
    person = next(iter(client.query(PROFILE_SQL, parameters=parameters).named_results()))
    journey = [_event(row) for row in client.query(JOURNEY_SQL, parameters=parameters).named_results()]
    return Profile(
        profile_id=person["profile_id"],
        user_id=person["user_id"],
        emails=sorted(person["emails"]),
        anonymous_ids=sorted(person["anonymous_ids"]),
        traits=json.loads(person["traits"]),
        first_seen=_iso(person["first_seen"]),
        last_seen=_iso(person["last_seen"]),
        events=person["events"],
        journey=journey,
    )


def _iso(moment: datetime) -> str:
    """The client gives times of a UTC column without a zone."""
    return moment.replace(tzinfo=UTC).isoformat(timespec="milliseconds")


def _event(row: dict[str, Any]) -> dict[str, Any]:
    return row | {"timestamp": _iso(row["timestamp"]), "properties": json.loads(row["properties"])}
