"""`stitchline link`: what it makes, what it refuses, and that the documentation's own way makes the same token."""

import csv
import io
import json
import os
import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from deploy.sources.links import (
    BadLink,
    Signer,
    check,
    last_day,
    signed_rows,
    signing_key,
    templates,
    with_parameter,
)
from deploy.sources.merge_tags import PROPERTY, TOOLS, parameters
from processors.events.links import token_in
from schemas.events.links import Claim, LinkKey, SignedLink, open_token, sign
from schemas.events.remarks import Remark
from schemas.identity.identifiers import hash_email

DOCS = Path(__file__).parents[3] / "docs" / "links.md"
KEY, OLD = LinkKey("2026", b"k" * 32), LinkKey("2025", b"o" * 32)
NOW = datetime(2026, 5, 4, 23, 59, tzinfo=UTC)
SIGNER = Signer(KEY, "main", last_day(NOW, 90))


def opened(token: str) -> tuple[str, str]:
    link = open_token(token, "main", [KEY])
    assert isinstance(link, SignedLink)
    return link.claim.kind, link.claim.value


ADDRESSES = [
    ("https://x.io", "https://x.io?_c=T"),
    ("https://x.io/a?b=1#top", "https://x.io/a?b=1&_c=T#top"),
    ("https://x.io/?", "https://x.io/?_c=T"),
    ("http://x.io/?b=1&", "http://x.io/?b=1&_c=T"),
    ("http://x.io/R&", "http://x.io/R&?_c=T"),
    ("http://x.io/??", "http://x.io/??&_c=T"),
    ("https://x.io/#/way?a=1", "https://x.io/?_c=T#/way?a=1"),
]


@pytest.mark.parametrize(("address", "link"), ADDRESSES)
def test_a_token_is_put_before_the_fragment(address: str, link: str) -> None:
    assert with_parameter(address, "_c", "T") == link
    assert token_in(link) == "T", "the processors read it"


@pytest.mark.parametrize("address", ["", "x.io", "mailto:a@x.io", "https://", "http://[", "/a?b=1"])
def test_what_is_no_address_of_a_page_gets_no_token(address: str) -> None:
    with pytest.raises(BadLink, match="no address of a page"):
        with_parameter(address, "_c", "T")


def test_a_link_that_has_a_token_gets_no_second_one_of_which_the_first_would_count() -> None:
    with pytest.raises(BadLink, match="has a parameter _c already"):
        with_parameter("https://x.io/?a=1&_c=", "_c", "T")


def test_a_link_is_for_a_contact_or_for_the_hash_of_an_email() -> None:
    assert opened(SIGNER.token(" 4711 ", "")) == ("contact_id", "4711")
    assert opened(SIGNER.token("4711", "ann@x.io")) == ("contact_id", "4711")
    assert opened(SIGNER.token("", " Ann@X.io")) == ("eh", hash_email("ann@x.io"))


REFUSED = [
    ("", ""),
    ("", "ann"),
    ("ann@x.io", ""),
    ("undefined", ""),
    ("7" * 245, ""),
    ("", f"{'a' * 251}@x.io"),
]


@pytest.mark.parametrize(("contact", "email"), REFUSED)
def test_a_link_for_nobody_is_refused(contact: str, email: str) -> None:
    with pytest.raises(BadLink):
        SIGNER.token(contact, email)


def test_the_first_key_signs_unless_another_one_is_named() -> None:
    assert signing_key([KEY, OLD], "") is KEY
    assert signing_key([KEY, OLD], "2025") is OLD
    with pytest.raises(BadLink, match="no key 2024: STITCHLINE_LINK_KEYS has 2026, 2025"):
        signing_key([KEY, OLD], "2024")
    with pytest.raises(BadLink, match="has none"):
        signing_key([], "")


def test_what_a_link_is_worth_is_told() -> None:
    link = with_parameter("https://x.io/?a=1", "_c", SIGNER.token("4711", ""))
    found = check(link, "main", [OLD, KEY], NOW)
    assert (found.remark, found.kind, found.value, found.last_day, found.key_id) == (
        Remark.LINK_SIGNED, "contact_id", "4711", "2026-08-02", "2026",
    )  # fmt: skip
    assert (
        check(link, "main", [KEY], datetime(2026, 8, 2, 23, 59, 59, tzinfo=UTC)).remark == Remark.LINK_SIGNED
    )
    assert check(link, "main", [KEY], datetime(2026, 8, 3, tzinfo=UTC)).remark == Remark.LINK_EXPIRED
    assert check(link, "blog", [KEY], NOW).remark == Remark.LINK_REFUSED
    assert check("https://x.io/", "main", [KEY], NOW).remark == Remark.LINK_MALFORMED
    assert check("http://[?_c=x", "main", [KEY], NOW).remark == Remark.LINK_MALFORMED
    assert check(SIGNER.token("4711", ""), "main", [KEY], NOW).remark == Remark.LINK_SIGNED


def test_a_link_is_worth_what_a_processor_would_make_of_it() -> None:
    token = SIGNER.token("4711", "")
    nobody = sign(Claim("contact_id", "undefined"), "main", KEY, SIGNER.last_day)
    cases = {
        f"?_c=&_c={token}": Remark.LINK_SIGNED,  # an empty one is none
        f"?%5Fc={token}": Remark.LINK_MALFORMED,
        f"?x=1#/a?_c={token}": Remark.LINK_MALFORMED,
        f"?_c={nobody}": Remark.ID_BLOCKED,
    }
    found = {query: check(f"https://x.io/{query}", "main", [KEY], NOW).remark for query in cases}
    assert found == cases


