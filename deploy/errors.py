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
    "deploy.applying.authority": ("NotAllowed",),
    "deploy.applying.configuration": ("BadConfiguration",),
    "deploy.files.csv_file": ("NotText",),
    "deploy.dead.letters": ("NoSuchLetter",),
    "deploy.people.contacts": ("CannotChange",),
    "deploy.demo.libraries": ("NotAccepted",),
    "deploy.embedded.jars": ("FetchFailed",),
    "deploy.embedded.kafka": ("KafkaFailed",),
    "deploy.people.export": ("SeveralPeople",),
    "deploy.files.extract_sql": ("CannotExtract",),
    "deploy.stack.extras": ("ExtraMissing",),
    "deploy.rules.firings": ("NoSuchFiring",),
    "deploy.stack.folder": ("FolderInUse", "FolderUnusable"),
    "deploy.identifiers.ids": ("AmbiguousId", "NoSuchId", "NotAnId", "WrongHashKey"),
    "deploy.sources.links": ("BadLink",),
    "deploy.people.lists": ("BadList",),
    "deploy.orders.forget": ("SharedDevice",),
    "deploy.orders.people": ("TooMany",),
    "deploy.orders.tables": ("NotDeleted",),
    "deploy.orders.unlink": ("NotLinked",),
    "deploy.ports": ("PortTaken",),
    "deploy.queries": ("UnknownQuery",),
    "deploy.files.rates": ("BadRates",),
    "deploy.sources.install": ("BadInstall",),
    "deploy.rehearsals.rehearsal_events": ("TooMuch",),
    "deploy.rules.rule_shown": ("BadSpan",),
    "deploy.pages.schema_pages": ("NoSuchSchema",),
    "deploy.sources.sources": ("NoSuchSource",),
    "deploy.stack.supervisor": ("ChildFailed",),
    "console.refreshing.refresh_check": ("Moved",),
    "console.refreshing.refresh_log": ("Fenced",),
    "console.refreshing.refresh_worker": ("NotAlone",),
    "deploy.sources.webhooks": ("BadTry",),
    "runtime.clickhouse": ("NoAnswer",),
    "runtime.kafka": ("KafkaUnavailable", "TopicMismatch"),
    "runtime.ports": ("PortTaken",),
    "runtime.streams.progress": ("NotAcknowledged",),
    "runtime.environment.settings": ("SettingsError",),
    "schemas.configuration.rule_reading": ("BadRule",),
    "schemas.segments.segment_tree": ("BadSegment",),
    "sinks.storing.failure": ("SinkError",),
    "sinks.migrating.migrations": ("MigrationError",),
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
