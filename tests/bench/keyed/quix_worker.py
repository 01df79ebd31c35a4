"""The keyed-state task in Quix Streams, as its documentation builds one. Run by quix.py in an environment of its own:

    python quix_worker.py BOOTSTRAP GROUP IN OUT STATE_DIR GUARANTEE single|array

It must import nothing of ours. Settings that are not about the task are Quix Streams' own defaults. Ends with SIGTERM.
"""

import sys
from typing import Any

from quixstreams import Application


def count(event: dict[str, Any], state: Any) -> dict[str, Any]:
    found = state.get(event["userId"], (0, 0))
    number, total = found[0] + 1, found[1] + event["amount"]
    state.set(event["userId"], (number, total))
    return {"messageId": event["messageId"], "userId": event["userId"], "count": number, "total": total}


def count_all(events: list[dict[str, Any]], state: Any) -> list[dict[str, Any]]:
    return [count(event, state) for event in events]


def main() -> None:
    bootstrap, group, source, sink, state_dir, guarantee, shape = sys.argv[1:]
    app = Application(
        broker_address=bootstrap,
        consumer_group=group,
        auto_offset_reset="earliest",
        state_dir=state_dir,
        processing_guarantee=guarantee,
    )
    stream = app.dataframe(app.topic(source, value_deserializer="json"))
    many = shape == "array"
    stream = stream.apply(count_all if many else count, stateful=True, expand=many)
    stream.to_topic(app.topic(sink, value_serializer="json"), key=lambda answer: answer["userId"])
    app.run()


if __name__ == "__main__":
    main()
