"""What a rule's action says, compiled once and filled in for a firing: the request that is sent, or what is done right here.

A firing's templates see `event`, `profile`, `rule`, `firing` and `now` (docs/templates.md). Texts anywhere in a JSON body are
templates, and JSON is made of values, never of pasted text. What is not as a request must be (an address without a
value, a path out of its place) raises, and the firing is refused.

Deliberately absent: secrets and hosts, which are the destination's.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final
from urllib.parse import urlencode as urlencoded

import msgspec
from liquid import Environment
from msgspec import UNSET

from processors.actions.request_parts import (
    Body,
    addresses,
    body,
    filled,
    one_line,
    own_headers,
    request_path,
)
from processors.actions.template_engine import ADDRESS, HTML, PATH, TEXT, Scope, Template, TemplateFailed
from processors.actions.template_filters import Scope as CountedScope
from schemas.actions.action_work import Firing
from schemas.actions.actions import (
    Action,
    EmailAction,
    EventAction,
    HttpAction,
    KafkaAction,
    ListAction,
    TraitAction,
    WebhookAction,
)
from schemas.actions.requests import EmailRequest, HttpRequest, KafkaRequest, WebhookRequest
from schemas.rules.rules import Rule, decode_rule

REQUEST_BYTES_MAX = 400_000  # as JSON; it stands in Kafka and in the state together with its event
RULES_REMEMBERED_MAX = 1_024
DEFAULT_TYPE = "rule.fired"
JSON_TYPE: Final = "application/json"
FORM_TYPE: Final = "application/x-www-form-urlencoded"
TEXT_TYPE: Final = "text/plain; charset=utf-8"


class ListChange(msgspec.Struct, frozen=True):
    """`address` "": the person's."""

    change: str
    list: str
    address: str


class Traits(msgspec.Struct, frozen=True):
    traits: dict[str, Any]


class NewEvent(msgspec.Struct, frozen=True):
    name: str
    properties: dict[str, Any]


Sent = WebhookRequest | HttpRequest | EmailRequest | KafkaRequest
Done = ListChange | Traits | NewEvent
Maker = Callable[[Scope], Sent | Done]
Texts = Mapping[str, Template]

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode


class CompiledRule:
    """A rule, and its action ready to be filled in."""

    def __init__(self, rule: Rule) -> None:
        self.rule = rule
        self.kind = rule.action.kind
        self._make: Maker | None = None

    def made(self, firing: Firing) -> Sent | Done:
        """Raises TemplateFailed, also for templates that were never checked."""
        if self._make is None:
            try:
                self._make = maker(self.rule.action)
            except ValueError as error:
                raise TemplateFailed(str(error)) from error
        return self._make(scope_of(firing, self.rule))


def request_bytes(request: Sent) -> bytes:
    """As `Due.request`. Raises TemplateFailed."""
    encoded = _encode(request)
    if len(encoded) > REQUEST_BYTES_MAX:
        raise TemplateFailed(f"the request has {len(encoded)} bytes, more than {REQUEST_BYTES_MAX}")
    return encoded


@lru_cache(RULES_REMEMBERED_MAX)
def compiled_rule(document: bytes) -> CompiledRule:
    """Of `Firing.rule`. Raises msgspec.DecodeError."""
    return CompiledRule(decode_rule(document))


def check_templates(action: Action) -> None:
    """Raises ValueError, which says where in the action and what."""
    maker(action)


def scope_of(firing: Firing, rule: Rule) -> CountedScope:
    at = iso(firing.at)
    seen = {
        "event": _decode(firing.event) if firing.event else {},
        "profile": msgspec.to_builtins(firing.person),
        "rule": {
            "name": rule.rule,
            "version": firing.rule_version,
            "level": rule.level,
            "object": rule.object or "",
        },
        "firing": {"id": firing.id, "at": at},
        "now": at,
        "today": at[:10],
    }
    return CountedScope(seen)


