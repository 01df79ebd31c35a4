"""Which errors are the user's to mend: told in one plain sentence, exit code 2. Everything else is a bug and keeps its stack."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def told_plainly(say: Callable[[str], None]) -> Iterator[None]:
    try:
        yield
    except _mendable() as error:
        say(f"stitchline: {error}")
        sys.exit(2)


def _mendable() -> tuple[type[Exception], ...]:
    """Looked up when something has failed, or on the way in: these modules are light."""
    from deploy.configuration import BadConfiguration
    from deploy.folder import FolderInUse
    from deploy.ports import PortTaken
    from deploy.profile import NoSuchProfile
    from deploy.supervisor import ChildFailed
    from runtime.kafka import KafkaUnavailable, TopicMismatch
    from runtime.settings import SettingsError

    return (
        BadConfiguration,
        ChildFailed,
        FolderInUse,
        KafkaUnavailable,
        NoSuchProfile,
        PortTaken,
        SettingsError,
        TopicMismatch,
    )
