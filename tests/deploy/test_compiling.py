"""With the machine's own C compiler; where it has none, that this is said."""

import sys
from importlib.util import module_from_spec
from pathlib import Path
from types import ModuleType

import pytest

from deploy.compiling import NotCompiled, brought_up_to_date, require_compiler
from schemas.compiled import CompiledFinder, is_compiled, source_of

NAME = "schemas.example_of_a_test"
SOURCE = '''
import msgspec

class Answer(msgspec.Struct, frozen=True):
    number: int
    others: list[int] = []

def answer(number: str) -> Answer:
    """What a caller gives is no business of an annotation."""
    return msgspec.convert({"number": number, "others": [1]}, Answer)
'''


def _has_compiler() -> bool:
    try:
        require_compiler()
    except NotCompiled:
        return False
    return True


def _imported(root: Path) -> ModuleType:
    spec = CompiledFinder(root, root / "made").find_spec(NAME)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    sys.modules[NAME] = module  # where msgspec looks for the names of annotations
    spec.loader.exec_module(module)
    del sys.modules[NAME]
    return module


@pytest.mark.skipif(not _has_compiler(), reason="no C compiler, or no headers of Python's")
def test_a_module_is_compiled_once_for_each_state_of_its_source(tmp_path: Path) -> None:
    source, made = source_of(NAME, tmp_path), tmp_path / "made"
    source.parent.mkdir()
    source.write_text(SOURCE)
    assert brought_up_to_date([NAME], tmp_path, made) == 1
    assert brought_up_to_date([NAME], tmp_path, made) == 0
    (first,) = made.iterdir()
    module = _imported(tmp_path)
    assert is_compiled(module)
    assert module.answer(7) == module.Answer(7, [1])
    with pytest.raises(AttributeError, match="immutable"):
        module.answer(7).number = 8
    source.write_text("VALUE = 1\n")
    assert brought_up_to_date([NAME], tmp_path, made) == 1
    assert first not in made.iterdir()
    assert len(list(made.iterdir())) == 1
    source.write_text("def half a function(\n")
    with pytest.raises(NotCompiled, match="compiling failed"):
        brought_up_to_date([NAME], tmp_path, made)


def test_without_a_compiler_it_is_said_that_there_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = source_of(NAME, tmp_path)
    source.parent.mkdir()
    source.write_text(SOURCE)
    monkeypatch.setenv("CC", "a-compiler-that-nobody-has -O9")
    with pytest.raises(NotCompiled, match=r"no C compiler \(a-compiler-that-nobody-has"):
        brought_up_to_date([NAME], tmp_path, tmp_path / "made")
    assert not (tmp_path / "made").exists()
