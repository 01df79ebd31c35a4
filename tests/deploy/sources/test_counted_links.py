"""`stitchline link --redirect`: the same links, by way of the collector."""

from datetime import UTC, datetime
from urllib.parse import urlsplit

import pytest
from typer.testing import CliRunner

from collector.clicks import read_link
from deploy.cli import app
from deploy.sources.links import BadLink, Signer, counted, last_day, signed_rows, templates, with_parameter
from processors.events.links import token_in
from schemas.events.links import PARAMETER, LinkKey

TO, REDIRECT = "https://shop.example/spring", "https://c.shop.example/r/shop"
KEY = LinkKey("2026", b"k" * 32)
SIGNER = Signer(KEY, "main", last_day(datetime(2026, 5, 4, tzinfo=UTC), 90))


def test_an_address_is_counted_where_a_collector_is_named() -> None:
    assert counted(TO, "", "") == TO
    link = counted(TO, REDIRECT, "one")
    assert read_link(urlsplit(link).query).to == TO
    token = SIGNER.token("4711", "")
    assert token_in(with_parameter(link, PARAMETER, token)) == token


@pytest.mark.parametrize(
    ("redirect", "name"), [("", "one"), ("c.shop.example/r/shop", ""), (f"{REDIRECT}?x=1", "")]
)
def test_a_name_needs_a_collector_and_that_an_address(redirect: str, name: str) -> None:
    with pytest.raises(BadLink):
        counted(TO, redirect, name)


def test_rows_of_contacts_and_templates_have_counted_links_too() -> None:
    link = counted(TO, REDIRECT, "")
    _, (_, token, made) = signed_rows([["contact_id"], ["4711"]], link, SIGNER, pytest.fail)
    assert made == f"{link}&_c={token}"
    assert all(REDIRECT in line and "&" in line for line in templates(link, "mailchimp"))


def test_a_link_that_names_nobody_needs_no_key() -> None:
    done = CliRunner().invoke(app, ["link", TO, "--redirect", REDIRECT, "--name", "big button"])
    assert (done.exit_code, done.stdout) == (0, f"{counted(TO, REDIRECT, 'big button')}\n")
