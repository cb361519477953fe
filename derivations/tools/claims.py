r"""The relations that a displayed statement makes, cut out of its LaTeX, each with what is supposed for it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from derivations.tools.reading import SPACES, tokens

_NAMED = r"le|leq|ge|geq|ne|neq|to|sim|simeq|approx|propto|succ|succeq|prec|preceq|in|ni|ll|gg|perp|equiv|mapsto"
_RELATIONS = frozenset({"=", "<", ">", r"\xrightarrow", *(f"\\{name}" for name in _NAMED.split("|"))})
_DEPTH = {"{": 1, "(": 1, "[": 1, r"\langle": 1, "}": -1, ")": -1, "]": -1, r"\rangle": -1}
_IMPLIES = frozenset({r"\Longrightarrow", r"\implies", r"\Rightarrow"})
_EQUIVALENT = frozenset({r"\iff", r"\Longleftrightarrow", r"\Leftrightarrow"})
_STRONG = frozenset({r"\qquad", r"\\", ";"})
_BREAKS = frozenset({":", ",", r"\quad"}) | _STRONG | _IMPLIES | _EQUIVALENT
_WORD = r"(?:if|for|where|with|when|on)"
#: Words in front of what is supposed: they begin or end so.
_SUPPOSING = re.compile(rf"\W*(?:but )?{_WORD}\b|.*\b{_WORD}$")
#: Words that turn round what stands by them: no relation in such a phrase is read.
_TURNING = re.compile(r"\b(?:unless|except|without|not?|never|neither|nor)\b")


@dataclass
class Claim:
    """One displayed relation, its sides in tokens, and what is supposed for it, each in tokens."""

    left: list[str]
    sign: str
    right: list[str]
    supposed: list[list[str]] = field(default_factory=list)


def _pieces(latex: str) -> Iterator[tuple[list[str], str]]:
    """The formula cut at what separates: pieces in tokens, and the separator behind each."""
    depth, piece, items = 0, list[str](), tokens(latex)
    for place, token in enumerate(items):
        depth = max(0, depth + _DEPTH.get(token, 0))
        range_ = token == r"\ " and items[place + 1 : place + 2] == ["("]
        if depth == 0 and (token in _BREAKS or range_ or token.startswith(r"\text{")):
            yield piece, token
            piece = []
        else:
            piece.append(token)
    yield piece, ""


def chain(piece: list[str], last: list[str], supposed: list[list[str]]) -> list[Claim]:
    """The relations of a piece, a = b < c as two; a formula without a sign is one that cannot be read."""
    sides, signs, depth = [list[str]()], list[str](), 0
    for token in piece:
        depth += _DEPTH.get(token, 0)
        if depth == 0 and token in _RELATIONS:
            signs.append(token)
            sides.append([])
        else:
            sides[-1].append(token)
    if signs and not [token for token in sides[0] if token not in SPACES]:
        sides[0] = last
    pairs = zip(sides, signs or [""], [*sides[1:], []], strict=False)
    return [Claim(left, sign, right, list(supposed)) for left, sign, right in pairs]


def _alone(bare: list[str]) -> bool:
    """Whether it is a relation in brackets of its own."""
    depth = 0
    for place, token in enumerate(bare):
        depth += {"(": 1, ")": -1}.get(token, 0)
        if depth == 0 and place < len(bare) - 1:
            return False
    return bare[:1] == ["("] and bool(_RELATIONS & set(bare))


def claims(latex: str) -> list[Claim]:
    r"""The relations that a statement displays.

    What is supposed is no claim: what stands before a colon or an arrow, behind "for", "if" and the like up to the next
    comma, and a relation in brackets of its own. Words in it are supposed with the formulas that they stand between.
    """
    found: list[Claim] = []
    before, words, last = list[list[str]](), list[list[str]](), list[str]()
    phrase, first, turned = list[str](), 0, False  # formulas and words between two marks, and its first relation
    start, supposing = 0, False  # where the clause began
    for piece, separator in _pieces(latex):
        bare = [token for token in piece if token not in SPACES]
        alone = _alone(bare)
        if bare and (alone or supposing):
            for claim in found[start:]:
                claim.supposed.append(bare[1:-1] if alone else bare)
        elif bare:
            found += chain(piece, last, before)
            last = found[-1].right
        said = separator[6:-1].strip() if separator.startswith(r"\text{") else ""
        # a wide space behind a word is one in its clause, behind a formula it ends that
        ends = separator not in SPACES or (separator == r"\quad" and bool(bare))
        supposing = bool(_SUPPOSING.match(said)) if said else supposing and not ends
        phrase += [*bare, separator] if said else bare
        label = said.endswith(":")
        turned |= bool(_TURNING.search(said)) and not label
        if not said or label:
            words += [phrase] if any(token.startswith(r"\text{") for token in phrase) else []
            if turned and any(claim.sign for claim in found[first:]):
                found[first:] = [Claim([f"\\text{{{''.join(phrase)}}}"], "", [])]
            phrase, turned = [], False
        if separator in _IMPLIES or separator == ":" or label:
            taken = [[*claim.left, claim.sign, *claim.right] for claim in found[start:]]
            before = [*(before if separator in _IMPLIES else ()), *words, *taken]
            del found[start:]
            words = []
        elif separator in _EQUIVALENT:
            found.append(Claim([], separator, []))
        elif separator in _STRONG:
            start, words = len(found), []
            before = [] if separator == ";" else before
        first = first if phrase else len(found)
    return found
