"""By what a check decides: the means, and a ledger that the deciding functions themselves write while a check runs.

A check cannot say more for itself than was done: whoever reduces an expression, evaluates a sign, asks SymPy for a
limit or takes a matrix of three rows writes that down here, and `derivations.tools.runs` reads it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from enum import Enum, StrEnum
from typing import TypeVar

import sympy as sp
from sympy.core.function import AppliedUndef

T = TypeVar("T")
E = TypeVar("E", bound=Enum)


class Means(StrEnum):
    """How something was decided, the strongest first."""

    REWRITING = "reduced to zero by rewriting"
    SIGNS = "signs follow from the signs of the factors"
    BALLS = "a strict inequality of explicit numbers decided in ball arithmetic"
    SYMPY = "computed by a general function of SymPy, whose result is believed"
    POINTS = "balls at exact points"


#: Means that leave nothing to belief: what they confirm is so for all values of the symbols.
EXACT = frozenset({Means.REWRITING, Means.SIGNS, Means.BALLS})


@dataclass(frozen=True)
class Reading:
    """What terms of the displayed statement are in the check: see `reading`."""

    values: Mapping[str, sp.Expr]
    under: tuple[str, ...] = ()
    prime: sp.Symbol | None = None


@dataclass
class Ledger:
    """What was done while a check ran.

    Attributes:
        symbols: names of the symbols and abstract functions in what was decided.
        believed: the functions of SymPy that were asked.
        instances: the particular values and sizes that stand for all, in words.
        cases: complete lists of cases that were gone through, in words.
        links: conclusions in the sentence that were checked, in words.
        signs: how many expressions were found to have a sign.
        scalars: the symbols in what was decided, by name; without assumptions where there are two of one name.
        readings: what terms of the displayed statement are in the check.
        known: expressions that were found to have a sign, and whether it is strict.
    """

    symbols: set[str] = field(default_factory=set)
    believed: dict[str, None] = field(default_factory=dict)
    instances: dict[str, None] = field(default_factory=dict)
    cases: dict[str, None] = field(default_factory=dict)
    links: dict[str, None] = field(default_factory=dict)
    signs: int = 0
    scalars: dict[str, sp.Symbol] = field(default_factory=dict)
    readings: list[Reading] = field(default_factory=list)
    known: list[tuple[sp.Expr, bool]] = field(default_factory=list)


#: A supposition of `reading`: that the relation is an inequality.
ORDER = "order"
_OPEN: ContextVar[Ledger | None] = ContextVar("ledger", default=None)


@contextmanager
def ledger() -> Iterator[Ledger]:
    """A new ledger, open within the block."""
    book = Ledger()
    token = _OPEN.set(book)
    try:
        yield book
    finally:
        _OPEN.reset(token)


def decided(*exprs: sp.Expr) -> None:
    """Write down the symbols and the abstract functions of what is being decided."""
    book = _OPEN.get()
    if book is not None:
        for expr in map(sp.sympify, exprs):
            book.symbols |= {symbol.name for symbol in expr.free_symbols}
            for symbol in expr.free_symbols:
                if book.scalars.setdefault(symbol.name, symbol) != symbol:
                    book.scalars[symbol.name] = sp.Symbol(symbol.name)
            book.symbols |= {
                node.func.__name__
                for node in expr.atoms(sp.Function)
                if isinstance(node, AppliedUndef) or not str(type(node).__module__).startswith("sympy")
            }


def named(*names: str) -> None:
    """Write down symbols by name."""
    book = _OPEN.get()
    if book is not None:
        book.symbols |= set(names)


def believed(function: str) -> None:
    """Write down that a general function of SymPy was asked."""
    book = _OPEN.get()
    if book is not None:
        book.believed[function] = None


def size(words: str) -> None:
    """Write down that something of a fixed size stands for all sizes."""
    book = _OPEN.get()
    if book is not None:
        book.instances[words] = None


def instances(name: str, values: Iterable[T]) -> tuple[T, ...]:
    """The values, one after another, where these few stand for all that the statement speaks of."""
    chosen = tuple(values)
    size(f"{name} = {_listed(chosen)}")
    return chosen


def cases(kind: type[E]) -> tuple[E, ...]:
    """All members of an enumeration, which are all that the statement speaks of: a list that is complete by itself.

    Numbers and sizes are no such list, whatever the sentence says of them: see `instances`.
    """
    if not (isinstance(kind, type) and issubclass(kind, Enum)):
        raise TypeError(f"the cases are {kind!r}: give an enumeration; of chosen values take `instances`.")
    book = _OPEN.get()
    if book is not None:
        book.cases[f"{kind.__name__} = {', '.join(member.name for member in kind)}"] = None
    return tuple(kind)


def reading(values: Mapping[str, sp.Expr], *under: str, prime: sp.Symbol | None = None) -> None:
    r"""Write down what terms of the displayed statement are in the check, so that its relations can be compared.

    Args:
        values: LaTeX of a letter or of a whole term, such as ``\lambda_{\min}(\tilde K)``, and its value here.
        under: LaTeX of suppositions without which the values are not what they are, each as a whole: a relation, a
            label with its colon, a phrase with its letters; "=" and `ORDER` say what kind of relation they are for.
        prime: the variable by which a prime differentiates.
    """
    book = _OPEN.get()
    if book is not None:
        book.readings.append(Reading(values, under, prime))


#: What `derivations.tools.limits` enters as checked.
LIMIT = "the limit"


def link(words: str) -> None:
    """Write down that a conclusion in the sentence, in words, is among what is checked."""
    book = _OPEN.get()
    if book is not None:
        book.links[words] = None


def signed(*terms: sp.Expr, strict: bool) -> None:
    """Write down the expressions that have a sign: as many inequalities were decided."""
    book = _OPEN.get()
    if book is not None:
        book.signs += len(terms)
        book.known += [(sp.sympify(term), strict) for term in terms]


def concluded(term: sp.Expr, *, strict: bool = False) -> None:
    """Write down an expression whose sign follows from what is decided beside it."""
    book = _OPEN.get()
    if book is not None:
        book.known.append((sp.sympify(term), strict))


def spots(values: Iterable[T]) -> tuple[T, ...]:
    """The values, one after another, of trials beside a general decision, on which nothing rests."""
    return tuple(values)


def _listed(values: tuple[object, ...]) -> str:
    whole = [value for value in values if isinstance(value, int)]
    if len(values) > 3 and whole == list(values) == list(range(whole[0], whole[0] + len(whole))):
        return f"{whole[0]}, …, {whole[-1]}"
    return ", ".join(map(str, values))
