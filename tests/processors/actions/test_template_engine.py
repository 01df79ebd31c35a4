"""The engine of templates: its limits, its filters, and what no value gets out of it."""

from typing import Any

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from processors.actions.template_engine import HTML, PATH, NoValue, Template, TemplateFailed
from processors.actions.template_filters import KEPT, Scope

WHEN = "2026-03-14T12:00:00.000Z"


@pytest.mark.parametrize("name", KEPT)
def test_no_filter_lets_a_value_out_unescaped(name: str) -> None:
    """With a value as it is, and in the forms that filters take apart."""
    for value in ("<script>", "%3Cscript%3E", "PHNjcmlwdD4=", ["<script>", "<script>"], "<<script>>"):
        for arguments in ("", ': "<"', ': "a", "b"', ": 40"):
            try:
                text = Template("{{ v | %s%s }}" % (name, arguments), HTML).text({"v": value})  # noqa: UP031
            except ValueError:
                continue
            assert "<script" not in text


@pytest.mark.parametrize(
    "source",
    [
        "{% for i in (1..100000000) %}x{% endfor %}",
        "{% for i in (1..1000) %}{% assign a = event.many | uniq %}{% endfor %}",
        "{% for i in (1..1000) %}" + "{% assign a = event.many | sort | reverse %}" * 50 + "{% endfor %}",
        "{% for i in (1..1000) %}" + "{% if event.many == event.many %}{% endif %}" * 50 + "{% endfor %}",
        "{% for i in (1..100) %}{% for j in (1..100) %}x{% endfor %}{% endfor %}",
        "{{ (1..100000000) | reverse }}",
        "{{ (1..100000000) | join }}",
        "{% assign a = event.long %}{{ a | replace: 'a', a }}",
        "{{ event.long | split: '' | join: event.long }}",
        "{{ 5 | round: -1000000000 }}",
        "{{ 'now' | date: '%1000000000d' }}",
        "{% assign a = event.long %}{% for i in (1..900) %}{{ a }}{% endfor %}",
        "{% assign a = event.long %}{% for i in (1..900) %}{% assign a = a | append: a %}{% endfor %}",
        "{% assign a = 99 %}{% for i in (1..900) %}{% assign a = a | times: a %}{% endfor %}",
        "{% capture a %}{% for i in (1..999) %}{{ event.long }}{% endfor %}{% endcapture %}",
        "{{ 1 | divided_by: 0 }}",
    ],
)
def test_a_template_that_makes_much_of_little_fails_soon(source: str) -> None:
    with pytest.raises(TemplateFailed):
        Template(source).text({"event": {"long": "a" * 1_000, "many": list(range(5_000))}, "now": WHEN})


def test_templates_of_one_firing_share_what_they_may_cost() -> None:
    scope = Scope({"many": list(range(5_000))})
    template = Template("{{ many | uniq | size }}")
    assert template.value(scope) == 5_000
    scope.work.spend(scope.work.left)
    with pytest.raises(TemplateFailed, match="one firing"):
        template.value(scope)


def test_a_long_list_with_filters_of_every_item_is_no_excess() -> None:
    source = "{% for i in many %}{{ i.name | upcase | truncate: 40 | default: 'x' }}{{ i.price | times: 2 }}{% endfor %}"
    items = [{"name": "A thing of wood " * 3, "price": 5}] * 900
    assert len(Template(source).text(Scope({"many": items}))) > 30_000


def test_a_date_is_written_in_the_zone_that_is_named() -> None:
    scope = {"at": "2026-07-01T22:30:00Z", "now": WHEN}
    assert Template('{{ at | date: "%-d.%m.%Y %H:%M", "Europe/Berlin" }}').text(scope) == "2.07.2026 00:30"
    assert Template('{{ "soon" | date: "%Y" }}').text(scope) == "soon"
    with pytest.raises(TemplateFailed):
        Template('{{ at | date: "%Y", "Nowhere" }}').text(scope)


FRAGMENTS = (
    *(
        "{{",
        "}}",
        "{%",
        "%}",
        " if ",
        " endif ",
        " for i in ",
        " endfor ",
        "event",
        ".properties",
        "[0]",
        " | ",
    ),
    *(
        "date: ",
        '"%d"',
        "plus: 1",
        "a",
        " assign x = ",
        "split: ''",
        "join",
        "size",
        "first",
        "-",
        "'",
        "where: 'a'",
    ),
)
fragments = st.lists(st.sampled_from(FRAGMENTS), max_size=12).map("".join)


@settings(max_examples=200, deadline=None)
@given(fragments, st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists, max_leaves=4))
@example("{{ event.properties | slice: 1, 'x' }}", {})
def test_any_text_is_a_template_or_none_and_ends_as_text_or_as_a_failure(source: str, value: Any) -> None:
    try:
        template = Template(source)
    except ValueError:
        return
    scope = {"event": {"properties": value}, "now": WHEN}
    try:
        assert isinstance(template.text(scope), str)
        msgspec.json.encode(template.value(scope))
    except TemplateFailed:
        assert "{" in source


@settings(max_examples=100, deadline=None)
@given(st.text())
def test_any_text_in_a_path_is_found_again_by_who_reads_it(value: str) -> None:
    try:
        path = Template("/{{ v }}", PATH).text({"v": value})
    except NoValue:
        assert not value.strip()
        return
    assert "/" not in path[1:]
    assert path.isascii()
