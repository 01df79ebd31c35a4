"""The code in docs/clients.md, as it is found there, and what it says to the collector."""

import re

import msgspec

from deploy.demo.javascript import CHECKOUT
from tests.clients.calls import Call

PAGE = CHECKOUT / "docs" / "clients.md"
ADDRESS, WRITE_KEY = "http://127.0.0.1:8080", '"dev"'  # what a reader replaces
SAID: Call = {"type": "track", "event": "Order Completed", "properties": {"order_id": "o-1", "total": 63.5}}

_SECTION = re.compile(r"^## (\S+)\n(.*?)(?=^## |\Z)", re.DOTALL | re.MULTILINE)
_CODE = re.compile(r"^```(?:python|js)\n(.*?)^```", re.DOTALL | re.MULTILINE)


class Snippet(msgspec.Struct, frozen=True):
    """`key` is the write key that it is run with."""

    package: str
    key: str
    code: str

    def at(self, address: str) -> str:
        assert ADDRESS in self.code
        assert WRITE_KEY in self.code
        return self.code.replace(ADDRESS, address).replace(WRITE_KEY, f'"{self.key}"')


def snippets() -> list[Snippet]:
    """In the order of the page."""
    sections = _SECTION.findall(PAGE.read_text())
    found = [(package, code) for package, text in sections for code in _CODE.findall(text)]
    return [Snippet(package, f"snippet-{place}", code) for place, (package, code) in enumerate(found)]
