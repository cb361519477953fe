"""How results show themselves in notebooks: what asks for it is here, what is shown is made in `glutheory.notebook`.

IPython, Jupyter and marimo call these methods of the last value of a cell. A record does not know how it is shown, and
nothing of what shows it is loaded before a notebook, or `print`, asks.
"""

from __future__ import annotations

from importlib import import_module


class Shown:
    """A result that notebooks show as a formula or a page; None where a form has nothing to add."""

    def print(self) -> None:
        """Print what the command line prints of it: a derivation's page, a study's table; else its one line."""
        print(_made("text", self) or repr(self))

    def _repr_latex_(self) -> str | None:
        return _made("latex", self)

    def _repr_markdown_(self) -> str | None:
        return _made("markdown", self)

    def _repr_html_(self) -> str | None:
        return _made("html", self)


def _made(form: str, found: object) -> str | None:
    # by its name: whoever shows a result stands above whoever computes it
    made: str | None = getattr(import_module("glutheory.notebook"), form)(found)
    return made
