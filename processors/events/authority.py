"""Which of two nodes has more authority: a total order that never changes, so no election and no lock is needed.

user id > external id `contact_id` > other external types, alphabetically > e-mail > anonymous id > message id;
equal types by the node key. `rank(n) < rank(m)` means that n has more authority. Every link points from less to
more authority: that is what makes the forest free of cycles. Deliberately absent: an order per workspace.
"""

from schemas.identity.identifiers import ANONYMOUS, EMAIL, EXTERNAL, MESSAGE, USER

Rank = tuple[int, bytes, bytes]

CONTACT = "contact_id"  # the external type that links carry

_ORDER = {kind.encode(): place for place, kind in enumerate((USER, EXTERNAL, EMAIL, ANONYMOUS, MESSAGE))}
_LAST = len(_ORDER)


def workspace_of(node: bytes) -> str:
    return node.partition(b"|")[0].decode(errors="replace")


def type_of(node: bytes) -> bytes:
    """What two nodes share when they are ids of one type: b"u", b"e", b"a", or b"x:contact_id" for an external id."""
    kind, _, value = node.partition(b"|")[2].partition(b":")
    return b"x:" + value.partition(b":")[0] if kind == b"x" else kind


def is_anonymous(node: bytes) -> bool:
    return node.partition(b"|")[2].startswith(b"a:")


def rank(node: bytes) -> Rank:
    """The sort key of the order: the smallest has the most authority."""
    kind, _, value = node.partition(b"|")[2].partition(b":")
    external = value.partition(b":")[0] if kind == b"x" else b""
    return _ORDER.get(kind, _LAST), b"" if external == _CONTACT else external, node


_CONTACT = CONTACT.encode()
