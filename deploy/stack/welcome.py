"""What `stitchline up` says when it is ready: where to send a first event, and where to look for it. Pure.

Its one JSON line on standard output is a contract with tools; this goes to standard error, beside it.
"""

from pathlib import Path

from deploy.queries import FOLDER
from deploy.stack.stack import Addresses

FIRST = '{"anonymousId": "device-1", "userId": "ann", "traits": {"email": "ann@shop.example"}}'


def welcome(addresses: Addresses, here: Path, database: str) -> list[str]:
    """`here` is the folder in which commands are typed; `database` holds the tables."""
    collector, key = addresses.collector, addresses.write_key
    stitchline = f"CLICKHOUSE_URL={addresses.clickhouse} .venv/bin/stitchline"
    folder = FOLDER.relative_to(here) if FOLDER.is_relative_to(here) else FOLDER
    clickhouse = f"{addresses.clickhouse}/?database={database}&default_format=PrettyCompact"
    pixel = f'<script async src="{collector}/pixel.js" data-write-key="{key}" onload="stitchline.page()"></script>'
    return [
        "",
        "Send a first event",
        f"  over HTTP         curl -u {key}: {collector}/v1/identify -d '{FIRST}'",
        f"  from a page       {pixel}",
        f"  with a library    any of Segment's or RudderStack's: host {collector}, write key {key}",
        "Look at it, a second later",
        f"  people            curl '{clickhouse}' --data-binary @{folder}/people.sql",
        f"  one person        curl -u {addresses.server_key}: {addresses.console}/v1/profiles/user_id:ann/journey",
        f"  the same in SQL   curl '{clickhouse}&param_person=ann' --data-binary @{folder}/journey.sql",
        f"  more              {stitchline} query    (lists the ready queries; query NAME asks one)",
        f"  a report          {stitchline} query engagement --unit day    (docs/reports.md: funnels, attribution, ...)",
        f"  what was refused  curl '{clickhouse}' --data-binary @{folder}/dead_letters.sql",
        f"Kafka listens on {addresses.kafka}: the topic events.resolved has every event, in Avro",
        f"Logs and data are in {addresses.data}",
        "",
        "ready; Ctrl-C stops",
    ]
