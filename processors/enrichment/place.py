"""Where an event's sender is, by the network address, and the address as far as it is kept. Pure.

The address is `context.ip` when the call has one: a server says for whom it speaks. Else it is the connection's, when that is a
visitor's: a browser's (collector/connection.py), or an app's, which is told by its library and by its describing the device
it runs on. A server's own address never counts, nor does that of a mail service that fetches images for its readers.
"0.0.0.0" is how clients ask for no address to be read.

Geography is looked up by the whole address before it is cut. The record is of MaxMind's city layout, which DB-IP's files
share: anything else in it is left alone.

Deliberately absent: opening the file (geography.py), and accuracy: a city is a guess of whoever made the file.
"""

from collections.abc import Callable
from functools import lru_cache

from processors.enrichment.device import is_mail_proxy
from processors.events.parsed import Object, object_of
from schemas.events.network import Address, Kept, cut, parsed_address
from schemas.events.pack import Connection
from schemas.wire.stamps import NO_PLACE, Place

Locate = Callable[[str], object]  # from an address to its record, None without one

PLACES_REMEMBERED_MAX = 16_384
NAME_CHARACTERS_MAX = 64
# Libraries of apps, by `context.library.name`. Some of them run on servers too, and then there is no device.
APP_LIBRARIES = frozenset(
    (
        "analytics-ios", "analytics-android", "analytics-swift", "analytics-kotlin", "analytics-flutter", "analytics_flutter",
        "@segment/analytics-react-native", "analytics-react-native", "rudder-ios-library", "rudder-swift-library",
        "com.rudderstack.android.sdk.core", "com.rudderstack.kotlin.sdk", "com.rudderstack.android",
        "rudder-react-native-library", "rudder-flutter-library",
    )
)  # fmt: skip


def nowhere(address: str) -> object:
    """Of a deployment without a geography file."""
    return None


class Places:
    """The same object for the same address. At most so many are remembered."""

    def __init__(self, locate: Locate, kept: Kept) -> None:
        self._locate = locate
        self._kept = kept
        self._is_silent = kept == "none" and locate is nowhere
        self._of_text = lru_cache(PLACES_REMEMBERED_MAX)(self._place)

    def of(self, context: Object, said: str, connection: Connection | None) -> Place:
        """`said` is the whole address in the context, where the context has only what is kept of it."""
        if self._is_silent:
            return NO_PLACE
        named = said or context.get("ip")
        if (
            named
            and isinstance(named, str)
            and (place := self._of_text(named[:NAME_CHARACTERS_MAX])) is not None
        ):
            return place
        if connection is None or not connection.address or not _is_visitors(connection, context):
            return NO_PLACE
        return self._of_text(connection.address) or NO_PLACE

    def _place(self, text: str) -> Place | None:
        """None when the text is no address."""
        address = parsed_address(text.strip())
        if address is None:
            return None
        if address.is_unspecified:
            return NO_PLACE
        return _place_of(address, object_of(self._locate(str(address))), self._kept)


def _is_visitors(connection: Connection, context: Object) -> bool:
    if connection.is_browser:
        return not (connection.user_agent and is_mail_proxy(connection.user_agent))
    library = context.get("library")
    name = library.get("name") if isinstance(library, dict) else ""
    return isinstance(name, str) and name in APP_LIBRARIES and isinstance(context.get("device"), dict)


def _place_of(address: Address, record: Object, kept: Kept) -> Place:
    city = object_of(record.get("city"))
    country = object_of(record.get("country")) or object_of(record.get("registered_country"))
    divisions = record.get("subdivisions")
    region = object_of(divisions[0]) if isinstance(divisions, list) and divisions else {}
    place = Place(
        address=cut(address, kept),
        country=_text(country.get("iso_code")),
        region=_text(region.get("iso_code")) or _name(region),
        city=_name(city),
        timezone=_text(object_of(record.get("location")).get("time_zone")),
    )
    return NO_PLACE if place == NO_PLACE else place


def _name(part: Object) -> str:
    return _text(object_of(part.get("names")).get("en"))


def _text(value: object) -> str:
    return value[:NAME_CHARACTERS_MAX] if isinstance(value, str) else ""
