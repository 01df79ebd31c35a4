"""An e-mail destination: a connection for each e-mail, with TLS and a login where the destination says so.

The address is asked and checked as those of HTTP (sender_connections.py), and the connection handed to the client. Deliberately
absent: connections that are kept, which many servers end after a few e-mails; MX lookups, since it is the destination's server
that delivers.
"""

import asyncio
import socket
import ssl
from typing import cast

import aiosmtplib
import msgspec
from aiosmtplib.errors import (
    SMTPAuthenticationError,
    SMTPConnectError,
    SMTPException,
    SMTPNotSupported,
    SMTPRecipientsRefused,
    SMTPResponseException,
    SMTPServerDisconnected,
)

from runtime.secrets import NoSecret
from schemas.actions.action_work import Due
from schemas.actions.destinations import SmtpDestination
from schemas.actions.requests import EmailRequest
from sinks.sending.sender_connections import connected, guarded_sockets, why
from sinks.sending.sender_email import BadEmail, Letter, letter_of
from sinks.sending.sender_http import HttpTools
from sinks.sending.sender_outcomes import Answer, final, of_smtp, passing, refused_of, shown

_decode = msgspec.json.Decoder(EmailRequest).decode


class SmtpChannel:
    """`tools`: those of HTTP."""

    def __init__(self, destination: SmtpDestination, tools: HttpTools) -> None:
        self._destination = destination
        self._tools = tools
        self._sockets = guarded_sockets(
            (lambda _: True) if destination.allow_private_addresses else tools.may_connect
        )

    async def send(self, due: Due, now_ms: int) -> Answer:
        try:
            letter = letter_of(_decode(due.request), self._destination.from_, due.id, now_ms)
            password = self._password()
        except NoSecret as error:
            return passing(f"not sent: {error}", "unknown")
        except (BadEmail, msgspec.DecodeError) as error:
            return final(f"not sent: {error}")
        try:
            async with asyncio.timeout(self._destination.timeout_s):
                return await self._handed_over(letter, password)
        except TimeoutError:
            return passing(f"no answer within {self._destination.timeout_s:g} s")
        except SMTPException as error:
            return _refusal(error)
        except OSError as error:
            return passing(f"no connection: {why(error)}")

    async def close(self) -> None:
        """Nothing is kept."""

    async def _handed_over(self, letter: Letter, password: str) -> Answer:
        there = self._destination
        made = await connected(self._tools.resolver, there.host, there.port, self._sockets)
        client = aiosmtplib.SMTP(
            hostname=there.host,
            sock=made,
            use_tls=there.security == "tls",
            start_tls=there.security == "starttls",
            tls_context=self._tools.tls,
            username=there.username or None,
            password=password if there.username else None,
            timeout=there.timeout_s,
        )
        try:
            await client.connect()
            options = ["SMTPUTF8", "BODY=8BITMIME"] if letter.needs_utf8 else []
            refused, text = await client.sendmail(
                letter.sender, letter.recipients, letter.content, mail_options=options
            )
        finally:
            if client.transport is not None:
                cast(
                    asyncio.WriteTransport, client.transport
                ).abort()  # a server that does not end TLS would keep it open for half a minute
            client.close()
            made.close()
        error = refused_of(refused, len(letter.recipients))
        return Answer(outcome="delivered", status=250, error=error, text=shown(text.encode()), health="well")

    def _password(self) -> str:
        """Raises NoSecret."""
        reference = self._destination.password
        return self._tools.secrets.required(reference).decode("utf-8", "replace") if reference else ""


def _refusal(error: SMTPException) -> Answer:
    match error:
        case SMTPRecipientsRefused():  # all of them: as long as one may be taken later, it is worth another attempt
            first = min(error.recipients, key=lambda each: each.code)
            return of_smtp(first.code, shown(first.message.encode()))
        case SMTPAuthenticationError():  # of the destination, not of this e-mail: a login can be mended within the day
            return passing("the mail server does not take the login")
        case SMTPResponseException() if error.code >= 400:
            return of_smtp(error.code, shown(error.message.encode()))
        case SMTPNotSupported():
            return final("the mail server cannot do what the destination or an address asks for")
        case SMTPServerDisconnected() | SMTPConnectError():
            return passing("the mail server closed the connection")
    if type(error) is SMTPException:  # what its client says when an extension is missing
        return passing("the mail server offers no TLS, or no login that we know")
    cause = error.__cause__
    if isinstance(cause, ssl.SSLError | socket.gaierror):
        return passing(f"no connection: {why(cause)}")
    return passing(f"the mail server cannot be understood: {type(error).__name__}")
