r"""Whether a displayed statement is what was decided: its relations are read, and decided again as they stand.

Letters take the values that the check gave them (`derivations.tools.means.reading`) or that their definitions give,
what is supposed is put in where it can be read, and the two sides are compared. A relation that cannot be read, or does
not follow in this way, is not compared; to leave out what is supposed only asks for more.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

import sympy as sp

from derivations.tools.claims import Claim, chain, claims
from derivations.tools.limits import tends
from derivations.tools.means import ORDER
from derivations.tools.numbers import is_positive
from derivations.tools.proof import Comparison, Outcome
from derivations.tools.reading import SPACES, Reader, UnreadError, Value, tokens
from derivations.tools.sums import Form, same
from derivations.tools.zero import is_zero

_SAME = {r"\leq": r"\le", r"\geq": r"\ge", r"\succeq": r"\ge", r"\preceq": r"\le"}
_TURNED = {">": "<", r"\ge": r"\le"}


def _plain(items: Sequence[str]) -> str:
    """The tokens without what is space."""
    return "".join("".join(token for token in items if token not in SPACES).split())


def agrees(claim: Claim, done: Outcome, names: Mapping[str, str]) -> bool | None:
    """Whether the relation follows as it stands; None where it cannot be read."""
    ordered = _SAME.get(claim.sign, claim.sign) in {*_TURNED, *_TURNED.values()}
    kind = ORDER if ordered else claim.sign
    plain = (items for items in claim.supposed if not any(token.startswith(r"\text{") for token in items))
    parts = [each for items in plain for each in chain(items, [], [])]
    given = {*map(_plain, claim.supposed), *(_plain([*each.left, each.sign, *each.right]) for each in parts)}
    values: dict[str, Value] = {}
    prime = None
    for reading in done.readings:
        if all(word == kind if word in ("=", ORDER) else _plain(tokens(word)) in given for word in reading.under):
            values |= reading.values
            prime = reading.prime or prime
    reader = Reader(values, names, done.scalars, prime)
    try:
        left, right = reader.read(claim.left), reader.read(claim.right)
        for each in parts:
            if claim.sign != "=" or each.sign == "=":  # an identity is one without a range
                left, right = _put(each, reader, left, right)
        if claim.sign == r"\to":
            large = [reader.read(items[:1]) for items in claim.supposed if items[1:] == [r"\to", r"\infty"]]
            return tends(left, large[0], right).passed if len(large) == 1 else None
        return _holds(left, claim.sign, right, _plain(claim.right), done.known)
    except (UnreadError, ValueError, TypeError, AttributeError, NotImplementedError):
        return None  # not read, or what is no sum and no product of what was read


def _put(claim: Claim, reader: Reader, left: Value, right: Value) -> tuple[Value, Value]:
    """Both sides with what is supposed, where it says something of one symbol."""
    try:
        low, high = reader.read(claim.left), reader.read(claim.right)
    except UnreadError:
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
    if sign == r"\approx" and (digits := re.fullmatch(r"\d+\.(\d+)", written)):
        half = sp.Rational(1, 2 * 10 ** len(digits.group(1)))
        return is_positive(half - (left - right)) and is_positive(half + (left - right))
    return None


def _split(expr: sp.Expr) -> sp.Expr:
    """Roots of quotients as quotients of roots, where the lower one is positive."""

    def parts(root: sp.Expr) -> sp.Expr:
        top, bottom = sp.fraction(_factor(sp.together(root.base)))
        return top**root.exp / bottom**root.exp if bottom.is_positive else root

    return expr.replace(lambda node: node.is_Pow and node.exp.is_Rational and node.exp.q == 2, parts)


def _factor(expr: sp.Expr) -> sp.Expr:
    """The factors, exponentials taken as letters: SymPy splits their exponents, and may then factor for hours."""
    letters = {power: sp.Dummy(positive=True) for power in expr.atoms(sp.exp)}
    return sp.factor(expr.subs(letters)).subs({letter: power for power, letter in letters.items()})


def _over(expr: sp.Expr) -> Iterator[sp.Expr]:
    """The expression over a power of each of its exponentials, if every term has as many of them: else none.

    Of the quotients of exponentials those that are e^(−x) with an x > 0 are 1/(1+y) with a y > 0.
    """
    letters = {power: sp.Dummy(positive=True) for power in sorted(expr.atoms(sp.exp), key=sp.default_sort_key)}
    # each exponential by itself: `subs` would see e^(2x) as a power of e^x
    plain = sp.expand(expr.xreplace(letters))
    if not (letters and plain.is_polynomial(*letters.values()) and sp.Poly(plain, *letters.values()).is_homogeneous):
        return
    for first in (power for power in letters if power.is_positive):
        over = {each: sp.factor(each.args[0] - first.args[0]) for each in letters}
        yield plain.xreplace(
            {
                letters[each]: 1 / (1 + sp.Dummy(positive=True)) if rest.is_negative else sp.exp(rest)
                for each, rest in over.items()
            }
        )


def has_sign(expr: sp.Expr, *, strict: bool) -> bool:
    """Whether an expression is positive, or not negative, by the signs of its symbols and the order of exponentials."""
    forms = [expr, sp.expand(expr), _factor(expr), *map(_factor, _over(expr))]
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
