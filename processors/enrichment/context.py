"""The context step: device, place and clock of one event, by the event alone and the connection that it came by. Pure.

What takes tables or files comes in as functions (`ContextRules`), from the composition root. Without them the step reads no
user agents and knows no places, and says so by saying nothing.
"""

import msgspec

from processors.enrichment.bots import NO_BOT_RULES, BotRules, as_judged, bot_of
from processors.enrichment.clock import clock_offset_ms
from processors.enrichment.device import NOBODY, Devices, Known
from processors.enrichment.hosting import NO_NETWORKS, Networks
from processors.enrichment.place import Places, nowhere
from processors.events.parsed import Object, ParsedEvent, Refusal, parse
from schemas.events.network import Kept, may_hold_address, without_addresses
from schemas.events.pack import Connection, PackedEvent
from schemas.wire.stamps import NO_BOT, Bot, Device, Place


class ContextRules(msgspec.Struct, frozen=True, kw_only=True):
    """`devices` is None where user agents are not read; `address_kept` says what stays of addresses, in the text too."""

    devices: Devices | None = None
    places: Places
    address_kept: Kept
    bots: BotRules = NO_BOT_RULES


NO_CONTEXT = ContextRules(places=Places(nowhere, "full"), address_kept="full")


def read_event(packed: PackedEvent, rules: ContextRules) -> ParsedEvent | Refusal:
    """As `parse`, of an event whose network addresses are cut down to what is kept. Whether it is a bot's is known of one by
    whose address somebody may be named."""
    event = _read(packed, rules.address_kept)
    if type(event) is not ParsedEvent or not event.address:
        return event
    _, reason = _known(rules.devices, event.context, packed.connection)
    bot = bot_of(event, reason, rules.bots.networks())
    return event.but(is_bots=True) if bot.score >= rules.bots.threshold else event


def _read(packed: PackedEvent, kept: Kept) -> ParsedEvent | Refusal:
    if kept == "full" or not may_hold_address(packed):
        return parse(packed)
    shortened, said = without_addresses(packed, kept)
    event = parse(shortened)
    return event if isinstance(event, Refusal) or not said else event.but(said_address=said)


def surroundings(
    event: ParsedEvent, rules: ContextRules, networks: Networks = NO_NETWORKS
) -> tuple[Device, Place, int, Bot]:
    """Device, place, the offset of the client's clock in ms, and whether a person is behind it all."""
    context, connection, places = event.context, event.packed.connection, rules.places
    device, reason = _known(rules.devices, context, connection)
    place = places.of(context, event.said_address, connection)
    bot = bot_of(event, reason, networks)
    if bot is not NO_BOT:
        device = as_judged(device, bot, rules.bots.threshold)
    return device, place, clock_offset_ms(event.times, event.received_at), bot


def _known(devices: Devices | None, context: Object, connection: Connection | None) -> Known:
    return NOBODY if devices is None else devices.known(context, connection)
