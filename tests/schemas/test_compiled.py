"""Which file a module is imported from: the compiled one of exactly its source, or the source."""

import ast
import ctypes
import re
import subprocess
import sys
from importlib import import_module
from importlib.metadata import version
from pathlib import Path

import pytest

from deploy.compiling import MODULES
from schemas.compiled import RECIPE, CompiledFinder, library, origin_of, source_of, types_of


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = source_of("schemas.example", tmp_path)
    path.parent.mkdir()
    path.write_text("ANSWER = 42\n")
    return path


def test_a_module_is_taken_compiled_of_its_very_source_alone(tmp_path: Path, source: Path) -> None:
    made = library("schemas.example", source.read_bytes(), tmp_path)
    made.write_bytes(b"machine code")
    finder = CompiledFinder(tmp_path, tmp_path)
    found = finder.find_spec("schemas.example")
    assert found is not None
    assert found.origin == str(made)
    source.write_text("ANSWER = 43\n")
    assert finder.find_spec("schemas.example") is None
    source.write_text("ANSWER = 42\n")
    assert finder.find_spec("schemas.example") is not None


def test_an_edited_source_takes_those_along_that_know_its_types(tmp_path: Path, source: Path) -> None:
    other = source_of("schemas.other", tmp_path)
    other.write_text("OTHER = 1\n")
    types_of("schemas.other", tmp_path).write_text(
        "cimport cython\nfrom schemas.example cimport Answer\nfrom cython cimport final\n"
    )
    before = origin_of("schemas.other", tmp_path)
    library("schemas.other", before, tmp_path).write_bytes(b"machine code")
    assert CompiledFinder(tmp_path, tmp_path).find_spec("schemas.other") is not None
    for changed in (source, types_of("schemas.example", tmp_path)):
        changed.write_text("# edited\n")
        assert CompiledFinder(tmp_path, tmp_path).find_spec("schemas.other") is None
        changed.write_text("ANSWER = 42\n") if changed == source else changed.unlink()
        assert origin_of("schemas.other", tmp_path) == before


@pytest.mark.parametrize("name", ["schemas", "schemas.nothing", "example", "json", "schemas.example"])
def test_what_was_not_compiled_is_pythons(tmp_path: Path, source: Path, name: str) -> None:
    assert CompiledFinder(tmp_path, tmp_path).find_spec(name) is None


def test_nothing_is_taken_compiled_where_python_is_told_so() -> None:
    program = (
        "import sys; from processors.resolver import resolve; sys.exit(not resolve.__file__.endswith('.py'))"
    )
    subprocess.run([sys.executable, "-X", "interpreted", "-c", program], check=True)


def test_the_modules_that_are_compiled_exist_and_are_named_once() -> None:
    assert all(source_of(name).exists() for name in MODULES)
    assert len(set(MODULES)) == len(MODULES)


def test_another_compiler_is_another_recipe() -> None:
    assert f"Cython {version('cython')}," in RECIPE.decode()


@pytest.mark.parametrize("name", [name for name in MODULES if types_of(name).exists()])
def test_the_fields_of_a_class_that_the_compiler_knows_are_declared(name: str) -> None:
    """Where it is compiled it has no others; interpreted it would have."""
    declared = set(re.findall(r"\w+", types_of(name).read_text()))
    for node in ast.walk(ast.parse(source_of(name).read_text())):
        if isinstance(node, ast.ClassDef) and f"cdef class {node.name}:" in types_of(name).read_text():
            fields = {
                part.attr
                for part in ast.walk(node)
                if isinstance(part, ast.Attribute)
                and isinstance(part.value, ast.Name)
                and part.value.id == "self"
            }
            methods = {part.name for part in node.body if isinstance(part, ast.FunctionDef)}
            assert fields - methods <= declared


@pytest.mark.parametrize(
    "name",
    ["schemas.events.call", "schemas.events.dead_letter", "schemas.events.pack", "schemas.wire.stamps"],
)
def test_the_fields_of_a_struct_lie_where_the_compiler_is_told(name: str) -> None:
    """Behind the head of an object, one pointer each, in the order in which they are declared: C reads them there."""
    told = re.findall(r"^cdef class (\w+):\n((?:    cdef .+\n)+)", types_of(name).read_text(), re.MULTILINE)
    assert told
    for title, lines in told:
        struct = getattr(import_module(name), title)
        fields = [field for line in lines.splitlines() for field in re.findall(r"\w+", line)[2:]]
        values = {field: object() for field in fields}
        made = struct(**values)
        head, pointer = object.__basicsize__, ctypes.sizeof(ctypes.c_void_p)
        for place, field in enumerate(fields):
            at = id(made) + head + place * pointer
            assert ctypes.c_void_p.from_address(at).value == id(values[field]), field
        assert struct.__basicsize__ == head + len(fields) * pointer, title
