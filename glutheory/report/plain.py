r"""Labels as plain text: ``$\lambda_1(\tilde K)$`` becomes "λ₁(K̃)", for tooltips and alternative texts.

The mathematics is read from the MathML that the page shows.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

from glutheory.report.mathml import prose

_BELOW = dict(zip("0123456789+−=()aehijklmnoprstuvx", "₀₁₂₃₄₅₆₇₈₉₊₋₌₍₎ₐₑₕᵢⱼₖₗₘₙₒₚᵣₛₜᵤᵥₓ", strict=True))
_ABOVE = dict(zip("0123456789+−=()in*′⊤", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁼⁽⁾ⁱⁿ*′ᵀ", strict=True))
_ACCENTS = {"\u02dc": "\u0303", "\u02c6": "\u0302", "¯": "\u0304"}
#: Signs with a space on both sides; those after which a sign is not an operation but belongs to the number.
_SPACED, _OPENING = "=<>≤≥≈≃≪≫→⇒⟺+−⊙", "(=<>≤≥≈≃≪≫→⇒⟺+−/|‖,"
#: One name and its argument, which needs no brackets in a fraction.
_APPLIED = re.compile(r"[^\s()+−·/|‖]+\([^\s()+−·/]*\)")


def plain(text: str) -> str:
    """The text with its mathematics (``$…$``) in Unicode characters.

    Raises:
        DomainError: the mathematics cannot be read.
    """
    root = ET.fromstring(f"<p>{prose(text)}</p>")
    return "".join([root.text or "", *(_text(child) + (child.tail or "") for child in root)])


def _text(element: ET.Element) -> str:
    """The text of a MathML element."""
    parts = [_text(child) for child in element]
    match element.tag:
        case "mi" | "mn" | "mo" | "mtext":
            return (element.text or "").replace("\xa0", " ")
        case "mspace":
            return " "
        case "sup":  # a power in plain text
            return _script(element.text or "", _ABOVE, "^")
        case "mfrac":
            return "/".join(map(_bracketed, element, parts))
        case "msqrt":
            return f"√{_bracketed(element, ''.join(parts))}"
        case "msub" | "munder":
            return parts[0] + _script(parts[1], _BELOW, "_")
        case "msup":
            return parts[0] + _script(parts[1], _ABOVE, "^")
        case "msubsup" | "munderover":
            return parts[0] + _script(parts[1], _BELOW, "_") + _script(parts[2], _ABOVE, "^")
        case "mover":
            return parts[0] + _ACCENTS.get(parts[1], parts[1])
        case _:
            return _row(element, parts)


def _row(row: ET.Element, parts: list[str]) -> str:
    """Neighbours in a row, with spaces around operations and relations."""
    written, last = "", None
    for element, part in zip(row, parts, strict=True):
        if last == "mfrac" and element.tag not in ("mo", "mspace", "mtext"):
            written += " "
        last = _single(element).tag
        before = written.rstrip()
        sign = part in "+−" and (not before or before[-1] in _OPENING)
        written += f" {part} " if element.tag == "mo" and part in _SPACED and part and not sign else part
    return " ".join(written.split()) if len(parts) > 1 else written


def _script(text: str, characters: dict[str, str], mark: str) -> str:
    """A sub- or superscript: small characters where Unicode has them all, words and the rest behind a mark."""
    if all(char in characters for char in text) and not (len(text) > 1 and text.isalpha()):
        return "".join(characters[char] for char in text)
    return mark + (text if text.isalnum() else f"({text})")


def _bracketed(element: ET.Element, text: str) -> str:
    """The text, in brackets unless it is a single thing."""
    element = _single(element)
    alone = element.tag in ("msub", "msup", "mover") or _APPLIED.fullmatch(text)
    return f"({text})" if len(element) and not alone else text


def _single(element: ET.Element) -> ET.Element:
    """What stands in it alone, such as the fraction in a style."""
    while len(element) == 1:
        element = element[0]
    return element
