"""Drives a Python library, segment-analytics-python or rudder-sdk-python: they have the same class `Client`, in the module that
the argument names. Deliveries as JSON on standard input, one line; what went wrong as JSON on standard output.

A process of its own, as each client here has one: its threads and connections end with it.
"""

import importlib
import json
import sys
from datetime import datetime
from typing import Any

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


def main(module: str) -> None:
    library = importlib.import_module(module)
    errors: list[str] = []
    clients = []
    for delivery in json.loads(sys.stdin.readline()):
        client = library.Client(
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
    main(sys.argv[1])
