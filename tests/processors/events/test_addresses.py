"""Addresses without identity parameters: what goes, and that every other character stays."""

import json
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from processors.events.addresses import IDENTITY_PARAMETERS, may_name_people, without_identity

PAGE = "https://shop.example/a"

STRIPPED = [
    ("the only parameter, with its mark", "?email=ann@x.io", ""),
    ("before others", "?email=ann%40x.io&x=1", "?x=1"),
    ("behind others", "?x=1&email=ann@x.io", "?x=1"),
    ("between others", "?x=1&contact_id=7&y=2", "?x=1&y=2"),
    ("several in a row", "?x=1&email=a&em=b&eh=c&_c=d&ecid=e&y=2", "?x=1&y=2"),
    ("what brings a visitor from another domain", "?x=1&_sl=t3a.6f1c&y=2", "?x=1&y=2"),
    ("one that is there twice", "?em=a&x=1&em=b", "?x=1"),
    ("before a fragment", "?email=a@x.io#top", "#top"),
    ("in a fragment", "#email=a@x.io&x=1", "#x=1"),
    ("in a fragment that has a query", "?x=1#/way?email=a@x.io&y=2", "?x=1#/way?y=2"),
    ("with a part of its name encoded", "?%65mail=a@x.io&%5Fc=b&x=1", "?x=1"),
    ("in any case", "?EMail=a@x.io&x=1", "?x=1"),
    ("without a value", "?email=&x=1", "?x=1"),
    ("behind an ampersand that HTML escaped", "?x=1&amp;email=a@x.io&y=2", "?x=1&amp&y=2"),
    (
        "of an address in a parameter",
        "?next=https%3A%2F%2Fs%2F%3Femail%3Da%2540x.io%26x%3D1&y=2",
        "?next=https%3A%2F%2Fs%2F%3Fx%3D1&y=2",
    ),
    (
        "of an address that is encoded twice",
        "?next=%252Fa%253Femail%253Da%252540x.io%2526b%253D1&y=2",
        "?next=%252Fa%253Fb%253D1&y=2",
    ),
    ("of an address of which only the mark is encoded", "?next=/a%3Femail=a@x.io&y=2", "?next=/a&y=2"),
    ("of an address that is not encoded", "?next=https://s/?email=a@x.io&y=2", "?next=https://s/?y=2"),
]

KEPT = [
    "",
    "?",
    "?x=1&y=2",
    "?utm_c=1&item=2&sitem=3&the_email=4&email2=5",
    "?email",
    "?x=email&y=em%3D1",
    "?a=b%26c%3Dd",
    "/email=7",
    "?user[email]=7",
    "?ema\u0131l=7&%6Em=8",
]


def test_a_parameter_whose_name_only_ends_like_one_costs_no_second_look() -> None:
    assert not may_name_people(
        text_of(f"{PAGE}?item=2&utm_c=1&system=3&x-eh=4&next=%2Fa%3Fitem%3D2").encode()
    )


def text_of(address: str) -> str:
    return json.dumps({"context": {"page": {"url": address}}})


@pytest.mark.parametrize(("sentence", "given_", "left"), STRIPPED, ids=[line[0] for line in STRIPPED])
def test_identity_parameters_go(sentence: str, given_: str, left: str) -> None:
    assert may_name_people(text_of(PAGE + given_).encode())
    assert without_identity(text_of(PAGE + given_)) == text_of(PAGE + left)


@pytest.mark.parametrize("query", KEPT)
def test_other_parameters_stay(query: str) -> None:
    assert without_identity(text_of(PAGE + query)) == text_of(PAGE + query)


NAMES = [
    "url",
    "search",
    "referrer",
    "path",
    "href",
    "tab_url",
    "initial_referrer",
    "pageUrl",
    "$current_url",
]


@pytest.mark.parametrize("name", [*NAMES, "page_location", "deep_link", "search_query"])
def test_a_member_is_an_address_by_the_end_of_its_name_wherever_it_stands(name: str) -> None:
    document = {"properties": {"list": [{name: "?em=a&x=1"}]}, name: "?em=a"}
    left = {"properties": {"list": [{name: "?x=1"}]}, name: ""}
    assert json.loads(without_identity(json.dumps(document))) == left


@pytest.mark.parametrize("name", ["title", "email", "urls", "comment", "name", "traits"])
def test_other_members_stay(name: str) -> None:
    document = json.dumps({name: "see https://x.io/?email=a@x.io", "list": ["?email=a@x.io"]})
    assert without_identity(document) == document


