"""What a terminal gets of identifiers that strangers chose."""

import shlex

import pytest

from deploy.errors import told_plainly
from deploy.explaining.why_text import text
from deploy.explaining.why_view import Answer
from deploy.identifiers.ids import Id
from deploy.orders.unlink import choices
from deploy.ports import PortTaken
from deploy.visible import visible
from processors.identity.explain import ALWAYS


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("zoë 😀 <a'b>", "zoë 😀 <a'b>"),
        ("a\x1b[2Jb", "a\\x1b[2Jb"),
        ("a\nu:ann -> u:bob", "a\\nu:ann -> u:bob"),
        ("\u202ecba", "\\u202ecba"),
    ],
)
def test_what_nobody_sees_is_shown_as_its_escape(given, shown):
    assert visible(given) == shown


def explained(a: str) -> list[str]:
    found = Answer(
        workspace="main",
        a=a,
        b="u:z",
        one_person=ALWAYS,
        agrees=True,
        differences=[],
        routes=[],
        reasons=[],
        places=[],
        crowded=[],
        is_complete=True,
        orders_read=True,
    )
    return text(found).splitlines()


def test_an_identifier_adds_no_line_to_an_explanation():
    (line,) = explained("a:x\nu:ann")
    assert line == explained("a:x")[0].replace("a:x", "a:x\\nu:ann")


def test_a_message_keeps_its_lines_and_shows_what_else_is_in_it():
    told: list[str] = []
    with pytest.raises(SystemExit), told_plainly(told.append):
        raise PortTaken("one\ntwo \x1b[31m")
    assert told == ["stitchline: one\ntwo \\x1b[31m"]


def test_a_command_that_is_offered_for_copying_runs_nothing_that_an_identifier_says():
    low, high = Id("main", "a", "$(reboot); `id` 'x'", 1), Id("main", "u", "ann", 2)
    offered = choices([[str(low), str(high)]])
    assert shlex.split(offered) == ["stitchline", "unlink", str(low), str(high)]
