"""LaTeX as elements of MathML: by latex2mathml, with what it leaves to be desired put right.

Only elements and attributes that are known here come out.
"""

from __future__ import annotations

import re
from copy import deepcopy
from functools import lru_cache
from html import unescape
from itertools import pairwise
from xml.etree.ElementTree import Element

from glutheory.errors import DomainError

OPENING, CLOSING = frozenset("([{⟨⌈⌊"), frozenset(")]}⟩⌉⌋")
#: Brackets that latex2mathml leaves as commands after ``\\bigl`` and its like.
_BRACKETS = {r"\lceil": "⌈", r"\rceil": "⌉", r"\lfloor": "⌊", r"\rfloor": "⌋", r"\langle": "⟨", r"\rangle": "⟩"}
_BRACKETS |= {rf"\{side}{name}": sign for side in "lr" for name, sign in (("vert", "|"), ("Vert", "‖"))}
RELATIONS = frozenset("=<>≤≥≈≃∼≺≻⪯⪰→⇒⟺⇔∝≪≫≲≳∈≔≠")
_TAGS = {"mrow", "mi", "mn", "mo", "mtext", "mspace", "msub", "msup", "msubsup", "mfrac", "msqrt", "mroot", "mover"}
_TAGS |= {"munder", "munderover", "mstyle", "mpadded", "mphantom", "mtable", "mtr", "mtd", "menclose"}
#: How many elements each of these must have.
_PARTS = {"mfrac": 2, "mroot": 2, "msub": 2, "msup": 2, "mover": 2, "munder": 2, "msubsup": 3, "munderover": 3}
_ATTRIBUTES = {
    "stretchy",
    "fence",
    "form",
    "minsize",
    "maxsize",
    "displaystyle",
    "scriptlevel",
    "mathvariant",
    "accent",
}
_ATTRIBUTES |= {"lspace", "rspace", "width", "height", "depth", "linethickness", "columnalign", "separator"}
_ROWS = ("mrow", "mstyle", "mtd")
_SCRIPTS = ("msub", "msup", "msubsup")
_ACCENTS = {"∼": "\u02dc", "^": "\u02c6"}
#: Capital Greek letters, which TeX does not slant, and the operators that it sets close to their neighbours.
_UPRIGHT, _CLOSE = frozenset("ΓΔΘΛΞΠΣΦΨΩ"), frozenset("‖|/.")
#: The size of brackets after ``\\bigl``.
_BIG = "1.2em"
_LIMITS, _LARGE = {"msub": "munder", "msup": "mover", "msubsup": "munderover"}, frozenset("∑∏⋃⋂")
#: `x'^2` is right in TeX, a second superscript for latex2mathml.
_PRIMED = re.compile(r"('+)\s*\^\s*(\{[^{}]*\}|\\[a-zA-Z]+|[^\\{}\s])")
#: A font for one letter without braces, which is lost within a fraction.
_FONT = re.compile(r"(\\math(?:bb|bf|cal|frak|rm|sf))\s+([A-Za-z])")


def elements(latex: str) -> list[Element]:
    """What is set, in a row; the caller's own.

    Args:
        latex: without dollar signs.

    Raises:
        DomainError: it is not LaTeX that can be read.
    """
    return [deepcopy(element) for element in _convert(latex)]


@lru_cache(maxsize=1024)
def _convert(latex: str) -> tuple[Element, ...]:
    from latex2mathml.converter import Converter

    braces = re.sub(r"\\.", "", latex)
    if braces.count("{") != braces.count("}"):
        raise _unreadable(latex, "unequal numbers of opening and closing braces")
    source = _PRIMED.sub(lambda found: "^{" + r"\prime" * len(found[1]) + " " + found[2] + "}", latex)
    source = _FONT.sub(r"{\1{\2}}", source)
    try:
        root = Converter().convert_to_element(source)
    except Exception as error:  # noqa: BLE001 (theirs have no common base, and some are IndexError and the like)
        reason = " ".join(str(error).split()) or type(error).__name__.removesuffix("Error")
        raise _unreadable(latex, reason) from None
    row = _polished(root[0], latex)
    return tuple(row)


