"""Server keys: what an application shows to read people's data (docs/profiles.md): documents `server_key/ID` on `control`.

A key is kept as its SHA-256 only. It is a secret, where a write key stands in every page: no text may be both.
"""

from typing import Annotated

import msgspec

from schemas.definitions.names import Name
from schemas.definitions.shapes import shaped

SERVER_KEY = "server_key/"

# Spaces around a key are trimmed from what a client sends, and a colon would end it in HTTP's Basic form.
Key = Annotated[
    str,
    shaped(
        r"^[^\s:](?:[^:]*[^\s:])?\Z",
        "a text without a colon and without spaces around it",
        min_length=8,
        max_length=1_024,
    ),
]
PerSecond = Annotated[float, msgspec.Meta(gt=0)]


class ServerKey(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=False):
    """One application's keys, all of one workspace. `requests_per_s_max` None: as many as it likes."""

    id: Name
    workspace: Name = "main"
    key_hashes: list[str]
    requests_per_s_max: PerSecond | None = None


class ServerKeyInput(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One entry under `server_keys:` of a file for `stitchline apply`. Several keys: while one replaces another."""

    id: Name
    keys: Annotated[list[Key], msgspec.Meta(min_length=1)]
    workspace: Name = "main"
    requests_per_s_max: PerSecond | None = None


decode_server_key = msgspec.json.Decoder(ServerKey).decode
