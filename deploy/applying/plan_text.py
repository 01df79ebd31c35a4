"""Plans and the history of applies as lines to read."""

from collections.abc import Iterable, Iterator

from deploy.applying.tokens import History
from deploy.identifiers.ids import Id
from schemas.configuration.changes import ORDER, Change
from schemas.configuration.roles import BLOCKED, ROLES

DOCUMENTS_TOLD_MAX = 5


def lines(changes: list[Change]) -> Iterator[str]:
    """What changes, and how much stays."""
    for what in ORDER[:-1]:
        yield from (_line(each) for each in changes if each.what == what)
    yield from (_unreadable(each) for each in changes if each.unreadable)
    counts = {what: sum(each.what == what for each in changes) for what in ORDER}
    told = ", ".join(f"{count} {what}" for what, count in counts.items())
    roles = {each.role for each in changes} - {""}
    yield f"{told}; takes role {'admin' if 'admin' in roles else 'editor'}" if roles else told


def blocking(new: Iterable[Id], known: Iterable[Id]) -> list[Change]:
    """What becomes of `blocked_ids`: no documents of a file, but orders for ever."""
    role = ROLES[BLOCKED.rstrip("/")]
    return [
        *(Change(what="added", key=f"{BLOCKED}{each.workspace}/{each}", role=role) for each in new),
        *(Change(what="unchanged", key=f"{BLOCKED}{each.workspace}/{each}") for each in known),
    ]


def history_lines(found: History) -> Iterator[str]:
    for each in found.applies:
        named = ", ".join(each.documents[:DOCUMENTS_TOLD_MAX])
        more = len(each.documents) - DOCUMENTS_TOLD_MAX
        rest = f" and {more} more" if more > 0 else ""
        yield f"{each.at or '-':<20}  {each.token or '-':<12}  {each.signature}  {each.apply_id}  {named}{rest}"
    for key in found.unaccounted:
        yield f"{key}: no apply with a valid signature left it as it is"


def _unreadable(each: Change) -> str:
    mend = "delete it, or apply it anew" if each.what == "unchanged" else "after this it can"
    return f"ignored  {each.key}  cannot be read as it stands: {each.unreadable}; {mend}"


def _line(each: Change) -> str:
    versions = {"added": each.after, "deleted": each.before}.get(each.what, f"{each.before} -> {each.after}")
    fields = f"  ({', '.join(each.fields)})" if each.fields else ""
    implied = "  default action" if each.implied else ""
    return f"{each.what:<8} {each.key}  {versions}{fields}{implied}".rstrip()
