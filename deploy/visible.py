"""Text with identifiers in it, for a terminal. Strangers choose identifiers: what moves the cursor, colours, turns the direction
of writing or begins a line of its own is shown as its escape. Pure.
"""


def visible(text: str, *, kept: str = "") -> str:
    """One line. `kept` are the characters that stand for themselves although nobody sees them."""
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() or each in kept else _escape(each) for each in text)


def _escape(character: str) -> str:
    return character.encode("unicode_escape").decode()