def test_a_file_of_contacts_gets_tokens_and_links() -> None:
    told: list[str] = []
    rows = [
        ["Email Address", "Name", "contact_id"],
        ["ann@x.io", "Ann, A."],
        [],
        ["x", "Bob", " 7 "],
        ["none", "C", ""],
    ]
    header, ann, bob, nobody = signed_rows(rows, "https://x.io/", SIGNER, told.append)
    assert header == ["Email Address", "Name", "contact_id", "stitchline", "stitchline_link"]
    assert ann[:3] == ["ann@x.io", "Ann, A.", ""]
    assert opened(ann[3]) == ("eh", hash_email("ann@x.io"))
    assert opened(bob[3]) == ("contact_id", "7")
    assert bob[4] == f"https://x.io/?_c={bob[3]}"
    assert nobody == ["none", "C", "", "", "https://x.io/"]
    assert told == ["row 5: no contact id, and no e-mail of the shape x@y.z"]
    assert next(signed_rows(rows, "", SIGNER, told.append)) == [*rows[0], "stitchline"]


def test_a_row_with_more_fields_than_the_header_gets_no_token_but_empty_ones_do_not_count() -> None:
    told: list[str] = []
    rows = [["email", "name"], ["ann@x.io", "Ann", " A."], ["bob@x.io", "Bob", "", " "]]
    _, ann, bob = signed_rows(rows, "", SIGNER, told.append)
    assert ann == ["ann@x.io", "Ann", " A.", ""]
    assert bob[:2] == ["bob@x.io", "Bob"]
    assert opened(bob[2]) == ("eh", hash_email("bob@x.io"))
    assert told == ["row 2: more fields than the header has: is one not quoted?"]


def test_an_address_that_takes_no_token_is_refused_before_a_line_is_written() -> None:
    with pytest.raises(BadLink, match="no address of a page"):
        next(signed_rows([["email"], ["ann@x.io"]], "x.io", SIGNER, print))


@pytest.mark.parametrize(
    ("contact", "email", "workspace"),
    [("\udcff", "", "main"), ("", "\udcff@x.io", "main"), ("7", "", "\udcff")],
)
def test_what_is_no_text_gets_no_token(contact: str, email: str, workspace: str) -> None:
    with pytest.raises(BadLink, match="UTF-8"):
        Signer(KEY, workspace, SIGNER.last_day).token(contact, email)


@pytest.mark.parametrize("header", [[], ["name"], ["email", "stitchline"]])
def test_a_file_without_a_usable_header_is_refused(header: list[str]) -> None:
    with pytest.raises(BadLink):
        list(signed_rows([header], "", SIGNER, print))


@pytest.mark.parametrize("tool", TOOLS)
def test_a_mail_tools_templates_are_printed_and_documented(tool: str) -> None:
    documented = DOCS.read_text()
    lines = list(templates("https://x.io/", tool))
    for line, (name, tag) in zip(lines, parameters(TOOLS[tool]).values(), strict=True):
        assert line.endswith(f" https://x.io/?{name}={tag}")
        assert f"`{name}={tag}`".replace("|", "\\|") in documented
    assert len(PROPERTY) <= 10, "Mailchimp's merge tags are no longer"
    with pytest.raises(BadLink, match="known are mailchimp, klaviyo, hubspot"):
        list(templates("https://x.io/", "pigeon"))


def test_the_token_of_the_documentation_is_the_one_that_is_made() -> None:
    (code,) = re.findall(r"```python\n(.*?)```", DOCS.read_text(), re.DOTALL)
    names: dict[str, Any] = {}
    exec(code, names)  # noqa: S102 - the page's own snippet
    assert names["contact_token"](KEY.secret, "main", "4711", SIGNER.last_day) == SIGNER.token("4711", "")
    assert names["email_token"](KEY.secret, "main", "Ann@x.io ", SIGNER.last_day) == SIGNER.token(
        "", "ann@x.io"
    )


def run(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "deploy", "link", *arguments]
    return subprocess.run(
        command, env={**os.environ, **environ}, capture_output=True, text=True, timeout=60, check=False
    )


def test_the_command_makes_links_for_a_file_and_says_what_one_is_worth(tmp_path: Path) -> None:
    keys = {"STITCHLINE_LINK_KEYS": "2026=env:LINK_KEY", "LINK_KEY": "k" * 32}
    (tmp_path / "contacts.csv").write_text('\ufeffemail;name\nann@x.io;"A; B"\nbob;Bob\n')
    made = run("https://x.io/", "--csv", str(tmp_path / "contacts.csv"), **keys)
    assert made.returncode == 0, made.stderr
    rows = list(csv.DictReader(io.StringIO(made.stdout), delimiter=";"))
    assert [row["name"] for row in rows] == ["A; B", "Bob"]
    assert rows[1]["stitchline"] == ""
    assert "1 of the rows has no token" in made.stderr
    told = run("--check", rows[0]["stitchline_link"], **keys)
    assert (told.returncode, json.loads(told.stdout)["remark"]) == (0, "link_signed")
    (tmp_path / "open.csv").write_text('email,name\nann@x.io,"Ann\nbob@x.io,Bob\n')
    cut = run("--csv", str(tmp_path / "open.csv"), **keys)
    assert cut.returncode == 2
    assert "no CSV up to line 3" in cut.stderr
    wrong = run("https://x.io/", **keys)
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert "--contact or --email" in wrong.stderr
