"""Where the keys of signed links come from: files and environment variables that `STITCHLINE_LINK_KEYS` names.

No error text holds anything but ids, names and paths. Deliberately absent: following a file that changes; a process reads its
keys once, at its start.
"""

import os
import re
from collections.abc import Mapping
from pathlib import Path

from runtime.environment.settings import LinkSettings, SettingsError
from schemas.events.links import KEYS_MAX, SECRET_BYTES_MIN, LinkKey

_ENTRY = re.compile(r"(?P<id>[A-Za-z0-9_.-]{1,32})=(?P<where>file|env):(?P<name>.+)")


def link_keys(settings: LinkSettings, environ: Mapping[str, str]) -> tuple[LinkKey, ...]:
    """In the order of the setting. Raises SettingsError."""
    entries = [entry.strip() for entry in settings.keys.split(",") if entry.strip()]
    keys = tuple(_key(number, entry, environ) for number, entry in enumerate(entries, start=1))
    if len(keys) > KEYS_MAX:
        raise _error(f"{len(keys)} keys, at most {KEYS_MAX}: take out those whose links have expired")
    if len({key.id for key in keys}) < len(keys):
        raise _error("an id is given twice")
    return keys


def _key(number: int, entry: str, environ: Mapping[str, str]) -> LinkKey:
    found = _ENTRY.fullmatch(entry)
    if found is None:  # the entry is not shown: it may be a secret that stands in the wrong place
        raise _error(f"entry {number} is neither `id=file:/path` nor `id=env:NAME`")
    key_id, name = found["id"], found["name"]
    secret = _read_file(key_id, name) if found["where"] == "file" else os.fsencode(environ.get(name, ""))
    secret = secret.strip()
    if len(secret) < SECRET_BYTES_MIN:
        raise _error(
            f"key {key_id}: {name} has {len(secret)} bytes, at least {SECRET_BYTES_MIN} are needed; "
            "`openssl rand -hex 32` makes one"
        )
    return LinkKey(key_id, secret)


def _read_file(key_id: str, path: str) -> bytes:
    try:
        return Path(path).expanduser().read_bytes()
    except OSError as error:
        raise _error(f"key {key_id}: {path} cannot be read: {error.strerror}") from None
    except RuntimeError:  # what expanduser says of ~somebody
        raise _error(f"key {key_id}: {path} cannot be read: no such home directory") from None


def _error(text: str) -> SettingsError:
    return SettingsError(f"STITCHLINE_LINK_KEYS: {text}")
