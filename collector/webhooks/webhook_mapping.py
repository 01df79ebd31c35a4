"""What a webhook's payload becomes: the entries of its document, compiled once, applied to one delivery. Pure.

An entry whose condition holds gives a call of the tracking API, or one for each item of a list. A message id is made of the
sender's own id, so that a delivery that is sent again counts once. What fails costs the other entries and items nothing. Absent:
whether the sender may be believed (webhook_signature.py), and what the door wants of a call (intake.py).
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import msgspec

from collector.rejection import Refusal
from collector.webhooks.webhook_budget import Budget, Failed
from collector.webhooks.webhook_language import BadExpression, Expression
from collector.webhooks.webhook_signature import problem_of
from schemas.events.call import CALL_TYPES
from schemas.events.reasons import Reason
from schemas.identity.identifiers import text
from schemas.sources.sources import Source
from schemas.sources.webhooks import Entry, Webhook

SIGN = "="  # before an expression; twice before a text that begins with one
EVENTS_MAX = 1_000  # that one payload may become
SCOPE = ("body", "headers", "query", "body_hash", "item")

# Where the senders of these schemes have an id of their own that is the same when a delivery is repeated.
_OWN_ID = {
    "stripe": "body.id",
    "shopify": "headers.x_shopify_event_id || headers.x_shopify_webhook_id",
    "github": "headers.x_github_delivery",
    "slack": "body.event_id",
    "standard": "headers.webhook_id || headers.svix_id",
    "typeform": "body.event_id",
    "woocommerce": "headers.x_wc_webhook_delivery_id",
}
_FIELDS = {
    "event": "event", "name": "name", "user_id": "userId", "anonymous_id": "anonymousId", "previous_id": "previousId",
    "group_id": "groupId", "timestamp": "timestamp", "properties": "properties", "traits": "traits", "context": "context",
    "integrations": "integrations",
}  # fmt: skip

_OBJECTS = ("properties", "traits")  # of which a document may say `=...`

Rendered = Callable[[Mapping[str, Any], Budget], Any]


class BadWebhook(ValueError):
    """The document cannot be used; the text says where and why."""


class Rule(msgspec.Struct, frozen=True):
    """One entry, compiled. `fields` are those that it has, by their names in a call; `when` and `each` None: always, once."""

    place: str
    type: str
    when: Expression | None
    each: Expression | None
    message_id: Rendered
    email: Rendered | None
    fields: dict[str, Rendered]


class CompiledWebhook(msgspec.Struct, frozen=True):
    """`source` is whose events they are."""

    webhook: Webhook
    source: Source
    rules: tuple[Rule, ...]


class Mapped(msgspec.Struct, frozen=True):
    """`calls` are (place, the call as JSON); `failures` say what could not be made, and where."""

    calls: list[tuple[str, bytes]]
    failures: list[Refusal]


def compile_webhook(webhook: Webhook) -> CompiledWebhook:
    """Raises BadWebhook."""
    if problem := problem_of(webhook.signature):
        raise BadWebhook(f"webhook {webhook.id}: signature: {problem}")
    rules = tuple(_rule(entry, f"events[{place}]", webhook) for place, entry in enumerate(webhook.events))
    return CompiledWebhook(webhook, webhook.source, rules)


def mapped(mapping: CompiledWebhook, scope: Mapping[str, Any]) -> Mapped:
    """`scope` has the names of SCOPE but `item`. Whatever it holds, this returns."""
    budget = Budget()
    calls: list[tuple[str, bytes]] = []
    failures: list[Refusal] = []
    for entry, rule in enumerate(mapping.rules):
        try:
            for item, scope_of_one in enumerate(_occasions(rule, scope, budget)):
                ends = (f"{mapping.webhook.id}:", _ordinal(entry, item))
                call = _call_or_failure(rule, scope_of_one, budget, ends)
                if len(calls) + len(failures) >= EVENTS_MAX:
                    raise Failed(f": the payload becomes more than {EVENTS_MAX} events")
                if isinstance(call, Failed):
                    at = rule.place if rule.each is None else f"{rule.place}: item {item} of `each`"
                    failures.append(Refusal(Reason.MAPPING_FAILED, f"{at}{call}"))
                else:
                    calls.append((rule.place, call))
        except Failed as error:
            failures.append(Refusal(Reason.MAPPING_FAILED, f"{rule.place}{error}"))
    if not calls and not failures and mapping.webhook.otherwise == "keep":
        failures.append(
            Refusal(
                Reason.UNMAPPED,
                "no entry of the webhook's `events` wants this payload: add one, or `otherwise: ignore`",
            )
        )
    return Mapped(calls, failures)


def _occasions(rule: Rule, scope: Mapping[str, Any], budget: Budget) -> Iterator[Mapping[str, Any]]:
    if rule.when is not None and not _is_true(_searched(rule.when, scope, budget, ".when")):
        return
    if rule.each is None:
        yield scope
        return
    items = _searched(rule.each, scope, budget, ".each")
    if items is not None and not isinstance(items, list):
        raise Failed(".each: the expression gives no list")
    for item in items or ():
        yield {**scope, "item": item}


def _is_true(value: Any) -> bool:
    """As the language has it: 0 is true."""
    return not (value is None or value is False or value in ("", [], {}))


def _ordinal(entry: int, item: int) -> str:
    """The end of a message id: by the place in the mapping, since what else the payload becomes may change when it is mended."""
    return f":{entry}.{item}" if item else f":{entry}" if entry else ""


def _call_or_failure(
    rule: Rule, scope: Mapping[str, Any], budget: Budget, ends: tuple[str, str]
) -> bytes | Failed:
    """What fails in one item costs the others nothing. Raises Failed when the payload has cost all that one may."""
    try:
        return _call(rule, scope, budget, ends)
    except Failed as failed:
        if budget.is_spent:
            raise
        return failed


def _call(rule: Rule, scope: Mapping[str, Any], budget: Budget, ends: tuple[str, str]) -> bytes:
    """`ends` stand around the sender's own id."""
    own = rule.message_id(scope, budget)
    if isinstance(own, dict | list) or not text(own):
        raise Failed(
            ".messageId: nothing is there: a delivery that is repeated could not be told from a new one"
        )
    call = {"type": rule.type, "messageId": text(own).join(ends)}
    for name, rendered in rule.fields.items():
        if (value := rendered(scope, budget)) is not None:
            if name in _OBJECTS and not isinstance(value, dict):
                raise Failed(f".{name}: the expression gives no object")
            call[name] = value
    if rule.type == "track" and not str(call.get("event") or "").strip():
        raise Failed(".event: nothing is there: a track has a name")
    if rule.email is not None and (email := rule.email(scope, budget)) is not None:
        _put_email(call, email)
    try:
        budget.spend_on(call)
        return msgspec.json.encode(call)
    except (TypeError, ValueError, RecursionError) as error:
        raise error if isinstance(error, Failed) else Failed(": what it makes is no JSON") from None


