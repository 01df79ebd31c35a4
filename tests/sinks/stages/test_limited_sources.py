"""Whose events are counted against a quota."""

from schemas.configuration.configuration_file import parse_file
from schemas.control import ControlState
from schemas.sources.webhooks import webhook_records
from sinks.stages.quotas import limited_in

QUOTA = {"events_per_month_max": 1_000}
WEBHOOK = {
    "signature": {"scheme": "bearer", "secrets": ["env:A"]},
    "events": [{"type": "track", "event": "E", "messageId": "=body.id"}],
}


def test_sources_and_webhooks_with_a_quota_are_counted_and_no_others() -> None:
    sources = [{"id": "shop", "write_keys": ["k"], "quota": QUOTA}, {"id": "free", "write_keys": ["f"]}]
    webhooks = [WEBHOOK | {"id": "pay", "workspace": "other", "quota": QUOTA}, WEBHOOK | {"id": "form"}]
    state = ControlState({**parse_file({"sources": sources}), **webhook_records(webhooks)})
    found = [(source.workspace, source.id, source.quota.events_per_month_max) for source in limited_in(state)]
    assert found == [("main", "shop", 1_000), ("other", "pay", 1_000)]
