"""A deployment's own lists of what brings visitors."""

from pathlib import Path

import pytest

from runtime.environment.settings import ChannelSettings, SettingsError, load
from runtime.own_lists import own_lists
from schemas.events.channel_lists import NO_LISTS


def test_without_a_file_there_are_none():
    assert own_lists(ChannelSettings()) is NO_LISTS


def test_a_file_is_read(tmp_path: Path):
    file = tmp_path / "channels.yaml"
    file.write_text("own_domains: [brand.example]")
    settings = load(ChannelSettings, {"STITCHLINE_CHANNELS_FILE": str(file)})
    assert own_lists(settings).own_domains == ("brand.example",)


@pytest.mark.parametrize("text", ["own_domain: []", "own_domains: 7", "[]", "{", "\x00"])
def test_a_file_that_is_none_of_the_kind_stops_the_process(tmp_path: Path, text: str):
    file = tmp_path / "channels.yaml"
    file.write_text(text)
    with pytest.raises(SettingsError, match="STITCHLINE_CHANNELS_FILE"):
        own_lists(ChannelSettings(lists_file=str(file)))


def test_a_file_that_is_not_there_stops_the_process(tmp_path: Path):
    with pytest.raises(SettingsError, match="cannot be read: No such file"):
        own_lists(ChannelSettings(lists_file=str(tmp_path / "none.yaml")))
