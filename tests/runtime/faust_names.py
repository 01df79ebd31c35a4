"""What of Faust, mode and aiokafka our code overrides, and which names that are not public it uses: found by reading the code.

A *foreign* class is one of the three packages'. Deliberately absent: public functions and classes that are only called; their
absence would show at once.
"""

import ast
import importlib
import inspect
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

FOREIGN = ("faust", "mode", "aiokafka")
ROOT = Path(__file__).parents[2]
APP, CONF = "app", "conf"
PACKAGES = ("runtime", "processors", "sinks", "collector", "deploy")


class Name(NamedTuple):
    """`owner` is a foreign class, `app` or `conf` for what is called so, or "" where the code does not show whose name it is."""

    owner: str
    name: str


def modules() -> list[ModuleType]:
    """Those of ours that import a foreign package, at the top or inside a function, or a module that does."""
    sources = {
        ".".join(path.relative_to(ROOT).with_suffix("").parts): ast.parse(path.read_text())
        for package in PACKAGES
        for path in (ROOT / package).rglob("*.py")
    }
    found = {name for name, tree in sources.items() if imported(tree) & set(FOREIGN)}
    found |= {name for name, tree in sources.items() if imported_modules(tree) & found}
    return [importlib.import_module(name) for name in sorted(found)]


def imported_modules(tree: ast.AST) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return names


def imported(tree: ast.AST) -> set[str]:
    return {name.partition(".")[0] for name in imported_modules(tree)}


def foreign_base(cls: type) -> type | None:
    """The nearest foreign class that `cls` is made from."""
    return next((base for base in cls.__mro__ if base.__module__.partition(".")[0] in FOREIGN), None)


def qualified(cls: type) -> str:
    return f"{cls.__module__}:{cls.__qualname__}"


def classes_of(module: ModuleType) -> Iterator[type]:
    for value in vars(module).values():
        if inspect.isclass(value) and value.__module__ == module.__name__:
            yield value


def definitions(module: ModuleType) -> Iterator[tuple[type, ast.ClassDef]]:
    nodes = {node.name: node for node in ast.walk(tree_of(module)) if isinstance(node, ast.ClassDef)}
    yield from ((cls, nodes[cls.__name__]) for cls in classes_of(module))


def made(node: ast.ClassDef) -> set[str]:
    """The names that a class gives itself: in its body, or by assigning to `self`."""
    names = {each.attr for each in attributes(node) if is_self(each) and isinstance(each.ctx, ast.Store)}
    for each in node.body:
        if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef):
            names.add(each.name)
        elif isinstance(each, ast.Assign | ast.AnnAssign):
            targets = each.targets if isinstance(each, ast.Assign) else [each.target]
            names |= {target.id for target in targets if isinstance(target, ast.Name)}
    return {name for name in names if not name.startswith("__")}


def overridden(module: ModuleType) -> Iterator[Name]:
    """What our subclasses of foreign classes make that the foreign class has too."""
    for cls, node in definitions(module):
        if (base := foreign_base(cls)) is not None:
            theirs = set(dir(base)) | {
                name for each in base.__mro__ for name in inspect.get_annotations(each)
            }
            yield from (Name(qualified(base), name) for name in made(node) & theirs)


def used_on_self(module: ModuleType) -> Iterator[Name]:
    """What our subclasses of foreign classes use of themselves and have not made."""
    for cls, node in definitions(module):
        if (base := foreign_base(cls)) is not None:
            used = {attribute.attr for attribute in attributes(node) if is_self(attribute)}
            yield from (Name(qualified(base), name) for name in used - made(node))


def private_elsewhere(module: ModuleType) -> Iterator[Name]:
    """Underscored names of objects whose class cannot be seen: of anything but `self`, or never made by a class of ours."""
    tree = tree_of(module)
    ours = {name for _, node in definitions(module) for name in made(node)}
    foreign = [node for cls, node in definitions(module) if foreign_base(cls) is not None]
    seen = {id(each) for node in foreign for each in attributes(node) if is_self(each)}
    names = {
        node.attr
        for node in attributes(tree)
        if id(node) not in seen and not (is_self(node) and node.attr in ours)
    }
    yield from (Name("", name) for name in names | set(asked_by_name(tree)) if is_private(name))


def used_on_app(module: ModuleType) -> Iterator[Name]:
    """Everything that is used of what is called `app` or `conf`."""
    for node in attributes(tree_of(module)):
        called = node.value.attr if isinstance(node.value, ast.Attribute) else getattr(node.value, "id", "")
        if called.lstrip("_") in (APP, CONF):
            yield Name(called.lstrip("_"), node.attr)


@cache  # so that a node is the same object whoever looks
def tree_of(module: ModuleType) -> ast.Module:
    return ast.parse(inspect.getsource(module))


def attributes(tree: ast.AST) -> Iterator[ast.Attribute]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.Attribute))


def asked_by_name(tree: ast.AST) -> Iterator[str]:
    """The names given to getattr(), setattr() and hasattr()."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and len(node.args) > 1:
            name = node.args[1]
            if node.func.id in ("getattr", "setattr", "hasattr") and isinstance(name, ast.Constant):
                yield str(name.value)


def is_self(node: ast.Attribute) -> bool:
    return isinstance(node.value, ast.Name) and node.value.id in ("self", "cls")


def is_private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__")


@cache
def all_names() -> set[Name]:
    finders = (overridden, used_on_self, private_elsewhere, used_on_app)
    return {name for module in modules() for find in finders for name in find(module)}
