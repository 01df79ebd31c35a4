"""What the references of secrets hold: `env:NAME` is a variable of the process's environment, `file:/PATH` a file on its machine.

A secret is read again when what is known of it is older than SECRETS_AGE_S_MAX, so that a file that was changed counts without
a restart. A reference that holds nothing is logged by its name; what it holds never is.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import structlog

log = structlog.get_logger()

SECRETS_AGE_S_MAX = 30.0
SECRET_BYTES_MAX = 4_096


class NoSecret(Exception):
    """A reference holds nothing; the text names it."""


class Secrets:
    """`now_s` is a clock that never goes back."""

    def __init__(self, environ: Mapping[str, str], now_s: Callable[[], float]) -> None:
        self._environ = environ
        self._now_s = now_s
        self._known: dict[str, tuple[float, bytes]] = {}

    def of(self, references: Sequence[str]) -> list[bytes]:
        """Those that hold something."""
        return [secret for reference in references if (secret := self._secret(reference))]

    def required(self, reference: str) -> bytes:
        """Raises NoSecret."""
        if secret := self._secret(reference):
            return secret
        raise NoSecret(f"the secret {reference} cannot be read, is empty or too long")

    def _secret(self, reference: str) -> bytes:
        now_s = self._now_s()
        read_at_s, secret = self._known.get(reference, (float("-inf"), b""))
        if now_s - read_at_s > SECRETS_AGE_S_MAX:
            secret = self._read(reference)
            self._known[reference] = now_s, secret
        return secret

    def _read(self, reference: str) -> bytes:
        kind, _, name = reference.partition(":")
        if kind == "env":
            found = self._environ.get(name, "").encode()
        else:
            try:
                with Path(name).open("rb") as file:
                    found = file.read(SECRET_BYTES_MAX + 1)
            except OSError as error:
                log.error("a secret cannot be read", reference=reference, error=type(error).__name__)
                return b""
        found = found.strip()
        if not found or len(found) > SECRET_BYTES_MAX:
            log.error("a secret is empty or too long", reference=reference)
            return b""
        return found
