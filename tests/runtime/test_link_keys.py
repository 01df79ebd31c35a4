"""Keys of signed links, from files and variables; their secrets are in no error and in nothing that is printed."""

import os
from pathlib import Path

import pytest

from runtime.environment.settings import LinkSettings, SettingsError, load
from runtime.link_keys import link_keys

SECRET = "s" * 64


def keys_of(value: str, **environ: str) -> list[tuple[str, bytes]]:
    given = {"STITCHLINE_LINK_KEYS": value} | environ
    return [(key.id, key.secret) for key in link_keys(load(LinkSettings, given), given)]


def test_without_the_setting_there_are_no_keys() -> None:
    assert keys_of("") == []


def test_keys_come_from_files_and_variables_in_the_order_of_the_setting(tmp_path: Path) -> None:
    (tmp_path / "old").write_text(f"{SECRET}\n")
    found = keys_of(f"2026=env:LINK_KEY, 2025=file:{tmp_path / 'old'},", LINK_KEY="k" * 32)
    assert found == [("2026", b"k" * 32), ("2025", SECRET.encode())]


def test_a_secret_may_be_any_bytes(tmp_path: Path) -> None:
    secret = b"\xff\xfe" * 20
    (tmp_path / "key").write_bytes(secret)
    found = keys_of(f"a=env:BYTES,b=file:{tmp_path / 'key'}", BYTES=os.fsdecode(secret))
    assert found == [("a", secret), ("b", secret)]


WRONG = [
    ("a secret where its place should be named", f"2026={SECRET}", "entry 1 is neither"),
    ("no id", "env:LINK_KEY", "entry 1 is neither"),
    ("a variable that is not set", "a=env:NOWHERE", "key a: NOWHERE has 0 bytes, at least 32"),
    ("a secret that is too short", "a=env:SHORT", "key a: SHORT has 7 bytes, at least 32"),
    ("a file that is not there", "a=file:/nowhere/key", "key a: /nowhere/key cannot be read: No such file"),
    (
        "a home that nobody has",
        "a=file:~nobody-at-all/key",
        "~nobody-at-all/key cannot be read: no such home",
    ),
    ("an id given twice", "a=env:LONG,a=env:LONG", "an id is given twice"),
    ("too many", ",".join(f"k{n}=env:LONG" for n in range(9)), "9 keys, at most 8"),
]


@pytest.mark.parametrize(("sentence", "value", "told"), WRONG, ids=[line[0] for line in WRONG])
def test_a_setting_that_cannot_be_used_is_told_without_its_secrets(
    sentence: str, value: str, told: str
) -> None:
    with pytest.raises(SettingsError) as error:
        keys_of(value, SHORT="ssshort", LONG=SECRET)
    assert told in str(error.value)
    assert "sss" not in str(error.value)
