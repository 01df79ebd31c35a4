"""A request as a test makes one."""

import urllib.error
import urllib.request
from collections.abc import Mapping


def posted(url: str, body: bytes, headers: Mapping[str, str]) -> int:
    """The answer's status."""
    request = urllib.request.Request(url, data=body, headers=dict(headers), method="POST")
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        error.close()
        return int(error.code)
