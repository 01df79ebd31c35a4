"""The example of docs/user_steps.md, as it stands there."""

import json
import re
from pathlib import Path
from typing import Any

from runtime.environment.settings import UserStepSettings
from runtime.user_steps import UserSteps
from schemas.events.reasons import Reason
from schemas.events.user_steps import DROPPED, UNCHANGED
from tests.runtime.own_steps import install

PAGE = Path(__file__).parent.parent.parent / "docs" / "user_steps.md"


def document(name: str, ip: str = "", **properties: Any) -> bytes:
    return json.dumps({"event": name, "context": {"ip": ip}, "properties": properties, "traits": {}}).encode()


def test_the_example_does_what_the_page_says(tmp_path: Path):
    text = PAGE.read_text()
    (source,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    (name, function) = re.findall(r'^(\w+) = "shop_steps:(\w+)"$', text, re.MULTILINE)[0]
    steps = UserSteps(UserStepSettings(ms_max=30_000), install(tmp_path / "steps", {name: function}, source))
    inside, other, order, wrong = steps(
        [
            document("Page Left", "10.1.1.1"),
            document("Page Left", "203.0.113.7"),
            document("Order Completed", revenue=20, cost=12.5),
            document("Order Completed", revenue=20),
        ]
    )
    steps.close()
    assert (inside, other) == (DROPPED, UNCHANGED)
    assert json.loads(order.changes["properties"])["margin"] == 7.5
    assert (wrong.reason, wrong.detail) == (Reason.USER_STEP_FAILED, "step margin: KeyError")
