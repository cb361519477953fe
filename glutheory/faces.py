"""A package's face that imports a name's module when the name is first asked for.

So each name brings its own part only: who evaluates does not wait for numpy, who asks for --help not for SymPy.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any


def lazy(package: str, homes: Mapping[str, tuple[str, ...]]) -> Callable[[str], Any]:
    """The `__getattr__` of a package: the names that its modules have, by the module; "p.m": ("m",) is p.m itself."""
    modules = {name: module for module, names in homes.items() for name in names}

    def get(name: str) -> Any:
        if name not in modules:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        home = import_module(modules[name])
        value = home if modules[name] == f"{package}.{name}" else getattr(home, name)
        setattr(sys.modules[package], name, value)  # so that it is asked for once
        return value

    return get
