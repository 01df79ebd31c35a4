"""The context step: device, place and clock of one event, by the event alone and the connection that it came by. Pure.

What takes tables or files comes in as functions (`ContextRules`), from the composition root. Without them the step reads no
user agents and knows no places, and says so by saying nothing.
"""

import msgspec

from processors.clock import clock_offset_ms
from processors.device import Devices
from processors.parsed import ParsedEvent, Refusal, parse
from processors.place import Places, nowhere
from schemas.network import Kept, may_hold_address, without_addresses
from schemas.pack import PackedEvent
from schemas.stamps import NO_DEVICE, Device, Place


class ContextRules(msgspec.Struct, frozen=True, kw_only=True):
    """`devices` is None where user agents are not read; `address_kept` says what stays of addresses, in the text too."""

    devices: Devices | None = None
    places: Places
    address_kept: Kept


NO_CONTEXT = ContextRules(places=Places(nowhere, "full"), address_kept="full")


def read_event(packed: PackedEvent, kept: Kept) -> ParsedEvent | Refusal:
    """As `parse`, of an event whose network addresses are cut down to what is kept."""
    if kept == "full" or not may_hold_address(packed):
        return parse(packed)
    shortened, said = without_addresses(packed, kept)
    event = parse(shortened)
    return (
        event if isinstance(event, Refusal) or not said else msgspec.structs.replace(event, said_address=said)
    )


def surroundings(event: ParsedEvent, rules: ContextRules) -> tuple[Device, Place, int]:
    """Device, place, and the offset of the client's clock in ms."""
    context, connection = event.context, event.packed.connection
    device = NO_DEVICE if rules.devices is None else rules.devices.of(context, connection)
    place = rules.places.of(context, event.said_address, connection)
    return device, place, clock_offset_ms(event.times, event.received_at)
