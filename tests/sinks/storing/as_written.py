"""Modules as their sources stand, whatever was compiled of them."""

from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from types import ModuleType

from schemas.compiled import is_compiled, source_of


def as_written(name: str) -> ModuleType:
    loader = SourceFileLoader(f"{name.rpartition('.')[2]}_as_written", str(source_of(name)))
    spec = spec_from_loader(loader.name, loader)
    assert spec is not None
    module = module_from_spec(spec)
    loader.exec_module(module)
    assert not is_compiled(module)
    return module
