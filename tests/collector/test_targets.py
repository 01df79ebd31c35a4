"""Where links may lead: the decision is about the address that a browser opens, whatever is written in the link."""

import json
import shutil
import subprocess
from collections.abc import Callable, Iterator

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from collector.rejection import Refusal
from collector.targets import LOOPBACK, TARGET_CHARACTERS_MAX, Target, target_of
from schemas.events.reasons import Reason

DOMAINS = ["shop.example", "*.shop.example", "xn--bcher-kva.example", "127.0.0.1"]

ALLOWED = {
    "https://shop.example": "https://shop.example/",
    "https://shop.example/": "https://shop.example/",
    "http://shop.example/a": "http://shop.example/a",
    "HTTPS://SHOP.example/A?b=1#c": "https://shop.example/A?b=1#c",
    "https://www.shop.example/?to=https://evil.example/": "https://www.shop.example/?to=https://evil.example/",
    "https://a.b.shop.example/": "https://a.b.shop.example/",
    "https://shop.example:443/": "https://shop.example/",
    "https://shop.example/Büro/ä?ö=ü": "https://shop.example/B%C3%BCro/%C3%A4?%C3%B6=%C3%BC",
    "https://shop.example/a/../b": "https://shop.example/b",
    "https://shop.example//evil.example/": "https://shop.example//evil.example/",
    "https://xn--bcher-kva.example/": "https://xn--bcher-kva.example/",
    "https://shop.example/@evil.example": "https://shop.example/@evil.example",
    "http://127.0.0.1:8080/x": "http://127.0.0.1:8080/x",
}
NO_ADDRESS = [
    *("", "/", "//evil.example", "///evil.example", "evil.example", "javascript:alert(1)", "data:text/html,x"),
    *("ftp://shop.example/", "file:///etc/passwd", "https:shop.example", "https:/shop.example", "https:///shop.example"),
    *("https://", "https:///", "https://?x", "https://#x", "https://:443/", "blob:https://shop.example/x"),
    *("https://user@shop.example/", "https://shop.example@evil.example/", "https://shop.example:x@evil.example/"),
    *("https://evil.example\\@shop.example/", "https://shop.example\\.evil.example/", "https:\\\\evil.example/"),
    *("https://shop.example/\\evil", " https://shop.example/", "https://shop.example/ x", "https://shop.example/\r\nx: x"),
    *("https://shop.example/\t", "\x00https://shop.example/", "https://shop.example/\x7f", "ht\ntps://shop.example/"),
    *("https://shop.example./", "https://shop%2eexample/", "https://%73hop.example/", "https://shop.example%2f.evil.example/"),
    *("https://\uff53hop.example/", "https://shop。example/", "https://bücher.example/", "https://sho\u00adp.example/"),
    *("https://[::1]/", "https://[::ffff:127.0.0.1]/", "https://0x7f.1/", "https://2130706433/", "https://127.1/"),
    *("https://shop..example/", "https://-shop.example/", "https://shop_.example/", "https://xn--a/"),
]  # fmt: skip
NOT_ALLOWED = [
    *(
        "https://evil.example/",
        "https://shop.example.evil.example/",
        "https://evilshop.example/",
        "https://example/",
    ),
    *(
        "https://xn--80ak6aa92e.shop.example/",
        "https://www.xn--bcher-kva.example/",
        "http://127.0.0.2/",
        "http://localhost/",
    ),
    *("https://shop.example:8443/", "http://shop.example:443/", "https://evil.example:443/"),
]


@pytest.mark.parametrize("address", ALLOWED)
def test_an_allowed_address_is_given_back_as_browsers_write_it(address: str) -> None:
    found = target_of(address, DOMAINS)
    assert isinstance(found, Target)
    assert found.address == ALLOWED[address]


@pytest.mark.parametrize("address", NO_ADDRESS)
def test_what_no_honest_link_has_is_refused(address: str) -> None:
    found = target_of(address, [*DOMAINS, "*"])
    assert isinstance(found, Refusal)
    assert found.reason is Reason.NO_TARGET


@pytest.mark.parametrize("address", NOT_ALLOWED)
def test_other_hosts_are_not_allowed_and_named(address: str) -> None:
    found = target_of(address, DOMAINS)
    assert isinstance(found, Refusal)
    assert found.reason is Reason.TARGET_NOT_ALLOWED
    assert "redirect_domains" in found.detail


def test_without_domains_nothing_is_allowed() -> None:
    assert isinstance(target_of("https://shop.example/", []), Refusal)


