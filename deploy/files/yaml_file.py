"""A file of YAML as plain values, with what is usually a slip of the pen refused instead of guessed at.

A key that stands twice in one mapping is one: YAML's last would win, and a rule with two triggers would silently lose one.
Aliases are fine as long as what they stand for, written out, is no more than people write: a few lines of them can
mean billions of values. Deliberately absent: tags that make objects.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import yaml

VALUES_MAX: Final = 10_000_000  # with every alias written out


class NotYaml(ValueError):
    """The text says where and why."""


def read_yaml(file: Path) -> Any:
    """Raises NotYaml."""
    try:
        return _read(file.read_text())
    except RecursionError as error:
        raise NotYaml("it is nested too deeply, or contains itself") from error
    except (
        yaml.YAMLError,
        ValueError,
    ) as error:  # also of a date that is none, and of bytes that are no text
        raise NotYaml(str(error)) from error


def _read(text: str) -> Any:
    loader = yaml.SafeLoader(text)
    try:
        node = loader.get_single_node()
        if node is None:
            return None
        if _size(node, {}) > VALUES_MAX:
            raise NotYaml(f"with its aliases written out it has more than {VALUES_MAX} values")
        return loader.construct_document(node)
    finally:
        loader.dispose()


def _size(node: yaml.Node, known: dict[int, int]) -> int:
    """How many values it is, with every alias written out."""
    if id(node) not in known:
        if isinstance(node, yaml.MappingNode):
            _refuse_repeated(node)
        known[id(node)] = 1 + sum(_size(part, known) for part in _parts(node))
    return known[id(node)]


def _parts(node: yaml.Node) -> Iterator[yaml.Node]:
    if isinstance(node, yaml.MappingNode):
        for pair in node.value:
            yield from pair
    elif isinstance(node, yaml.SequenceNode):
        yield from node.value


def _refuse_repeated(node: yaml.MappingNode) -> None:
    seen: set[tuple[str, str]] = set()
    for key, _ in node.value:
        if not isinstance(key, yaml.ScalarNode):
            continue
        if (key.tag, key.value) in seen:
            mark = key.start_mark
            raise NotYaml(f"key {key.value!r} stands twice in one mapping, in line {mark.line + 1}")
        seen.add((key.tag, key.value))
