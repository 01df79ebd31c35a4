"""What the collector answers about itself: health, readiness, metrics, and the Avro schemas as a registry serves them."""

from collections.abc import Callable

from collector.replies import Reply, json_reply, method_not_allowed, not_found
from collector.siblings import Exposition, SiblingSilent
from schemas.wire.registry import registry_reply

METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"
REGISTRY_TYPE = ("content-type", "application/vnd.schemaregistry.v1+json")


class Pages:
    """`missing` lists in words what the process waits for before it is ready."""

    def __init__(self, missing: Callable[[], list[str]], exposition: Exposition, topic_prefix: str) -> None:
        self._missing = missing
        self._exposition = exposition
        self._topic_prefix = topic_prefix
        self._own = {
            "/healthz": self._health,
            "/livez": self._health,  # the names that the other processes answer to, too
            "/ready": self._ready,
            "/readyz": self._ready,
        }

    @property
    def paths(self) -> list[str]:
        """Its own, beside the metrics and the registry's."""
        return list(self._own)

    async def reply(self, method: str, path: str) -> Reply:
        found = await self._metrics() if path == "/metrics" else self._page(path)
        if found is None:
            return not_found()
        return found if method in ("GET", "HEAD") else method_not_allowed("GET", "HEAD", "OPTIONS")

    def _page(self, path: str) -> Reply | None:
        if own := self._own.get(path):
            return own()
        answer = registry_reply(path, prefix=self._topic_prefix)
        if answer is None:
            return None
        status, document = answer
        return Reply(status, json_reply(status, document).body, (REGISTRY_TYPE,))

    def _health(self) -> Reply:
        return json_reply(200, {"ok": True})

    def _ready(self) -> Reply:
        missing = self._missing()
        return json_reply(503 if missing else 200, {"ready": not missing, "missing": missing})

    async def _metrics(self) -> Reply:
        try:
            return Reply(200, await self._exposition(), (("content-type", METRICS_TYPE),))
        except SiblingSilent as error:
            return json_reply(503, {"ready": False, "missing": [str(error)]})
