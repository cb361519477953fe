"""Mathematics in the page as MathML, which browsers set without a script; everything in a text is escaped."""

from __future__ import annotations

import re
from collections.abc import Iterable
from html import escape
from xml.etree.ElementTree import Element, tostring

from glutheory.report.elements import elements

_DOLLARS = re.compile(r"(?<!\\)\$([^$]*)(?<!\\)\$")
#: An exponent in plain text.
_TYPED = re.compile(r"(?<=[\w)|])\^(-?\d+(?:\.\d+)?|[A-Za-z\u0370-\u03ff]+)")


def mathml(latex: str, *, block: bool = False) -> str:
    """One `<math>` element.

    Args:
        latex: without dollar signs.
        block: on a line of its own, with large sums and fractions.

    Raises:
        DomainError: it is not LaTeX that can be read.
    """
    return markup(elements(latex), display="block" if block else "inline")


def prose(text: str) -> str:
    """HTML of text with mathematics between dollar signs; a single dollar sign stands for itself.

    Exponents that were typed as in ``d^2`` are raised, and ``>=`` and ``<=`` are one sign.

    Raises:
        DomainError: as for `mathml`.
    """
    parts = _DOLLARS.split(text)
    return "".join(mathml(part) if index % 2 else _plain(part) for index, part in enumerate(parts))


def _plain(text: str) -> str:
    """Text outside the dollar signs; what was typed as ``d^2`` and ``>=`` is set."""
    for typed, sign in ((r"\$", "$"), (">=", "≥"), ("<=", "≤")):
        text = text.replace(typed, sign)
    return _TYPED.sub(lambda found: f"<sup>{found[1].replace('-', '−')}</sup>", escape(text))


def markup(row: Iterable[Element], **attributes: str) -> str:
    """A `<math>` element.

    Args:
        row: what is in it.
        **attributes: of the element.
    """
    root = Element("math", attributes)
    root.extend(row)
    return tostring(root, encoding="unicode", short_empty_elements=False)
