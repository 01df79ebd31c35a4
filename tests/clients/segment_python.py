"""Drives segment-analytics-python: deliveries as JSON on standard input, one line; what went wrong as JSON on standard output.

A process of its own, as each client here has one: its threads and connections end with it.
"""

import json
import sys
from datetime import datetime
from typing import Any

from segment.analytics.client import Client

FIELDS = {
    "anonymousId": "anonymous_id",
    "userId": "user_id",
    "groupId": "group_id",
    "previousId": "previous_id",
}


def arguments(call: dict[str, Any]) -> dict[str, Any]:
    found = {FIELDS.get(name, name): value for name, value in call.items() if name != "type"}
    if "timestamp" in found:
        found["timestamp"] = datetime.fromisoformat(found["timestamp"])
    return found


def main() -> None:
    errors: list[str] = []
    clients = []
    for delivery in json.loads(sys.stdin.readline()):
        client = Client(
            delivery["key"],
            host=delivery["url"],
            on_error=lambda error, _items: errors.append(str(error)),
            **delivery["options"],
        )
        for call in delivery["calls"]:
            getattr(client, call["type"])(**arguments(call))
        clients.append(client)
    for client in clients:
        client.shutdown()
    sys.stdout.write(json.dumps(errors) + "\n")


if __name__ == "__main__":
    main()
