"""The read side of Confluent's Schema Registry protocol over our fixed schemas: pure, path in, status and document out.

Subjects follow Confluent's default (TopicNameStrategy): `<topic>-value`, the topic with the deployment's prefix.
"""

import json
import re
from typing import Any

from schemas.topics import TOPICS
from schemas.wire.codec import DEFINITIONS, SCHEMAS

_VERSIONS = re.compile(r"/subjects/([^/]+)/versions(?:/([^/]+))?/?")
_ID = re.compile(r"/schemas/ids/([^/]+)/?")
_CONFIG = re.compile(r"/config(?:/([^/]+))?/?")

COMPATIBILITY = "FULL_TRANSITIVE"  # any version reads what any other wrote

Reply = tuple[int, Any]


def registry_reply(path: str, *, prefix: str = "") -> Reply | None:
    """(HTTP status, JSON document) for a path of the registry protocol; None when the path is not one of it."""
    if path.rstrip("/") == "/subjects":
        return 200, sorted(_subjects(prefix))
    if found := _ID.fullmatch(path):
        return _by_id(found[1])
    if found := _CONFIG.fullmatch(path):
        return _config(found[1], prefix)
    if found := _VERSIONS.fullmatch(path):
        return _by_subject(found[1], found[2], prefix)
    return None


def _subjects(prefix: str) -> dict[str, str]:
    return {f"{topic.full_name(prefix)}-value": topic.subject for topic in TOPICS if topic.subject}


def _by_id(number: str) -> Reply:
    # Compared as text: int() raises on thousands of digits, and takes digits of other scripts.
    for schema in SCHEMAS:
        if str(schema.id) == number:
            return 200, {"schema": json.dumps(DEFINITIONS[schema.id])}
    return 404, {"error_code": 40403, "message": f"Schema {number} not found"}


def _config(subject: str | None, prefix: str) -> Reply:
    if subject is not None and subject not in _subjects(prefix):
        return _no_subject(subject)
    return 200, {"compatibilityLevel": COMPATIBILITY}


def _no_subject(subject: str) -> Reply:
    return 404, {"error_code": 40401, "message": f"Subject '{subject}' not found"}


def _by_subject(subject: str, version: str | None, prefix: str) -> Reply:
    stem = _subjects(prefix).get(subject)
    known = [schema for schema in SCHEMAS if schema.subject == stem]
    if not known:
        return _no_subject(subject)
    if version is None:
        return 200, [schema.version for schema in known]
    chosen = (
        [known[-1]] if version == "latest" else [schema for schema in known if str(schema.version) == version]
    )
    if not chosen:
        return 404, {"error_code": 40402, "message": f"Version {version} not found"}
    schema = chosen[0]
    document = {
        "subject": subject,
        "id": schema.id,
        "version": schema.version,
        "schema": json.dumps(DEFINITIONS[schema.id]),
    }
    return 200, document