ESCAPED = [
    (r'{"url":"https:\/\/x\/?a\u003d1\u0026em\u003da@x.io\u0026b=2"}', r'{"url":"https:\/\/x\/?a\u003d1\u0026b=2"}'),
    (r'{"url" : "?em=\ud83d\ude00\"\\&x=\t1"}', r'{"url" : "?x=\t1"}'),
    (r'{"\u0075rl":"?em=a"}', r'{"\u0075rl":""}'),
    (r'{"say \"my url":"?em=a"}', r'{"say \"my url":""}'),
    (r'{"a":"\"url\":\"?em=a\"","url":"?em=a\\"}', r'{"a":"\"url\":\"?em=a\"","url":""}'),
    (r'{"a":["url","?em=a"],"url":["?em=a"]}', r'{"a":["url","?em=a"],"url":["?em=a"]}'),
    (r'{"a":["x",":"],"url":"?em=a"}', r'{"a":["x",":"],"url":""}'),
    (r'{"a":{"b":"x"},"c":["y"," : "],"url":"?em=a"}', r'{"a":{"b":"x"},"c":["y"," : "],"url":""}'),
]  # fmt: skip


@pytest.mark.parametrize(("given_", "left"), ESCAPED)
def test_characters_that_json_escapes_are_read_and_the_others_keep_their_escapes(given_, left):
    assert may_name_people(given_.encode())
    assert without_identity(given_) == left


words = st.text("abcXYZ019@.+-_/:, äß😀", max_size=12)
others = st.sampled_from(["utm_source", "item", "q", "emails", "x_c", "id"])
own = st.tuples(st.sampled_from(IDENTITY_PARAMETERS), words, st.just(False))
foreign = st.tuples(others, words, st.just(True))


@st.composite
def addresses(draw: st.DrawFn, depth: int = 2) -> tuple[str, str]:
    """An address, and what must be left of it."""
    parameters = [
        (f"{name}={value}", stays) for name, value, stays in draw(st.lists(own | foreign, max_size=5))
    ]
    whole = [text for text, _ in parameters]
    left = [text for text, stays in parameters if stays]
    if depth and draw(st.booleans()):
        inner, inner_left = draw(addresses(depth - 1))
        whole.append(f"next={quote(inner, safe='')}")
        left.append(f"next={quote(inner_left, safe='')}")
    base, fragment = draw(st.sampled_from(["", "/", PAGE])), draw(st.sampled_from(["", "#top"]))
    return tuple(  # type: ignore[return-value]
        base + ("?" + "&".join(found) if found else "") + fragment for found in (whole, left)
    )


ESCAPES = [
    lambda text: text,
    lambda text: text.replace("/", r"\/"),
    lambda text: text.replace("&", r"\u0026").replace("=", r"\u003D"),
]
json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text()
    | words
    | st.sampled_from([":", " : ", ':"', "url"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=6,
)


@given(
    st.lists(st.tuples(st.sampled_from(NAMES), addresses()), max_size=3),
    json_values,
    st.booleans(),
    st.data(),
)
@settings(max_examples=150, deadline=None)
def test_of_any_event_exactly_the_identity_parameters_go(members, other, ascii_only, data):
    """Byte by byte: the expected text is put together from the same pieces."""
    escape = data.draw(st.sampled_from(ESCAPES))
    frame = json.dumps({"before": other, "context": "HERE", "after": other}, ensure_ascii=ascii_only)
    texts = []
    for side in (0, 1):
        inside = ", ".join(
            f'"{name}" :\n"{escape(json.dumps(pair[side], ensure_ascii=ascii_only)[1:-1])}"'
            for name, pair in members
        )
        texts.append(frame.replace('"HERE"', f"{{{inside}}}", 1))
    whole, left = texts
    assert without_identity(whole) == left
    assert may_name_people(whole.encode()) or whole == left


pieces = st.sampled_from(
    ['"', "\\", "url", '"url":"', "?", "&", "=", "#", "%", "25", "3f", "26", "3D", "email", "_c", "em=", ";", "\\u0026"]
)  # fmt: skip


@given(st.lists(pieces | st.text(max_size=5), max_size=30).map("".join))
@settings(max_examples=300, deadline=None)
def test_any_text_loses_characters_at_most(text):
    left = iter(text)
    assert all(character in left for character in without_identity(text)), "a subsequence"


@given(st.lists(pieces | st.text(max_size=5), max_size=30).map("".join), json_values)
@settings(max_examples=150, deadline=None)
def test_what_was_json_is_json_and_other_members_are_what_they_were(address, other):
    document = json.loads(without_identity(json.dumps({"url": address, "other": {"x": other}})))
    assert document["other"] == {"x": other}
    assert set(document) == {"url", "other"}


@pytest.mark.parametrize(
    "piece", ["?email=a", "&em=a&q=1", "%3Femail%3D", "%", "?", "\\\\", '"', '"url":"', '":"', "a", " "]
)
def test_an_address_without_end_is_read_in_one_go(piece: str) -> None:
    """Work that grew with the square of the text would not end within a test's time."""
    text = piece * (200_000 // len(piece))
    document = json.dumps({"list": [text], "url": text, text: 1})
    assert len(without_identity(document)) <= len(document)
