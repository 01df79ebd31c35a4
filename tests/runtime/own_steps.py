"""Own steps as a deployment installs them: modules in a folder, with the metadata that names their entry points."""

import os
from pathlib import Path

# One step for all that can happen: the event's property `do` says what.
ODD = """
import os

kept = []

def odd(event):
    do = event["properties"].get("do")
    if do == "raise":
        raise ValueError("ann@shop.example")
    if do == "exit":
        os._exit(7)
    if do == "leave":
        raise SystemExit(3)
    if do == "loop":
        while True:
            pass
    if do == "grow":
        while True:
            kept.append(bytearray(8_000_000))
    if do == "drop":
        return {"drop": True}
    if do == "print":
        print("ann@shop.example")
    if do == "answer":
        return event["properties"]["with"]
    if do == "unwritable":
        return {"properties": {"x": object()}}
    if do == "change":
        return {"properties": {"price": 12.5, "seen": event["user_id"]}, "traits": {"plan": "gold"}, "context": {"shop": 1}}
    if do == "clock":
        return {"properties": {"channel": event["stamps"]["touch"]["channel"]}}
"""


def install(folder: Path, steps: dict[str, str], source: str) -> dict[str, str]:
    """`steps`: name of the entry point -> function of the module; the environment of a process that has them."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "shop_steps.py").write_text(source)
    metadata = folder / "shop_steps-1.0.dist-info"
    metadata.mkdir(exist_ok=True)
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: shop-steps\nVersion: 1.0\n")
    points = "".join(f"{name} = shop_steps:{function}\n" for name, function in steps.items())
    (metadata / "entry_points.txt").write_text(f"[stitchline.steps]\n{points}")
    return {**os.environ, "PYTHONPATH": str(folder)}
