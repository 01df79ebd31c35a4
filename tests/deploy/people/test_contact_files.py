"""Files of addresses: which lines are taken, and what is told of the others."""

import io

import pytest

from deploy.people.contact_files import BATCH_LINES, LINE_CHARS_MAX, BadFile, batches
from schemas.contacts.contact_changes import Into
from schemas.contacts.contact_facts import ContactFact
from schemas.contacts.contact_lists import ContactList

NOW = 1_800_000_000_000
INTO = Into(ContactList(list="news", channel="email"), frozenset({"weekly"}), "", "file", NOW)
CALLS = Into(ContactList(list="calls", channel="phone"), frozenset(), "DE", "file", NOW)


def read(text: str, into: Into = INTO) -> tuple[list[ContactFact], dict[int, str]]:
    told: dict[int, str] = {}
    found = list(batches(io.StringIO(text), "added", into, told.__setitem__))
    counted = found[-1][0]
    facts = [fact for _, some in found for fact in some]
    assert (counted.taken, counted.refused) == (len(facts), len(told))
    return facts, told


def addresses(text: str, into: Into = INTO) -> list[str]:
    return [fact.address for fact in read(text, into)[0]]


@pytest.mark.parametrize(
    ("text", "into", "found"),
    [
        ("ann@x.example\nbob@x.example\n", INTO, ["ann@x.example", "bob@x.example"]),
        ("Email;Name\nann@x.example;Ann\r\n\r\n", INTO, ["ann@x.example"]),
        ("name,address\nAnn,ann@x.example", INTO, ["ann@x.example"]),
        ('email,name\n"ann@x.example","Ann, the first"\n', INTO, ["ann@x.example"]),
        ("phone\n030 901820\n+1 555 010 0199\n", CALLS, ["+4930901820", "+15550100199"]),
        ("email,phone\nann@x.example,030 901820\n", CALLS, ["+4930901820"]),
    ],
)
def test_addresses_stand_under_a_heading_or_in_the_first_column(
    text: str, into: Into, found: list[str]
) -> None:
    assert addresses(text, into) == found


def test_a_line_may_say_when_and_by_which_mailer() -> None:
    facts, _ = read(
        "email,at,mailer\na@x.example,2026-01-02T03:04:05Z,weekly\nb@x.example,,\nc@x.example,2999-01-01,\n"
    )
    assert [(fact.time, fact.mailer) for fact in facts] == [
        (1_767_323_045_000, "weekly"),
        (NOW, ""),
        (NOW, ""),
    ]
    assert {fact.origin for fact in facts} == {"file"}


def test_a_bad_line_is_told_with_its_number_and_keeps_no_other_back() -> None:
    text = (
        'email,at,mailer\na@x.example,,\nnobody,,\n"b@x.example,,\nc@x.example,yesterday,\nd@x.example,,daily\n'
        + "e" * (LINE_CHARS_MAX + 5)
        + "\n\udcff@x.example,,\n,,\nf@x.example,,\n"
    )
    facts, told = read(text)
    assert [fact.address for fact in facts] == ["a@x.example", "f@x.example"]
    assert list(told) == [3, 4, 5, 6, 7, 8, 9]
    assert told[3] == "email: it has not the form of an e-mail address: name@host.domain"
    assert told[5].startswith("at: expected an instant in ISO 8601")
    assert told[6].startswith("mailer: no such mailer")
    assert told[7] == f"the line has more than {LINE_CHARS_MAX} characters"
    assert told[8] == "the line is no text in UTF-8"
    assert "daily" not in told[6]


@pytest.mark.parametrize(
    ("text", "why"), [("", "empty"), ("phone\n030 901820\n", "the heading names phone alone")]
)
def test_a_file_without_addresses_of_the_lists_channel_is_refused(text: str, why: str) -> None:
    with pytest.raises(BadFile, match=why):
        read(text)


def test_a_long_file_comes_in_batches() -> None:
    text = "".join(f"a{n}@x.example\n" for n in range(BATCH_LINES + 3))
    sizes = [len(facts) for _, facts in batches(io.StringIO(text), "deleted", INTO, lambda *_: None)]
    assert sizes == [BATCH_LINES, 3]