def iso(milliseconds: int) -> str:
    moment = datetime.fromtimestamp(milliseconds / 1_000, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def maker(action: Action) -> Maker:
    """Raises ValueError, which names the place."""
    return _MAKERS[action.kind](getattr(action, action.kind))


def _at(place: str, source: str, engine: Environment = TEXT) -> Template:
    return Template(source, engine, place)


def _texts(place: str, sources: Mapping[str, str]) -> Texts:
    return {name: _at(f"{place}.{name}", source) for name, source in sources.items()}


def _all(texts: Texts, scope: Scope) -> dict[str, str]:
    return {name: template.text(scope) for name, template in texts.items()}


def _standard(scope: Scope, kind: str) -> dict[str, Any]:
    """The form of Standard Webhooks, which a value without a body has."""
    data = {name: scope[name] for name in ("firing", "rule", "event", "profile")}
    return {"type": kind or DEFAULT_TYPE, "timestamp": scope["firing"]["at"], "data": data}


def _webhook(action: WebhookAction) -> Maker:
    kind = _at("webhook.type", action.type)
    said = None if action.body is UNSET else body("webhook.body", action.body)

    def make(scope: Scope) -> WebhookRequest:
        value = _standard(scope, kind.text(scope)) if said is None else filled(said, scope)
        return WebhookRequest(body=_encode(value).decode())

    return make


def _kafka(action: KafkaAction) -> Maker:
    key = _at("kafka.key", action.key)
    said = None if action.value is UNSET else body("kafka.value", action.value)

    def make(scope: Scope) -> KafkaRequest:
        value = _standard(scope, "") if said is None else filled(said, scope)
        own = key.text(scope) or scope["profile"].get("profile_id", "")
        return KafkaRequest(key=own, value=value)

    return make


def _http(action: HttpAction) -> Maker:
    path = _at("http.path", action.path, PATH)
    if path.is_literal:
        request_path(action.path, "http.path: ")
    query = _texts("http.query", action.query)
    headers = _texts("http.headers", own_headers(action.headers))
    content = _content(action)

    def make(scope: Scope) -> HttpRequest:
        kind, text = content(scope)
        own = {name: one_line(value) for name, value in _all(headers, scope).items()}
        said = [own.pop(name) for name in list(own) if name.lower() == "content-type"]
        return HttpRequest(
            method=action.method,
            path=request_path(path.text(scope), "http.path: "),
            query=_all(query, scope),
            headers=own,
            body=text,
            content_type=said[0] if said else kind,
        )

    return make


def _content(action: HttpAction) -> Callable[[Scope], tuple[str, str]]:
    """Content type and body."""
    given = [name for name in ("form", "text") if getattr(action, name) is not None]
    given += ["json"] if action.json is not UNSET else []
    if len(given) > 1:
        raise ValueError(f"http: {' and '.join(given)}: one of them at most")
    if action.json is not UNSET:
        said: Body = body("http.json", action.json)
        return lambda scope: (JSON_TYPE, _encode(filled(said, scope)).decode())
    if action.form is not None:
        form = _texts("http.form", action.form)
        return lambda scope: (FORM_TYPE, urlencoded(_all(form, scope)))
    if action.text is not None:
        text = _at("http.text", action.text)
        return lambda scope: (TEXT_TYPE, text.text(scope))
    return lambda scope: ("", "")


def _email(action: EmailAction) -> Maker:
    if not action.text and not action.html:
        raise ValueError("email: neither text nor html: one of them at least")
    to = _at("email.to", action.to or "{{ profile.email }}", ADDRESS)
    sender, reply_to = (
        _at("email.from", action.from_, ADDRESS),
        _at("email.reply_to", action.reply_to, ADDRESS),
    )
    if to.is_literal:
        addresses(action.to, "email.to: ")
    subject, text = _at("email.subject", action.subject), _at("email.text", action.text)
    html = _at("email.html", action.html, HTML)

    def make(scope: Scope) -> EmailRequest:
        return EmailRequest(
            to=addresses(to.text(scope), "email.to: "),
            subject=one_line(subject.text(scope)),
            text=text.text(scope),
            html=html.text(scope),
            from_=one_line(sender.text(scope)),
            reply_to=one_line(reply_to.text(scope)),
        )

    return make


def _list(action: ListAction) -> Maker:
    if (action.add is None) == (action.remove is None):
        raise ValueError("list: one of add and remove")
    address = _at("list.address", action.address)
    change, name = ("added", action.add) if action.add is not None else ("deleted", action.remove)
    return lambda scope: ListChange(change, name or "", address.text(scope))


def _trait(action: TraitAction) -> Maker:
    if not action.set:
        raise ValueError("trait.set: no trait")
    said = body("trait.set", action.set)
    return lambda scope: Traits(filled(said, scope))


def _event(action: EventAction) -> Maker:
    name = _at("event.name", action.name)
    said = body("event.properties", action.properties)
    return lambda scope: NewEvent(one_line(name.text(scope)), filled(said, scope))


_MAKERS: dict[str, Callable[[Any], Maker]] = {
    "webhook": _webhook,
    "http": _http,
    "email": _email,
    "kafka": _kafka,
    "list": _list,
    "trait": _trait,
    "event": _event,
}
