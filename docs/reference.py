# ruff: noqa: INP001 (a script)
"""The API reference from the docstrings, as a folder of HTML pages.

    python docs/reference.py reference     # open reference/index.html

pdoc reads the modules; this script says which are public, and has names ready that are imported lazily. The status is
1 if pdoc warns (a docstring that it cannot read, a name that does not exist) or a public name is not on its page.
"""

from __future__ import annotations

import importlib
import sys
import warnings
from pathlib import Path
from types import ModuleType

import pdoc.render

#: What users import. Everything else is how it is done, and may change.
PUBLIC = (
    "glutheory",
    "glutheory.activations",
    "glutheory.layers",
    "glutheory.sampling",
    "glutheory.sampling.feed_forward",
    "glutheory.spectra",
    "glutheory.dynamics",
    "glutheory.architectures",
    "glutheory.audit",
    "glutheory.datasets",
    "glutheory.integrations.scikit_learn",
    "glutheory.integrations.operator",
    "glutheory.integrations.extremes",
    "glutheory.integrations.torch",
    "glutheory.integrations.gpytorch",
    "glutheory.integrations.jax",
    "glutheory.integrations.chunked",
    "glutheory.integrations.cluster",
    "glutheory.studies.kernel",
    "glutheory.studies.spectrum",
    "glutheory.studies.dynamics",
    "glutheory.studies.phase",
    "glutheory.studies.depth",
    "glutheory.figures.chart",
    "glutheory.figures.draw",
    "glutheory.claims",
    "glutheory.claims.stored",
    "glutheory.errors",
    "glutheory.symbols",
    # these come with a clone, not with the package
    "checks.tools.bounds",
    "checks.tools.statistics",
    "checks.tools.two_sample",
    "checks.tools.equivalence",
    "checks.tools.exponents",
)


def write(folder: Path) -> list[str]:
    """Write the pages; returns what is wrong with them."""
    modules = [importlib.import_module(name) for name in PUBLIC]
    for module in modules:
        for member in getattr(module, "__all__", ()):
            # pdoc looks into the module's own dictionary, where a lazy name is not
            setattr(module, member, getattr(module, member))
    # pdoc finds these itself, by the names of the package
    handed_on = {
        f"{module.__name__}.{name}"
        for module in modules
        for name in getattr(module, "__all__", ())
        if getattr(module, name).__class__ is ModuleType
    }
    pdoc.render.configure(docformat="google", show_source=False)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always", UserWarning)
        pdoc.pdoc(*(name for name in PUBLIC if name not in handed_on), output_directory=folder)
    found = [str(item.message) for item in told if issubclass(item.category, UserWarning)]
    for module in modules:
        page = (folder / f"{module.__name__.replace('.', '/')}.html").read_text(encoding="utf-8")
        # a module that is handed on has a page of its own
        members = [name for name in getattr(module, "__all__", ()) if getattr(module, name).__class__ is not ModuleType]
        absent = [member for member in members if f'id="{member}"' not in page]
        found += [f"{module.__name__}.{member} is not on its page" for member in absent]
    return found


def main() -> None:
    """Write them to the folder named on the command line."""
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # `checks` is no installed package
    folder = Path(sys.argv[1] if len(sys.argv) == 2 else "reference")
    told = write(folder)
    print(*told, f"{len(PUBLIC)} modules: {folder / 'index.html'}", sep="\n")
    sys.exit(1 if told else 0)


if __name__ == "__main__":
    main()
