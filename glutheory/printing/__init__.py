"""Printing: a derivation as text for people, as LaTeX, as programs (Python, C99), for SymPy and Mathematica, as JSON.

`glutheory.printing.contents` collects what is to be said, once; `render` writes it in one of `FORMATS`. Other
rooms use these, and `digits` (a ball's certified decimals).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from glutheory.errors import DerivationError

if TYPE_CHECKING:
    from glutheory.printing.contents import Report
    from glutheory.printing.stack_contents import StackReport
    from glutheory.terminal import Terminal

#: The formats that `render` knows.
FORMATS = ("text", "latex", "python", "json", "sympy", "mathematica", "c")
#: Those that it knows for a stack.
STACK_FORMATS = ("text", "latex", "python", "json", "c")

__all__ = ["FORMATS", "STACK_FORMATS", "render", "render_stack"]


def render_stack(found: StackReport, form: str, terminal: Terminal, *, steps: bool = False) -> str:
    """The report on a stack in one of `STACK_FORMATS`, ending with a newline; arguments as for `render`.

    Raises:
        DerivationError: the format cannot express this result; the message says why.
    """
    if form == "text":
        from glutheory.printing.stack_text import stack_text

        return stack_text(found, terminal, steps=steps)
    if form == "latex":
        from glutheory.printing.stack_latex import stack_document

        return stack_document(found, steps=steps)
    if form == "json":
        from glutheory.printing.stack_json import stack_json

        return stack_json(found)
    if form in ("python", "c"):
        from glutheory.printing.stack_programs import c_source, python_module

        return python_module(found) if form == "python" else c_source(found)
    raise DerivationError(f"format is {form!r}: a stack is written as {', '.join(STACK_FORMATS)}.")


def render(found: Report, form: str, terminal: Terminal, *, steps: bool = False) -> str:
    """The report in one of `FORMATS`, ending with a newline.

    Args:
        found: what `glutheory.printing.contents.report` collected.
        form: the format.
        terminal: width, character set and colour; only "text" asks for it.
        steps: whether the text or the LaTeX shows the derivation step by step.

    Raises:
        DerivationError: the format cannot express this result; the message says why.
    """
    # imported here: each format needs its own part of SymPy's printing
    if form == "text":
        from glutheory.printing.text import text

        return text(found, terminal, steps=steps)
    if form == "latex":
        from glutheory.printing.latex import document

        return document(found, steps=steps)
    if form == "python":
        from glutheory.printing.source import module

        return module(found)
    if form == "c":
        from glutheory.printing.c99 import source

        return source(found)
    if form == "sympy":
        from glutheory.printing.sympy_form import expressions

        return expressions(found)
    if form == "mathematica":
        from glutheory.printing.mathematica import package

        return package(found)
    from glutheory.printing.json_form import as_json

    return as_json(found)