def _put_email(call: dict[str, Any], email: Any) -> None:
    """Where the tracking API has it: an identify's own traits, the context's of other calls."""
    if call["type"] == "identify":
        call["traits"] = {**_object(call.get("traits")), "email": email}
        return
    context = _object(call.get("context"))
    call["context"] = {**context, "traits": {**_object(context.get("traits")), "email": email}}


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _rule(entry: Entry, place: str, webhook: Webhook) -> Rule:
    assert entry.type in CALL_TYPES
    message_id = entry.message_id
    if message_id is None:
        if webhook.signature.scheme not in _OWN_ID:
            raise BadWebhook(
                f"webhook {webhook.id}: {place}: messageId is missing: say which field is the sender's own id of the event, as "
                "=body.id, or =body_hash when there is none"
            )
        message_id = SIGN + _OWN_ID[webhook.signature.scheme]
    at = f"webhook {webhook.id}: {place}"
    return Rule(
        place=place,
        type=entry.type,
        when=_expression(entry.when, f"{at}.when") if entry.when else None,
        each=_expression(entry.each, f"{at}.each") if entry.each else None,
        message_id=_template(message_id, at, ".messageId"),
        email=None if entry.email is None else _template(entry.email, at, ".email"),
        fields={
            name: _template(value, at, f".{name}")
            for field, name in _FIELDS.items()
            if (value := getattr(entry, field)) is not None
        },
    )


def _template(value: Any, at: str, place: str) -> Rendered:
    """`at` names the entry to whoever wrote it, `place` the field, also in dead letters."""
    if isinstance(value, str) and value.startswith(SIGN):
        if value.startswith(SIGN + SIGN):
            return _constant(value[1:])
        expression = _expression(value[1:], at + place)
        return lambda scope, budget: _searched(expression, scope, budget, place)
    if isinstance(value, dict):
        return _object_of({name: _template(part, at, f"{place}.{name}") for name, part in value.items()})
    if isinstance(value, list):
        return _list_of([_template(part, at, f"{place}[{number}]") for number, part in enumerate(value)])
    return _constant(value)


def _constant(value: Any) -> Rendered:
    return lambda scope, budget: value


def _object_of(parts: dict[str, Rendered]) -> Rendered:
    def rendered(scope: Mapping[str, Any], budget: Budget) -> dict[str, Any]:
        made = {name: part(scope, budget) for name, part in parts.items()}
        return {name: value for name, value in made.items() if value is not None}

    return rendered


def _list_of(parts: list[Rendered]) -> Rendered:
    def rendered(scope: Mapping[str, Any], budget: Budget) -> list[Any]:
        return [value for part in parts if (value := part(scope, budget)) is not None]

    return rendered


def _searched(expression: Expression, scope: Mapping[str, Any], budget: Budget, place: str) -> Any:
    try:
        return expression.search(scope, budget)
    except Failed as error:
        raise Failed(f"{place}: {error}") from None


def _expression(written: str, place: str) -> Expression:
    try:
        expression = Expression(written)
    except BadExpression as error:
        raise BadWebhook(f"{place}: {error}") from None
    if unknown := expression.roots() - set(SCOPE):
        raise BadWebhook(
            f"{place}: there is no {', '.join(sorted(unknown))}: an expression begins with one of {', '.join(SCOPE)}"
        )
    return expression
