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

from derivations.tools.limits import tends
from derivations.tools.means import ORDER
from derivations.tools.numbers import is_positive
from derivations.tools.proof import Comparison, Outcome
from derivations.tools.reading import SPACES, Reader, Unread, Value, tokens
from derivations.tools.sums import Form, same
from derivations.tools.zero import is_zero

_RELATIONS = frozenset(
    r"= < > \le \leq \ge \geq \ne \neq \to \sim \simeq \approx \propto \succ \succeq \prec \preceq \in \ni \ll \gg "
    r"\perp \equiv \mapsto \xrightarrow".split()
)
_SAME = {r"\leq": r"\le", r"\geq": r"\ge", r"\succeq": r"\ge", r"\preceq": r"\le"}
_TURNED = {">": "<", r"\ge": r"\le"}
_DEPTH = {"{": 1, "(": 1, "[": 1, r"\langle": 1, "}": -1, ")": -1, "]": -1, r"\rangle": -1}
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
        depth = max(0, depth + _DEPTH.get(token, 0))
        range_ = token == r"\ " and items[place + 1 : place + 2] == ["("]
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
    comma, and a relation in brackets of its own.
    """
    found: list[Claim] = []
    before, words, last = list[list[str]](), list[list[str]](), list[str]()
    start, supposing = 0, False  # where the clause began
    for piece, separator in _pieces(latex):
        bare = [token for token in piece if token not in SPACES]
        alone = _alone(bare)
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


def agrees(claim: Claim, done: Outcome, names: Mapping[str, str]) -> bool | None:
    """Whether the relation follows as it stands; None where it cannot be read."""
    ordered = _SAME.get(claim.sign, claim.sign) in {*_TURNED, *_TURNED.values()}
    given = {ORDER if ordered else claim.sign, *map(_plain, claim.supposed)}
    values: dict[str, Value] = {}
    prime = None
    for reading in done.readings:
        words = [_plain(tokens(word)) for word in reading.under]
        if all(any(word in each for each in given) for word in words):
            values |= reading.values
            prime = reading.prime or prime
    reader = Reader(values, names, done.scalars, prime)
    try:
        left, right = reader.read(claim.left), reader.read(claim.right)
        for each in (each for items in claim.supposed for each in _chain(items, [], [])):
            if claim.sign != "=" or each.sign == "=":  # an identity is one without a range
                left, right = _put(each, reader, left, right)
        if claim.sign == r"\to":
            large = [reader.read(items[:1]) for items in claim.supposed if items[1:] == [r"\to", r"\infty"]]
            return tends(left, large[0], right).passed if len(large) == 1 else None
        return _holds(left, claim.sign, right, "".join(claim.right), done.known)
    except (Unread, ValueError, TypeError, AttributeError, NotImplementedError):
        return None  # not read, or what is no sum and no product of what was read


def _put(claim: Claim, reader: Reader, left: Value, right: Value) -> tuple[Value, Value]:
    """Both sides with what is supposed, where it says something of one symbol."""
    try:
        low, high = reader.read(claim.left), reader.read(claim.right)
    except Unread:
        return left, right
    if not (isinstance(low, sp.Expr) and isinstance(high, sp.Expr)):
        return left, right
    sign = _SAME.get(claim.sign, claim.sign)
    if sign in _TURNED:
        low, high, sign = high, low, _TURNED[sign]
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


def _holds(left: Value, sign: str, right: Value, written: str, known: Sequence[tuple[sp.Expr, bool]]) -> bool | None:
    """Whether the relation between two values is decided, for all values of what is in them."""
    sign = _SAME.get(sign, sign)
    if sign in _TURNED:
        left, right, sign = right, left, _TURNED[sign]
    if sign == "=" and isinstance(left, sp.Tuple):
        return len(left) == len(right) and all(is_zero(one - other) for one, other in zip(left, right, strict=True))
    if sign == "=" and isinstance(rest := left - right, Form):
        return same(rest).passed
    if sign == "=":
        return all(map(is_zero, rest)) if isinstance(rest, sp.MatrixBase) else is_zero(rest) or is_zero(_split(rest))
    if sign in ("<", r"\le"):
        strict = sign == "<"
        given = (term for term, strictly in known if strictly or not strict)
        return has_sign(right - left, strict=strict) or any(is_zero(right - left - term) for term in given)
    if sign == r"\approx" and (digits := re.fullmatch(r"\d+\.(\d+)", _plain([written]))):
        half = sp.Rational(1, 2 * 10 ** len(digits.group(1)))
        return is_positive(half - (left - right)) and is_positive(half + (left - right))
    return None


def _split(expr: sp.Expr) -> sp.Expr:
    """Roots of quotients as quotients of roots, where the lower one is positive."""

    def parts(root: sp.Expr) -> sp.Expr:
        top, bottom = sp.fraction(sp.factor(sp.together(root.base)))
        return top**root.exp / bottom**root.exp if bottom.is_positive else root

    return expr.replace(lambda node: node.is_Pow and node.exp.is_Rational and node.exp.q == 2, parts)


def has_sign(expr: sp.Expr, *, strict: bool) -> bool:
    """Whether an expression is positive, or not negative, by the signs of its symbols.

    Of exponentials the first is a factor; the others over it are e^(−x) = 1/(1+y) for an x > 0 and a y > 0.
    """
    forms = [expr, sp.expand(expr), sp.factor(expr)]
    if powers := sorted(expr.atoms(sp.exp), key=sp.default_sort_key):
        for first in powers:
            over = {each: sp.factor(each.args[0] - first.args[0]) for each in powers}
            small = {each: 1 / (1 + sp.Dummy(positive=True)) for each in powers if over[each].is_negative} | {first: 1}
            forms.append(sp.factor(expr.subs(small)))
    if any(each.is_positive if strict else each.is_nonnegative for each in forms):
        return True
    return not expr.free_symbols and is_positive(expr)


def compared(statement: str, done: Outcome, names: Mapping[str, str]) -> Comparison:
    """The displayed relations held against what was decided."""
    found = [(claim, agrees(claim, done, names)) for claim in claims(statement)]
    against = (f"{_plain(claim.left)} {claim.sign} {_plain(claim.right)}" for claim, holds in found if holds is False)
    # without values from the check a letter may mean more than its symbol
    doubted = tuple(against) if done.readings else ()
    return Comparison(sum(holds is True for _, holds in found), max(1, len(found)), doubted)
