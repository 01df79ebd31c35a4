"""What was left aside of an event that was kept, and why: names for the ledger's stage `remarks`.

An event with a remark is no dead letter: it is stored, under its other ids. Each remark counts once per event.
"""

from enum import StrEnum


class Remark(StrEnum):
    """The value is what users see and filter by: never rename one."""

    ID_TOO_LONG = "id_too_long"  # an identifier of 256 bytes and more
    ID_BLOCKED = "id_blocked"  # a value that names nobody, such as "undefined" or "0"
    TIME_UNUSABLE = (
        "time_unusable"  # a time that is none between 1970 and 2200: the event happened when it was received
    )
    EMAIL_MALFORMED = "email_malformed"  # an identify's or the context's e-mail without the shape x@y.z
    LINK_SIGNED = "link_signed"  # a signed link was taken
    LINK_EXPIRED = "link_expired"  # a signed link that arrived after its last day
    LINK_REFUSED = "link_refused"  # changed, made for another workspace, or by a key that is not configured
    LINK_MALFORMED = "link_malformed"  # `_c` is no token, for example a merge tag that was not filled in
    LINK_UNSIGNED = (
        "link_unsigned"  # parameters that name somebody, from a source that does not take them unsigned
    )
    LINK_BY_BOT = "link_by_bot"  # a link that a bot followed, such as a mail scanner: it claims nobody
    DIVERTED = "diverted"  # stored under another source, as the tracking plan of its own one says
