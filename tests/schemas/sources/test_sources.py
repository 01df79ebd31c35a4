"""Sources as a file names them and as the topic keeps them."""

from datetime import date

import msgspec
import pytest

from schemas.configuration.configuration_file import parse_file
from schemas.control import ControlState
from schemas.sources.sources import Source, hash_write_key


def stored(**given: object) -> Source:
    records = parse_file({"sources": [{"id": "shop", "write_keys": ["k1"], **given}]})
    source = ControlState(dict(records)).source("shop")
    assert source
    return source


def test_a_key_counts_to_the_end_of_its_last_day() -> None:
    source = stored(write_keys=["k1", {"key": "k0", "until": date(2026, 12, 31)}], secret_keys=["s1"])
    assert source.write_key_hashes == [hash_write_key("k1"), hash_write_key("k0")]
    assert source.secret_key_hashes == [hash_write_key("s1")]
    assert source.key_ends == {hash_write_key("k0"): 1_798_761_600_000}  # 2027-01-01T00:00:00Z


def test_a_source_is_found_by_its_secret_key_too() -> None:
    state = ControlState(
        dict(parse_file({"sources": [{"id": "shop", "write_keys": ["k1"], "secret_keys": ["s1"]}]}))
    )
    assert state.source_of("s1") == state.source_of("k1")


def test_one_text_is_not_both_kinds_of_key() -> None:
    with pytest.raises(ValueError, match="given twice, in shop"):
        parse_file({"sources": [{"id": "shop", "write_keys": ["k1"], "secret_keys": ["k1"]}]})


def test_what_a_file_leaves_out_is_what_was_before() -> None:
    source = stored()
    assert source == msgspec.convert({"id": "shop", "write_key_hashes": [hash_write_key("k1")]}, Source)
    assert (source.consent, source.privacy.gpc, source.pixel.pages) == (None, "cookieless", False)


@pytest.mark.parametrize(
    ("wrong", "place"),
    [
        ({"paths": {"script": "shop.js"}}, r"\$\.sources\[0\]\.paths\.script"),
        ({"paths": {"calls": "/a/"}}, r"paths\.calls"),
        ({"redirect_domains": ["https://shop.example"]}, r"redirect_domains\[0\]"),
        ({"quota": {"events_per_day_max": 0}}, r"quota\.events_per_day_max"),
        (
            {"consent": {"categories": ["analytics"], "needed": "marketing"}},
            "'marketing' is none of the categories analytics",
        ),
        ({"privacy": {"gpc": "perhaps"}}, r"privacy\.gpc"),
        ({"privacy": {"dns": "drop"}}, "unknown field `dns`"),
        ({"write_keys": [{"key": "k1"}]}, "missing required field `until`"),
        ({"write_keys": [{"key": "k1", "until": date.max}]}, r"has no end.*write_keys\[0\]"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(wrong: dict[str, object], place: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=place):
        stored(**wrong)