def test_a_very_long_address_is_refused() -> None:
    address = "https://shop.example/" + "a" * TARGET_CHARACTERS_MAX
    assert isinstance(target_of(address, DOMAINS), Refusal)


@pytest.mark.parametrize(
    ("address", "raw", "joined"),
    [
        ("https://shop.example/a", ["x=1", "y=%C3%A4"], "https://shop.example/a?x=1&y=%C3%A4"),
        ("https://shop.example/a?b=1#c", ["x=1"], "https://shop.example/a?b=1&x=1#c"),
        ("https://shop.example/a?b=1&", ["x=1"], "https://shop.example/a?b=1&x=1"),
        ("https://shop.example/a?", ["x=1"], "https://shop.example/a?x=1"),
        ("https://shop.example/#top", ["x=ä b"], "https://shop.example/?x=%C3%A4%20b#top"),
        ("https://shop.example/", [], "https://shop.example/"),
    ],
)
def test_parameters_are_put_before_the_fragment(address: str, raw: list[str], joined: str) -> None:
    found = target_of(address, DOMAINS)
    assert isinstance(found, Target)
    assert found.with_parameters(raw) == joined


PIECES = st.sampled_from(
    [
        *("https:", "http:", "HTTPS:", "javascript:", "//", "/", "\\", "\\\\", "@", ":", "?", "#", "%", ".", ".."),
        *("%2e", "%2f", "%40", "shop.example", "SHOP.EXAMPLE", "evil.example", "www.", "evil", "xn--"),
        *( "ä", "\u3002", "\uff53", "\u00ad", "\u200b", "\t", "\n", "\r"),
        *("127.0.0.1", "0x7f.1", "[::1]", "443", "80", "8080", "user", "a", " ", "\x00", "&", "=", ";", "|", "<", '"', "\ud800"),
    ]
)  # fmt: skip
ADDRESSES = st.builds(
    lambda start, rest: start + "".join(rest),
    st.sampled_from(["https://", "http://", "https://shop.example", "https://www.shop.example", ""]),
    st.lists(PIECES, max_size=8),
) | st.text(max_size=40).map("https://".__add__)

# Of each line, a list of addresses, what Node's URL, which is WHATWG's, reads in them.
JUDGE = """\
const read = (text) => { try { const { protocol, username, password, hostname, port, href } = new URL(text);
  return { protocol, username, password, hostname, port, href }; } catch { return null; } };
require("node:readline").createInterface({ input: process.stdin })
  .on("line", (line) => console.log(JSON.stringify(JSON.parse(line).map(read))));
"""
Judge = Callable[[list[str]], list[dict[str, str]]]


@pytest.fixture(scope="module")
def judge() -> Iterator[Judge]:
    node = shutil.which("node")
    assert node
    with subprocess.Popen(
        [node, "-e", JUDGE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin
        assert process.stdout
        ask, answers = process.stdin, process.stdout

        def judged(addresses: list[str]) -> list[dict[str, str]]:
            ask.write(f"{json.dumps(addresses)}\n")
            ask.flush()
            found: list[dict[str, str]] = json.loads(answers.readline())
            return found

        yield judged
        ask.close()


@settings(max_examples=300, deadline=None)
@given(address=ADDRESSES, raw=st.lists(st.text(st.characters(codec="utf-8"), max_size=8), max_size=2))
@example(address="https://shop.example/", raw=["x=1"])
@example(address="https://shop.example", raw=["\\"])
@example(address="https://www.shop.example/a?b#c", raw=["\r\nx", "#", "@"])
def test_a_browser_opens_what_was_allowed_and_nothing_else(
    judge: Judge, address: str, raw: list[str]
) -> None:
    found = target_of(address, DOMAINS)
    if not isinstance(found, Target):
        return
    with_more = found.with_parameters(raw)
    given_one, ours, joined = judge([address, found.address, with_more])
    for read in (given_one, ours, joined):
        assert read["protocol"] in ("https:", "http:")
        assert (read["username"], read["password"]) == ("", "")
        host = read["hostname"]
        assert host in DOMAINS or host.endswith(".shop.example")
        assert not read["port"] or host in LOOPBACK
    assert given_one["href"] == ours["href"] == found.address
    assert joined["href"] == with_more
    assert (found.address + with_more).isascii()
    for address in (found.address, with_more):
        assert not set(address) & set("\r\n\t \x00")
        assert "\\" not in address.partition("?")[0].partition("#")[0]  # behind these it parts nothing
