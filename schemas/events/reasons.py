"""Why an event was refused: the one list of names. A dead letter and an error reply carry one of them."""

from enum import StrEnum


class Reason(StrEnum):
    """The value is what users see and filter by: never rename one."""

    INVALID_JSON = "invalid_json"  # the text is not JSON, or not UTF-8
    WRONG_TYPE = "wrong_type"  # JSON, but a field has a type that it cannot have
    UNKNOWN_TYPE = "unknown_type"  # `type` is none of identify, track, page, screen, group, alias
    NO_IDENTIFIER = "no_identifier"  # nothing says whose event this is
    EVENT_TOO_LARGE = "event_too_large"  # one event over event_bytes_max
    BODY_TOO_LARGE = "body_too_large"  # one request over body_bytes_max
    BATCH_TOO_LONG = "batch_too_long"  # more events than batch_events_max
    NO_WRITE_KEY = "no_write_key"  # no key in header, body or query
    UNKNOWN_WRITE_KEY = "unknown_write_key"  # no source has this key
    WRITE_KEY_ENDED = "write_key_ended"  # the source had this key until a day that is over
    KEY_FOR_SERVERS = "key_for_servers"  # a server's key in a page, or in an address
    ORIGIN_NOT_ALLOWED = "origin_not_allowed"  # a page that is none of the source's
    QUOTA_EXCEEDED = "quota_exceeded"  # the source has used up its day's or month's events
    UNKNOWN_WEBHOOK = "unknown_webhook"  # no webhook has this id
    NO_SIGNATURE = "no_signature"  # nothing proves a webhook's sender
    WRONG_SIGNATURE = "wrong_signature"  # not signed with one of the webhook's secrets, or another token
    STALE_SIGNATURE = "stale_signature"  # signed too long ago: perhaps somebody else's copy
    WEBHOOK_UNUSABLE = "webhook_unusable"  # its secrets cannot be read, or its document: come back later
    UNMAPPED = "unmapped"  # no entry of a webhook wants the payload
    MAPPING_FAILED = "mapping_failed"  # an entry of a webhook cannot be worked out for the payload
    NO_TARGET = "no_target"  # a link without an address that a browser would open
    TARGET_NOT_ALLOWED = "target_not_allowed"  # a link to a host that is none of its source's
    NOT_FOUND = "not_found"  # no such path
    METHOD_NOT_ALLOWED = "method_not_allowed"
    NO_HTTP = "no_http"  # what was sent is no request
    HEAD_TOO_LARGE = "head_too_large"  # one request's head over head_bytes_max, or too many headers
    ADDRESS_TOO_LONG = "address_too_long"
    TOO_MANY_AT_ONCE = "too_many_at_once"  # requests on one connection that are not answered yet
    BODY_TOO_SLOW = "body_too_slow"  # the request's body did not arrive in time
    BODY_INCOMPLETE = "body_incomplete"  # the connection ended before the body that was announced had arrived
    BAD_ENCODING = "bad_encoding"  # Content-Encoding that cannot be undone
    UNREADABLE_PACK = "unreadable_pack"  # a Kafka message that is no pack
    UNREADABLE_RECORD = "unreadable_record"  # a Kafka record that is no Avro of its topic's schema
    USER_STEP_FAILED = (
        "user_step_failed"  # one of the deployment's own steps raised something, or ended its process
    )
    USER_STEP_TOO_SLOW = (
        "user_step_too_slow"  # one of them took too long for this event, or all of them for a chunk
    )
    GIVEN_UP = "given_up"  # a firing of a rule that no attempt of a day delivered
    REJECTED = "rejected"  # a firing of a rule that its destination refused for good
    GONE = "gone"  # a firing of a rule whose destination wants nothing any more (410)
    REFUSED_ROW = "refused_row"  # a row that ClickHouse cannot store
    SPEC_VIOLATION = (
        "spec_violation"  # not as the semantic catalogue says, and the source's plan blocks such events
    )
    PLAN_VIOLATION = "plan_violation"  # not as the source's tracking plan says, which blocks such events
    RATE_LIMITED = "rate_limited"  # the source sends more than its configuration allows: come back later
    OVERLOADED = "overloaded"  # the collector's queue is full: come back later
    KAFKA_UNAVAILABLE = "kafka_unavailable"  # not acknowledged in time: come back later
