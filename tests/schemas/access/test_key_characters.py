"""Keys of sources get through wherever a key stands, or are refused before anybody sends one."""

import pytest

from schemas.configuration.configuration_file import parse_file


@pytest.mark.parametrize("key", ["shop-1", "a.b_c~d", "wk+/=", "two words", "x", "K" * 500])
def test_a_key_that_gets_through_everywhere_is_taken(key: str) -> None:
    assert parse_file({"sources": [{"id": "shop", "write_keys": [key], "secret_keys": [f"{key}-s"]}]})


@pytest.mark.parametrize("odd", [":", "<", ">", '"', "'", "&", "`", "\\", "é", "鍵", "\x7f"])
@pytest.mark.parametrize("place", ["write_keys", "secret_keys"])
def test_a_key_with_another_character_is_refused_without_naming_the_key(odd: str, place: str) -> None:
    source = {"id": "shop", "write_keys": ["fine"]} | {place: [f"hidden{odd}word"]}
    with pytest.raises(ValueError, match="a key of source shop has the character") as refused:
        parse_file({"sources": [source]})
    assert "hidden" not in str(refused.value)