def _unreadable(latex: str, reason: str) -> DomainError:
    shown = latex if len(latex) <= 80 else f"{latex[:80]}..."
    return DomainError(f"the formula {shown!r} cannot be read ({reason[:80]}): write it in plain LaTeX.")


def _polished(element: Element, latex: str) -> Element:
    """The element as browsers and screen readers want it, with all that is in it."""
    if element.tag not in _TAGS:
        raise _unreadable(latex, f"{element.tag} is not supported")
    if len(element) != _PARTS.get(element.tag, len(element)):
        raise _unreadable(latex, "something is missing")
    made = Element(element.tag, {name: value for name, value in element.attrib.items() if name in _ATTRIBUTES})
    made.text = unescape(element.text or "")
    made.text = _BRACKETS.get(made.text, made.text)
    if "\\" in made.text:
        raise _unreadable(latex, f"unknown command {made.text}")
    if made.tag in ("mi", "mo"):
        _set_token(made)
    children = [_polished(child, latex) for child in element]
    made.extend(_words(children) if made.tag in _ROWS else children)
    if _is_name(made):
        made.tag = "mi"
        made.attrib.clear()
    if made.tag in _LIMITS and made[0].text in _LARGE:
        # below and above where there is room, beside them in the line
        made.tag = _LIMITS[made.tag]
    elif made.tag == "mover" and made[1].text in _ACCENTS:
        made.set("accent", "true")
        made[1].text = _ACCENTS[str(made[1].text)]
        made[1].set("stretchy", "false")
    return made


def _set_token(element: Element) -> None:
    """A letter or an operator as TeX sets it."""
    text = element.text = "∼" if element.text == "~" else str(element.text)
    if text == ":" or text in RELATIONS:
        element.tag = "mo"
    elif element.tag == "mi" and text in OPENING | CLOSING:
        # latex2mathml takes ceilings and floors for letters
        element.tag = "mo"
        element.attrib.update(stretchy="false")
    elif text in ("∞", "…", "⋯", "..."):
        element.tag = "mi"
        element.attrib.clear()
    if element.tag == "mi" and text in _UPRIGHT:
        element.set("mathvariant", "normal")
    elif element.get("minsize") == _BIG:
        # a little larger is not worth the space that browsers leave beside brackets that can grow
        element.attrib.clear()
        element.set("stretchy", "false")
    elif element.tag == "mo" and text in _CLOSE:
        element.attrib.update(lspace="0", rspace="0")


def _words(children: list[Element]) -> list[Element]:
    """Upright letters in a row become one word, and names of functions get the space around them that TeX gives."""
    found: list[Element] = []
    for child in children:
        last = found[-1] if found else None
        if last is not None and _is_upright(last) and _is_upright(child):
            last.text = str(last.text) + str(child.text)
        else:
            found.append(child)
    spaced = found[:1]
    for before, after in pairwise(found):
        if (_is_function(before) and _is_operand(after)) or (_is_function(after) and _is_operand(before, left=True)):
            spaced.append(Element("mspace", width="0.167em"))
        spaced.append(after)
    return spaced


def _is_upright(element: Element) -> bool:
    return element.tag == "mi" and element.get("mathvariant") == "normal" and str(element.text).isalpha()


def _is_name(element: Element) -> bool:
    """The name of a function: max, cos; latex2mathml sets some of them as operators, with wide spaces."""
    return element.tag in ("mi", "mo") and len(element.text or "") > 1 and str(element.text).isalpha()


def _is_function(element: Element) -> bool:
    """Such a name, or one with an index or exponent; no word in upright letters."""
    if element.tag in ("msub", "msup", "msubsup", "munder"):
        return _is_function(element[0])
    return _is_name(element) and element.get("mathvariant") is None


def _is_operand(element: Element, *, left: bool = False) -> bool:
    """What stands beside a function's name with a little space between: no operator, bracket or space."""
    if element.tag in _SCRIPTS:
        base = element[0]
        return base.tag != "mo" or (base.text == "‖" or (left and base.text in CLOSING))
    if element.tag == "mo":
        return element.text == "‖" or (left and element.text in CLOSING)
    return element.tag not in ("mspace", "mtext")
