"""Files of YAML: what is a slip of the pen, and what only looks small."""

from pathlib import Path

import pytest

from deploy.files.yaml_file import NotYaml, read_yaml


def bomb() -> str:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
    return "\n".join(lines)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("rules:\n  - trigger: 1\n    rule: x\n    trigger: 2\n", "key 'trigger' stands twice in one mapping, in line 4"),
        ("day: 2026-13-45\n", "month must be in"),
        (f"number: {'9' * 5_000}\n", "4300 digits"),
        ("rules: &r\n  - *r\n", "contains itself"),
        (f"rules: {'[' * 50_000}", "nested too deeply"),
        (bomb(), "written out it has more than 10000000 values"),
        ("a: [", "expected the node content"),
    ],
)  # fmt: skip
def test_what_is_no_file_of_values_is_told(tmp_path: Path, text: str, told: str) -> None:
    file = tmp_path / "rules.yaml"
    file.write_text(text)

    with pytest.raises(NotYaml, match=told):
        read_yaml(file)


def test_aliases_and_merges_are_written_out(tmp_path: Path) -> None:
    file = tmp_path / "rules.yaml"
    file.write_text("a: &a {x: 1, y: 2}\nb: {<<: *a, y: 3}\nc: [*a, *a]\n")

    both = {"x": 1, "y": 2}
    assert read_yaml(file) == {"a": both, "b": {"x": 1, "y": 3}, "c": [both, both]}


def test_an_empty_file_is_nothing(tmp_path: Path) -> None:
    file = tmp_path / "rules.yaml"
    file.write_text("# nothing yet\n")

    assert read_yaml(file) is None
