"""Which errors are the user's to mend: told in one plain sentence, exit code 2. Everything else is a bug and keeps its stack."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from deploy.visible import visible

MENDABLE = {
    "collector.webhooks.webhook_mapping": ("BadWebhook",),
    "console.identifiers": ("NotAnIdentifier",),
    "console.profiles": ("NoSuchProfile",),
    "console.wishes": ("BadWish",),
    "deploy.authority": ("NotAllowed",),
    "deploy.configuration": ("BadConfiguration",),
    "deploy.csv_file": ("NotText",),
    "deploy.dead.letters": ("NoSuchLetter",),
    "deploy.contacts": ("CannotChange",),
    "deploy.demo.libraries": ("NotAccepted",),
    "deploy.embedded.jars": ("FetchFailed",),
    "deploy.embedded.kafka": ("KafkaFailed",),
    "deploy.export": ("SeveralPeople",),
    "deploy.extract_sql": ("CannotExtract",),
    "deploy.extras": ("ExtraMissing",),
    "deploy.firings": ("NoSuchFiring",),
    "deploy.folder": ("FolderInUse", "FolderUnusable"),
    "deploy.ids": ("AmbiguousId", "NoSuchId", "NotAnId", "WrongHashKey"),
    "deploy.links": ("BadLink",),
    "deploy.lists": ("BadList",),
    "deploy.orders.forget": ("SharedDevice",),
    "deploy.orders.people": ("TooMany",),
    "deploy.orders.tables": ("NotDeleted",),
    "deploy.orders.unlink": ("NotLinked",),
    "deploy.ports": ("PortTaken",),
    "deploy.queries": ("UnknownQuery",),
    "deploy.rates": ("BadRates",),
    "deploy.install": ("BadInstall",),
    "deploy.rehearsals.rehearsal_events": ("TooMuch",),
    "deploy.rule_shown": ("BadSpan",),
    "deploy.schema_pages": ("NoSuchSchema",),
    "deploy.sources": ("NoSuchSource",),
    "deploy.supervisor": ("ChildFailed",),
    "console.refreshing.refresh_check": ("Moved",),
    "console.refreshing.refresh_log": ("Fenced",),
    "console.refreshing.refresh_worker": ("NotAlone",),
    "deploy.webhooks": ("BadTry",),
    "runtime.clickhouse": ("NoAnswer",),
    "runtime.kafka": ("KafkaUnavailable", "TopicMismatch"),
    "runtime.ports": ("PortTaken",),
    "runtime.streams.progress": ("NotAcknowledged",),
    "runtime.environment.settings": ("SettingsError",),
    "schemas.configuration.rule_reading": ("BadRule",),
    "schemas.segments.segment_tree": ("BadSegment",),
    "sinks.failure": ("SinkError",),
    "sinks.migrations": ("MigrationError",),
    "sinks.worker": ("UnknownSink",),
}


@contextmanager
def told_plainly(say: Callable[[str], None]) -> Iterator[None]:
    try:
        yield
    except _mendable() as error:
        say(visible(f"stitchline: {error}", kept="\n"))
        sys.exit(2)


def _mendable() -> tuple[type[Exception], ...]:
    """Called when something has failed, and of the modules that are loaded then: nobody raises what nobody has imported, and a
    server's installation has not all of them."""
    loaded = [(sys.modules[module], names) for module, names in MENDABLE.items() if module in sys.modules]
    return tuple(getattr(module, name) for module, names in loaded for name in names)
