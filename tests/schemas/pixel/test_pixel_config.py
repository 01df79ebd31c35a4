"""The line in front of the pixel: what it says, and that no value can get out of it."""

import json
import subprocess
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from deploy.demo.javascript import node
from schemas.pixel.pixel_config import parts_config, parts_prelude, pixel_config, prelude
from schemas.sources.sources import ConsentRules, Paths, PixelSettings, Privacy, Source

START, END = b"(window.stitchline=window.stitchline||{}).config=", b";\n"
SECOND = b"export default"
TEXT = st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=20)
SPITEFUL = [
    "</script>",
    "<!--",
    "-->",
    "]]>",
    "\u2028\u2029",
    '"};alert(1);({"',
    "\\",
    "`${alert(1)}`",
    "*/",
    "//",
    "__proto__",
    "constructor",
    "\x00\r\n",
    "😀",
]
WORDS = TEXT | st.sampled_from(SPITEFUL) | st.tuples(st.sampled_from(SPITEFUL), TEXT).map("".join)
VALUES = st.recursive(
    WORDS | st.booleans() | st.integers(-(2**53), 2**53) | st.none(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=8,
)
CONFIGS = st.dictionaries(WORDS, VALUES, max_size=4)


def source(**more: Any) -> Source:
    return Source(id="shop", write_key_hashes=["secret-hash"], secret_key_hashes=["other-hash"], **more)


def test_what_is_default_is_left_out() -> None:
    assert pixel_config(source(), "k") == {"key": "k", "gpc": "cookieless"}
    assert pixel_config(source(privacy=Privacy(gpc="ignore"))) == {"gpc": "ignore"}


def test_what_a_source_sets_is_said() -> None:
    shop = source(
        paths=Paths(script="/s.js", calls="/c", redirect="/go"),
        pixel=PixelSettings(pages=True, domains=["shop.example"], emails="sha256"),
        privacy=Privacy(gpc="drop", dnt="cookieless", cookieless=True),
        consent=ConsentRules(categories=["analytics", "marketing"], needed="analytics"),
    )
    assert parts_config(shop, ()) == {"emails": "sha256", "domains": ["shop.example"]}
    assert pixel_config(shop, "k", "v1") == {
        "key": "k",
        "paths": {"batch": "/c/batch", "visitor": "/c/visitor", "parts": "/c/parts/"},
        "parts": "v1",
        "pages": True,
        "domains": ["shop.example"],
        "gpc": "drop",
        "dnt": "cookieless",
        "cookieless": True,
        "consent": {
            "categories": ["analytics", "marketing"],
            "needed": "analytics",
            "before": "wait",
            "denied": "drop",
        },
    }


def test_nothing_of_a_source_that_is_not_meant_for_pages_is_said() -> None:
    told = prelude(
        pixel_config(
            source(
                allowed_origins=["https://intern.example"],
                redirect_domains=["partner.example"],
                events_per_s_max=7.25,
            )
        )
    )
    assert not [word for word in (b"hash", b"intern", b"partner", b"7.25") if word in told]


@settings(max_examples=300, deadline=None)
@given(CONFIGS)
@example({"</script>": "\u2028", "__proto__": {"x": 1}})
def test_no_value_gets_out_of_the_line(config: dict[str, Any]) -> None:
    line = prelude(config)
    assert line.startswith(START)
    assert line.endswith(END)
    text = line.decode("ascii")
    assert text.count("\n") == 1
    assert not [character for character in "<>&'`\r\u2028\u2029" if character in text]
    literal = text[len(START) : -len(END)].replace('["__proto__"]:', '"__proto__":')
    assert json.loads(literal) == config


def test_the_second_script_s_line_says_the_same_in_a_module_s_words() -> None:
    config = {"</script>": "\u2028", "__proto__": {"x": 1}}
    assert parts_prelude(config).removeprefix(SECOND) == prelude(config).removeprefix(START)


def test_what_json_has_no_word_for_is_null() -> None:
    assert prelude({"events": [float("inf"), float("nan")]}) == START + b'{"events":[null,null]}' + END


def test_a_browser_s_engine_reads_what_was_written() -> None:
    configs: list[dict[str, Any]] = [
        {name: [value, {value: {"__proto__": name}}]} for name in SPITEFUL for value in SPITEFUL
    ]
    program = (
        "const vm=require('vm');const out=[];"
        "for(const line of JSON.parse(require('fs').readFileSync(0,'utf8'))){"
        "const window={};vm.runInNewContext(line,{window});"
        "if(Object.keys(window).join()!=='stitchline'||Object.keys(window.stitchline).join()!=='config')throw line;"
        "out.push(window.stitchline.config)}"
        "process.stdout.write(JSON.stringify(out))"
    )
    lines = json.dumps([prelude(config).decode() for config in configs])
    done = subprocess.run([node(), "-e", program], input=lines, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == configs


@pytest.mark.parametrize("config", [{"__proto__": {"polluted": 1}}, {"a": {"__proto__": "x"}}])
def test_no_name_sets_a_prototype(config: dict[str, Any]) -> None:
    assert b'"__proto__":' not in prelude(config)
    assert b'["__proto__"]:' in prelude(config)
