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
    """Imported when something has failed, not before."""
    from collector.workers import PortTaken as CollectorPortTaken
    from deploy.configuration import BadConfiguration
    from deploy.demo.send import NotAccepted
    from deploy.embedded.jars import FetchFailed
    from deploy.embedded.kafka import KafkaFailed
    from deploy.folder import FolderInUse, FolderUnusable
    from deploy.ports import PortTaken
    from deploy.profile import NoAnswer, NoSuchProfile
    from deploy.supervisor import ChildFailed
    from runtime.kafka import KafkaUnavailable, TopicMismatch
    from runtime.settings import SettingsError
    from sinks.failure import SinkError
    from sinks.migrations import MigrationError
    from sinks.worker import UnknownSink

    return (
        BadConfiguration,
        ChildFailed,
        CollectorPortTaken,
        FetchFailed,
        FolderInUse,
        FolderUnusable,
        KafkaFailed,
        KafkaUnavailable,
        MigrationError,
        NoAnswer,
        NoSuchProfile,
        NotAccepted,
        PortTaken,
        SettingsError,
        SinkError,
        TopicMismatch,
        UnknownSink,
    )
