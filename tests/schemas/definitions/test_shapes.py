"""Errors about texts that people write say what is expected, not by which pattern it is looked for."""

import re
from pathlib import Path
from typing import Any

import msgspec
import pytest

from schemas.configuration.configuration_file import parse_file
from schemas.definitions.shapes import in_words
from schemas.pixel.pixel_event_records import pixel_event_records
from schemas.sources.webhooks import webhook_records

SCHEMAS = Path(__file__).parents[3] / "schemas"
# Read by a JSON Schema first, whose errors are words already (schemas/definitions/definition_shape.py).
BY_SCHEMA = {"rules.py", "destinations.py"}

SHOP = {"id": "shop", "write_keys": ["k"]}
VIEW = {"event": "Seen", "source": "shop", "trigger": {"page": None}}
PAID = {"type": "track", "event": "Paid"}


def test_every_pattern_of_a_file_has_words() -> None:
    bare = {
        file.name
        for file in SCHEMAS.rglob("*.py")
        if re.search(r"msgspec\.Meta\(\s*pattern=r", file.read_text())
    }
    assert bare == BY_SCHEMA


@pytest.mark.parametrize(
    ("read", "entry", "said"),
    [
        (parse_file, {"sources": [SHOP | {"id": "The Shop"}]}, "a name of a-z 0-9 _ -"),
        (
            parse_file,
            {"sources": [SHOP | {"write_keys": [" k"]}]},
            "a text on one line without spaces around it",
        ),
        (
            parse_file,
            {"sources": [SHOP | {"paths": {"script": "assets/"}}]},
            "a path such as /assets/shop.js",
        ),
        (
            parse_file,
            {"sources": [SHOP | {"redirect_domains": ["https://a.example"]}]},
            "a host name in lower case",
        ),
        (parse_file, {"server_keys": [{"id": "app", "keys": ["with:colon"]}]}, "a text without a colon"),
        (pixel_event_records, [VIEW | {"event": " Seen"}], "a text on one line"),
        (pixel_event_records, [VIEW | {"pages": ["cart"]}], "a path that begins with / or *"),
        (pixel_event_records, [VIEW | {"hosts": ["Shop"]}], "in which * stands for anything"),
        (
            webhook_records,
            [
                {
                    "id": "a",
                    "events": [PAID],
                    "signature": {"scheme": "header", "secrets": ["env:A"], "header": "X Y"},
                }
            ],
            "a header's name",
        ),
        (
            webhook_records,
            [{"id": "a", "events": [PAID], "signature": {"scheme": "bearer", "secrets": ["oops"]}}],
            "env:NAME or file:/path",
        ),
    ],
)
def test_an_error_says_in_words_what_is_expected_and_where(read: Any, entry: Any, said: str) -> None:
    with pytest.raises((msgspec.ValidationError, ValueError)) as caught:
        read(entry)
    told = in_words(caught.value)
    assert said in told
    assert "regex" not in told
    assert " - at `$" in told
