"""A deployment's own lists of what brings visitors, from the file that STITCHLINE_CHANNELS_FILE names.

Deliberately absent: following a file that changes; a process reads it once, at its start.
"""

from pathlib import Path

import msgspec

from runtime.environment.settings import ChannelSettings, SettingsError
from schemas.events.channel_lists import NO_LISTS, ChannelLists, read_lists


def own_lists(settings: ChannelSettings) -> ChannelLists:
    """Raises SettingsError."""
    if not settings.lists_file:
        return NO_LISTS
    try:
        return read_lists(Path(settings.lists_file).expanduser().read_bytes())
    except OSError as error:
        raise _error(f"{settings.lists_file} cannot be read: {error.strerror}") from None
    except (msgspec.DecodeError, RuntimeError) as error:  # the latter is what expanduser says of ~somebody
        raise _error(f"{settings.lists_file}: {error}") from None


def _error(text: str) -> SettingsError:
    return SettingsError(f"STITCHLINE_CHANNELS_FILE: {text}")
