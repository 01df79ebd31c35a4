"""Names of hosts in a source's settings are its owner's, or are refused."""

from typing import Any

import pytest

from deploy.applying.wide_names import refuse_wide_names
from schemas.configuration.configuration_file import parse_file
from schemas.control import ControlState
from schemas.sources.sources import Source


def source(**settings: Any) -> Source:
    document = {"sources": [{"id": "shop", "write_keys": ["key"], **settings}]}
    (found,) = ControlState(parse_file(document)).sources
    return found


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"allowed_origins": ["https://shop.example", "https://*.com"]}, "allowed_origins"),
        ({"allowed_origins": ["*.co.uk"]}, "allowed_origins"),
        ({"allowed_origins": ["https://*.com:8443"]}, "allowed_origins"),
        ({"redirect_domains": ["*.org"]}, "redirect_domains"),
        ({"pixel": {"domains": ["*.de"]}}, "pixel.domains"),
    ],
)
def test_every_site_of_a_registry_is_too_many(settings: dict[str, Any], told: str) -> None:
    with pytest.raises(ValueError, match=rf"^{told} of source shop: .*whoever it belongs to"):
        refuse_wide_names(source(**settings))


@pytest.mark.parametrize(
    "origin",
    [
        "*",
        "null",
        "https://*.shop.com",
        "*.shop.co.uk",
        "https://com",
        "http://*.localhost:3000",
        "http://[::1]",
    ],
)
def test_what_may_be_somebodys_own_is_taken(origin: str) -> None:
    refuse_wide_names(source(allowed_origins=[origin]))


def test_a_platforms_name_is_taken() -> None:
    """One's own pages may stand there; that others' do, too, is for the source to know."""
    refuse_wide_names(source(allowed_origins=["https://*.github.io"], redirect_domains=["*.shop.com"]))
