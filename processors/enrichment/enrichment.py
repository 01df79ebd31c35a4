"""Enrichment: what is stamped on an event as it passes, step by step. Each step is a pure module of its own; here is their order.

    context     clock, device, place, and whether a bot sent it: of the event alone (and of the connection it came by)
    channel     what brought the visitor: campaign parameters, click ids, referrer
    semantics   which event of the catalogue this is, and what does not conform (plans.py: before all others)
    commerce    amounts, order, cart and items, typed
    consent     what the visitor decided, and what the door saw of it
    visits      the session, and first and last touch: the one step with state of its own

A step that has nothing to say returns the default of its part (schemas/wire/stamps.py), the very object. None of them refuses an
event for its content; its source's plan may, before they see it.
"""

from collections.abc import Iterable

import msgspec

from processors.enrichment.channel import Channels, kept_channels
from processors.enrichment.commerce import FAMILY, with_commerce
from processors.enrichment.consent import consent_of
from processors.enrichment.context import NO_CONTEXT, ContextRules, surroundings
from processors.enrichment.visits import SessionRules, Visits
from processors.events.mentions import Mentions
from processors.events.parsed import ParsedEvent
from schemas.identity.orders import Order
from schemas.stream import Values
from schemas.wire.stamps import NO_COMMERCE, NO_CONSENT, Item, Meaning, Stamps


class Rules(msgspec.Struct, frozen=True, kw_only=True):
    """The deployment's settings of all steps. `channels` None: by the lists that come with the product."""

    channels: Channels | None = None
    sessions: SessionRules = SessionRules()
    context: ContextRules = NO_CONTEXT


NO_RULES = Rules()


class Enrichment:
    """The steps over one chunk. What they keep in `state` is read once and written once for each key."""

    def __init__(self, state: Values, rules: Rules) -> None:
        self._context = rules.context
        self._networks = rules.context.bots.networks()
        self._channels = rules.channels or kept_channels()
        self._visits = Visits(state, rules.sessions)

    def stamps(self, event: ParsedEvent, about: Mentions, visitor: int, meaning: Meaning) -> Stamps:
        """Of an event that is going to be stored. `visitor` is the node id of its routing id."""
        device, place, clock_offset_ms, bot = surroundings(event, self._context, self._networks)
        touch = self._channels.touch(event)
        context, seen = event.context, event.packed.seen
        commerce = NO_COMMERCE
        items: tuple[Item, ...] = ()
        if meaning.family == FAMILY:
            text = bytes(event.call.properties)
            meaning, commerce, items = with_commerce(meaning, event.properties, text)
        session_id, visit = self._visits.of(event, about, visitor, touch)
        return Stamps(
            visitor=visitor,
            session_id=session_id,
            visit=visit,
            touch=touch,
            device=device,
            place=place,
            meaning=meaning,
            commerce=commerce,
            items=items,
            clock_offset_ms=clock_offset_ms,
            bot=bot,
            consent=NO_CONSENT if seen is None and "consent" not in context else consent_of(context, seen),
        )

    def obey(self, orders: Iterable[Order]) -> None:
        """What people ordered to be forgotten is not kept either."""
        self._visits.obey(orders)

    def save(self) -> None:
        """Once, after all events of the chunk."""
        self._visits.save()
