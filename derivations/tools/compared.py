r"""Whether a displayed statement is what was decided: its relations are read, and decided again as they stand.

Letters take the values that the check gave them (`derivations.tools.means.reading`) or that their definitions give,
what is supposed is put in where it can be read, and the two sides are compared. A relation that cannot be read, or does
not follow in this way, is not compared; to leave out what is supposed only asks for more.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import sympy as sp

from derivations.tools.means import Reading
from derivations.tools.numbers import is_positive
from derivations.tools.reading import SPACES, Reader, Unread, tokens
from derivations.tools.zero import is_zero

_RELATIONS = frozenset(
    r"= < > \le \leq \ge \geq \ne \neq \to \sim \simeq \approx \propto \succ \succeq \prec \preceq \in \ni \ll \gg "
    r"\perp \equiv \mapsto \xrightarrow".split()
)
_IMPLIES = frozenset({r"\Longrightarrow", r"\implies", r"\Rightarrow"})
_EQUIVALENT = frozenset({r"\iff", r"\Longleftrightarrow", r"\Leftrightarrow"})
_STRONG = frozenset({r"\qquad", r"\\", ";"})
_BREAKS = frozenset({":", ",", r"\quad"}) | _STRONG | _IMPLIES | _EQUIVALENT
_WORD = r"(?:if|for|where|with|when|on|but|unless)"
#: Words in front of what is supposed: they begin or end so.
_SUPPOSING = re.compile(rf"\W*{_WORD}\b|.*\b{_WORD}$")


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
        depth = max(0, depth + {"{": 1, "(": 1, "[": 1, "}": -1, ")": -1, "]": -1}.get(token, 0))
        range_ = token in SPACES and items[place + 1 : place + 2] == ["("]
        if depth == 0 and (token in _BREAKS or range_ or token.startswith(r"\text{")):
            yield piece, token
            piece = []
        else:
            piece.append(token)
    yield piece, ""


def _chain(piece: list[str], last: list[str], supposed: list[list[str]]) -> list[Claim]:
    """The relations of a piece, a = b < c as two; a formula without a sign is one that cannot be read."""
    sides, signs, depth = [list[str]()], list[str](), 0
    for token in piece:
        depth += {"{": 1, "(": 1, "[": 1, "}": -1, ")": -1, "]": -1}.get(token, 0)
        if depth == 0 and token in _RELATIONS:
            signs.append(token)
            sides.append([])
        else:
            sides[-1].append(token)
    if signs and not [token for token in sides[0] if token not in SPACES]:
        sides[0] = last
    pairs = zip(sides, signs or [""], [*sides[1:], []], strict=False)
    return [Claim(left, sign, right, list(supposed)) for left, sign, right in pairs]


def claims(latex: str) -> list[Claim]:
    r"""The relations that a statement displays.

    What is supposed is no claim: what stands before a colon or an arrow, behind "for", "if" and the like up to the next
    comma, and a relation in brackets of its own.
    """
    found: list[Claim] = []
    before, words, last = list[list[str]](), list[list[str]](), list[str]()
    start, supposing = 0, False  # where the clause began
    for piece, separator in _pieces(latex):
        bare = [token for token in piece if token not in SPACES]
        alone = bare[:1] == ["("] and bare[-1:] == [")"] and bool(_RELATIONS & set(bare))
        if bare and (alone or supposing):
            for claim in found[start:]:
                claim.supposed.append(bare[1:-1] if alone else bare)
        elif bare:
            found += _chain(piece, last, before)
            last = found[-1].right
        said = separator[6:-1].strip() if separator.startswith(r"\text{") else ""
        supposing = bool(_SUPPOSING.match(said)) if said else supposing and separator in SPACES
        words += [[separator]] if said else []
        if separator in _IMPLIES or separator == ":" or said.endswith(":"):
            taken = [[*claim.left, claim.sign, *claim.right] for claim in found[start:]]
            before = [*(before if separator in _IMPLIES else ()), *words, *taken]
            del found[start:]
            words = []
        elif separator in _EQUIVALENT:
            found.append(Claim([], separator, []))
        elif separator in _STRONG:
            start, words = len(found), []
            before = [] if separator == ";" else before
    return found


def _plain(items: Sequence[str]) -> str:
    return "".join(token for token in "".join(items).split() if token not in SPACES).replace(r"\,", "")


def agrees(
    claim: Claim, readings: Sequence[Reading], names: Mapping[str, str], scalars: Mapping[str, sp.Symbol]
) -> bool:
    """Whether the relation can be read and follows as it stands."""
    supposed = [_plain(items) for items in claim.supposed]
    values: dict[str, sp.Expr] = {}
    prime = None
    for reading in readings:
        if all(any(_plain(tokens(word)) in each for each in supposed) for word in reading.under):
            values |= reading.values
            prime = reading.prime or prime
    reader = Reader(values, names, scalars, prime)
    try:
        left, right = reader.read(claim.left), reader.read(claim.right)
        for items in claim.supposed:
            for each in _chain(items, [], []):
                left, right = _put(each, reader, left, right)
        return _holds(left, claim.sign, right, claim.right)
    except (Unread, ValueError, TypeError, ZeroDivisionError, NotImplementedError):
        return False


def _put(claim: Claim, reader: Reader, left: sp.Expr, right: sp.Expr) -> tuple[sp.Expr, sp.Expr]:
    """Both sides with what is supposed, where it says something of one symbol."""
    try:
        low, high = reader.read(claim.left), reader.read(claim.right)
    except Unread:
        return left, right
    sign = claim.sign
    if sign in (">", r"\ge", r"\geq"):
        low, high, sign = high, low, {">": "<"}.get(sign, r"\le")
    room = sp.Dummy(positive=True) if sign == "<" else sp.Dummy(nonnegative=True)
    if sign == "=" and low.is_Symbol and not high.has(low):
        table = {low: high}
    elif sign in ("<", r"\le") and high.is_Symbol and not low.has(high):
        table = {high: low + room}
    elif sign in ("<", r"\le") and low.is_Symbol and not high.has(low):
        table = {low: high - room}
    else:
        return left, right
    return left.subs(table), right.subs(table)


def _holds(left: sp.Expr, sign: str, right: sp.Expr, written: list[str]) -> bool:
    """Whether the relation between two expressions is decided, for all values of what is in them."""
    if sign == "=":
        return is_zero(left - right)
    if sign in ("<", r"\le", r"\leq", ">", r"\ge", r"\geq"):
        rest = right - left if sign in ("<", r"\le", r"\leq") else left - right
        forms = (rest, sp.expand(rest), sp.factor(rest))
        if sign in ("<", ">"):
            return any(each.is_positive for each in forms) or is_positive(forms[-1])
        return any(each.is_nonnegative for each in forms) or is_positive(forms[-1])
    if sign == r"\approx" and (digits := re.fullmatch(r"\d+\.(\d+)", "".join(written).replace(r"\,", ""))):
        half = sp.Rational(1, 2 * 10 ** len(digits.group(1)))
        return is_positive(half - (left - right)) and is_positive(half + (left - right))
    return False


def compared(
    statement: str, readings: Sequence[Reading], names: Mapping[str, str], scalars: Mapping[str, sp.Symbol]
) -> tuple[int, int]:
    """How many of the displayed relations were compared, and how many there are."""
    found = claims(statement)
    return sum(agrees(claim, readings, names, scalars) for claim in found), len(found)
