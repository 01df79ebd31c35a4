"""Which dead letters speak of a person, and where else an identifier's value stands: patterns for ClickHouse's `match`. Pure.

A letter was refused, so nothing is known of it but its bytes. An address counts wherever it stands; any other id where it stands
like one: as a whole text of the JSON, as a parameter of an address, or as a number under a name that holds ids. That may hit a
letter of somebody else who has the same text somewhere; of two mistakes this is the better one.

What is looked at is mostly JSON as its sender wrote it: many write "é" as \\u00e9, "/" as \\/ or "<" as \\u003c, and addresses of
pages have percents. So every character that has several forms is found in each of them.
"""

import re

from schemas.identity.identifiers import EMAIL, EXTERNAL, hash_email

# A character that JSON shortens -> what stands behind the backslash.
_SHORT = {'"': '"', "\\": "\\", "/": "/", "\b": "b", "\f": "f", "\n": "n", "\r": "r", "\t": "t"}
_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?")
# Before a word there may also be the end of a line or a "<" in JSON, or a ":" in an address of a page.
_BEFORE = r"^|[^A-Za-z0-9_@.+-]|\\[bfnrt]|\\u[0-9A-Fa-f]{4}|%[0-9A-Fa-f]{2}"
_WORD = re.compile(r"[A-Za-z0-9]+")  # of characters that stand for themselves everywhere
_FOLDED_WORD = re.compile(r"[A-JL-RT-Za-jl-rt-z0-9]+")
_ID_NAMES = "userId|anonymousId|previousId|id|user_id|anonymous_id|previous_id|contact_id"


def letter_pattern(kind: str, value: str) -> str:
    """Of the payloads that belong to whoever has this identifier."""
    if kind == EMAIL:
        return anywhere(kind, value)
    bare = _escaped(_bare(kind, value))
    forms = [f'"\\s*{bare}\\s*"', f'([?&]|\\\\u0026)[A-Za-z_]+={bare}([&#"\\\\]|$)']
    if _NUMBER.fullmatch(_bare(kind, value)):
        forms.append(f'"({_ID_NAMES})"\\s*:\\s*{bare}\\s*[,}}\\]]')
    return "|".join(forms)


def anywhere(kind: str, value: str) -> str:
    """Of any text that holds the value as a word of its own; of an address also its hash."""
    if kind != EMAIL:
        return _word(_escaped(_bare(kind, value)))
    return "(?i)" + _word(f"{_escaped(value, any_case=True)}|{hash_email(value)}")


def words_within(kind: str, value: str) -> tuple[str, ...]:
    """Whatever `anywhere` finds holds one of these, in any case; none where nothing is said of it. An address may have been
    written with letters beyond ASCII whose small ones are k and s."""
    if kind != EMAIL:
        return _longest(_WORD, _bare(kind, value))
    local = _longest(_FOLDED_WORD, value.rpartition("@")[0])
    return (*local, hash_email(value)) if local else ()


def _longest(pattern: re.Pattern[str], text: str) -> tuple[str, ...]:
    return tuple(sorted(pattern.findall(text), key=len)[-1:])


def _bare(kind: str, value: str) -> str:
    return value.partition(":")[2] if kind == EXTERNAL else value


def _escaped(text: str, *, any_case: bool = False) -> str:
    """For RE2, in every form that JSON and addresses have for it. RE2 itself ignores the case of what is not escaped alone."""
    if not any_case or text.isascii():
        return "".join(_forms(each) for each in text)
    return "".join(f"(?:{_forms(each)}|{_forms(each.upper()[0])})" for each in text)


def _forms(character: str) -> str:
    """Letters, digits and what no writer changes stand for themselves. RE2 takes a backslash before visible ASCII alone."""
    if character.isascii() and (character.isalnum() or character in "_.-~"):
        return character if character.isalnum() or character == "_" else f"\\{character}"
    plain = f"\\x{{{ord(character):x}}}"
    units = character.encode("utf-16-be", "surrogatepass").hex()
    json = "".join("\\\\u" + _any_case(units[start : start + 4]) for start in range(0, len(units), 4))
    encoded = character.encode("utf-8", "surrogatepass").hex()
    percent = "".join("%" + _any_case(encoded[start : start + 2]) for start in range(0, len(encoded), 2))
    forms = [plain, json, percent]
    if character in _SHORT:
        forms.append(f"\\\\\\x{{{ord(_SHORT[character]):x}}}")
    if character == " ":
        forms.append(r"\+")
    return f"(?:{'|'.join(forms)})"


def _any_case(digits: str) -> str:
    return "".join(f"[{each}{each.upper()}]" if each.isalpha() else each for each in digits)


def _word(pattern: str) -> str:
    return f"({_BEFORE})({pattern})([^A-Za-z0-9_@-]|$)"
