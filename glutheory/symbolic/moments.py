"""What a factor f of a normal scale mixture gives to a power series in c: E[f^(k)(u)] for all k, averaged over κ.

After q derivatives f is a sum of densities, f^(q) = Σ_r C_r κ^{e_r} N_s^(j_r). With P = a + s², v = a/P, d_r = j_r − q,

    a^{k/2} E[N_s^(k+d)(u)] = (−1)^l (2l−1)!! a^{−d/2} v^l/√(2πP),   2l = k + d   (0 for odd k + d),

so for k ≥ q all are combinations of the moments Σ_i g_i v_i^l, g_i = w_i κ_i^e/√(2πP_i), over the nodes κ_i and weights
w_i of the rule: one matrix product.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from operator import mul

import sympy as sp
from flint import arb, arb_mat, ctx

from glutheory.ground.balls import Tape, precision
from glutheory.ground.exact import ball
from glutheory.ground.normal_form import KAPPA, ExpQuad, NormalPdf, Term, differentiate, is_plain
from glutheory.symbolic.family import shape_of
from glutheory.symbolic.gaussian import a
from glutheory.symbolic.pairs import as_densities, mean_formula

#: Nodes that are enough to plan with.
_SAMPLE = 48
#: Into how many groups a series is cut, the guard bits of their precision, and its least.
_GROUPS, _GUARD, _LEAST = 12, 32, 64
#: So few rows are not cut.
_FEW = 16
Nodes = Sequence[tuple[arb, arb]]
#: The one node of what does not depend on κ.
FIXED: Nodes = ((arb(1), arb(1)),)
#: How many bits the moment of each power has to have.
Need = Callable[[int], int]


@dataclass(frozen=True)
class Scale:
    """The scale s of a density: unit·κ if it is random, else unit."""

    unit: sp.Expr
    random: bool

    @classmethod
    def of(cls, s: sp.Expr) -> Scale:
        """This scale, which is a multiple of κ where it has κ."""
        return cls(s.subs(KAPPA, 1), s.has(KAPPA))

    def shares(self, nodes: Nodes, variance: arb) -> list[arb]:
        """V = a/(a + s²) at the nodes; it falls as κ grows."""
        square = ball(self.unit) ** 2
        if not self.random:
            return [variance / (variance + square)] * len(nodes)
        return [variance / (variance + square * kappa * kappa) for kappa, _ in nodes]


#: A kind of moments: the scale of the densities, and the power of κ before them.
Key = tuple[Scale, int]


@dataclass(frozen=True)
class Row:
    """coefficient · κ^degree · N_s^(q + shift), a summand of f^(q).

    Attributes:
        coefficient: free of κ.
        key: the scale s, and the degree.
        shift: d.
    """

    coefficient: sp.Expr
    key: Key
    shift: int

    def factor(self, parity: int, root: arb) -> arb:
        """What stands before (k+d−1)!!·Σ g v^l for k of this parity, up to (−1)^((k−parity)/2); root = √a."""
        size = ball(self.coefficient) * (root ** (-self.shift) if self.shift <= 0 else 1 / root**self.shift)
        return -size if (self.shift + parity) // 2 % 2 else size


@dataclass(frozen=True)
class Part:
    """The terms of f that are mixed, or those that are not.

    Attributes:
        low: E[f^(k)(u)] for k < q as formulas in a and κ.
        rows: f^(q).
    """

    low: tuple[sp.Expr, ...]
    rows: tuple[Row, ...]

    def means(self, nodes: Nodes, variance: arb) -> list[arb]:
        """E[f^(k)(u)] for k < q, averaged over the nodes."""
        run = Tape(self.low, [a, KAPPA]).bind()
        found = [run([variance, kappa]) for kappa, _ in nodes]
        weights = [weight for _, weight in nodes]
        return [sum(map(mul, weights, column), arb(0)) for column in zip(*found, strict=True)]

    def of_parity(self, parity: int) -> list[Row]:
        """The rows that do not vanish for k of this parity."""
        return [row for row in self.rows if (row.shift - parity) % 2 == 0]


def _is_mixed(term: Term) -> bool:
    return term.coefficient.has(KAPPA) or (not isinstance(term.kernel, ExpQuad) and term.kernel.s.has(KAPPA))


def order(terms: Iterable[Term]) -> int | None:
    """q: how many derivatives make each term a sum of densities or zero; None where an exponential never is one."""
    flat = [found for term in terms for found in as_densities(term)]
    if not all(k == ExpQuad() if isinstance(k := term.kernel, ExpQuad) else is_plain(k) for term in flat):
        return None
    return max((shape_of(term).order for term in flat), default=0)


@lru_cache(maxsize=256)
def parts(terms: tuple[Term, ...], q: int) -> tuple[Part, Part]:
    """(the fixed terms, the mixed ones)."""
    fixed, mixed = (_part([term for term in terms if _is_mixed(term) is kind], q) for kind in (False, True))
    return fixed, mixed


def _part(terms: Sequence[Term], q: int) -> Part:
    current = tuple(found for term in terms for found in as_densities(term))
    low = []
    for _ in range(q):
        low.append(sp.Add(*(t.coefficient * mean_formula(shape_of(t), 0, _square(t)) for t in current)))
        current = differentiate(current)
    rows = []
    for term in current:
        assert isinstance(term.kernel, NormalPdf)
        for (degree,), coefficient in sp.Poly(term.coefficient, KAPPA).terms():
            rows.append(Row(coefficient, (Scale.of(term.kernel.s), degree), term.kernel.order - q))
    return Part(tuple(low), tuple(rows))


def _square(term: Term) -> sp.Expr:
    return sp.S.Zero if isinstance(term.kernel, ExpQuad) else sp.expand(term.kernel.s**2)


def moments(nodes: Nodes, variance: arb, lengths: Mapping[Key, int], need: Need) -> dict[Key, list[arb]]:
    """Σ_i g_i v_i^l for l < length, for each key, with the relative accuracy that is needed."""
    scales: dict[Scale, dict[int, int]] = {}
    for (scale, degree), length in lengths.items():
        scales.setdefault(scale, {})[degree] = length
    found: dict[Key, list[arb]] = {}
    for scale, degrees in scales.items():
        v = scale.shares(nodes, variance)
        front = 1 / (2 * arb.pi() * variance).sqrt()
        base = [front * w * x.sqrt() for x, (_, w) in zip(v, nodes, strict=True)]
        starts = [[x * kappa**e for x, (kappa, _) in zip(base, nodes, strict=True)] for e in degrees]
        table = _power_sums(starts, v, max(degrees.values()), need)
        found |= {(scale, e): row for e, row in zip(degrees, table, strict=True)}
    return found


def _power_sums(starts: Sequence[list[arb]], v: list[arb], length: int, need: Need) -> list[list[arb]]:
    """Σ_i g_i v_i^l for l < length and each g of `starts`: l = stride·p + r, in steps of both sizes.

    As l grows fewer bits are needed, and fewer nodes: v falls along them. What the last ones would add, and would add
    less of for larger l, goes into the radius.
    """
    stride = max(1, math.isqrt(length * len(starts)))
    small = [[arb(1)] * len(v)]
    for _ in range(stride):
        small.append(list(map(mul, small[-1], v)))
    leap = small.pop()
    found: list[list[arb]] = [[] for _ in starts]
    rows, rests, bits = list(starts), [arb(0)] * len(starts), ctx.prec
    for group in groups(-(-length // stride)):
        wanted = need(group.start * stride) + _GUARD
        kept = max(_kept(row, wanted) for row in rows)
        rests = [rest + sum(row[kept:], arb(0)) for rest, row in zip(rests, rows, strict=True)]
        rows, small, leap = [row[:kept] for row in rows], [row[:kept] for row in small], leap[:kept]
        table: list[list[arb]] = []
        for _ in group:
            table += rows
            rows = [list(map(mul, row, leap)) for row in rows]
        with precision(max(_LEAST, min(bits, wanted))):
            products = (arb_mat(table) * arb_mat(small).transpose()).tolist()
        errors = [arb(0, rest.upper()) for rest in rests]
        for index, product in enumerate(products):
            found[index % len(starts)] += [x + errors[index % len(starts)] for x in product]
    return found


def groups(count: int) -> list[range]:
    """0 … count − 1 in groups, the first ones shorter."""
    number = min(_GROUPS, 1 + count // _FEW)
    cuts = [count * i * i // number**2 for i in range(number + 1)]
    return [range(low, high) for low, high in pairwise(cuts) if low < high]


def _kept(row: list[arb], bits: int) -> int:
    """How many of these positive numbers are enough for so many bits of their sum, counted from the first."""
    cut, rest = sum(row, arb(0)) / arb(2) ** bits, arb(0)
    for kept in range(len(row), 0, -1):
        rest += row[kept - 1]
        if not rest < cut:
            return kept
    return len(row)


class LogMoments:
    """Moments in floating point, as natural logarithms, to plan with: about right, from a few of the nodes."""

    def __init__(self, nodes: Nodes, variance: arb, key: Key) -> None:
        scale, degree = key
        some = [(+kappa, +weight) for kappa, weight in nodes[:: max(1, len(nodes) // _SAMPLE)]]
        v = scale.shares(some, variance)
        front = len(nodes) / len(some) / (2 * arb.pi() * variance).sqrt()
        g = [front * w * kappa**degree * x.sqrt() for x, (kappa, w) in zip(v, some, strict=True)]
        self._logs = [(float(x.log()), float(y.log())) for x, y in zip(g, v, strict=True)]
        self._known: dict[int, float] = {}

    def __call__(self, power: int) -> float:
        """Log Σ g_i v_i^power."""
        if power not in self._known:
            self._known[power] = log_sum([g + power * v for g, v in self._logs])
        return self._known[power]

    def kept(self, power: int, bits: int) -> float:
        """The part of the nodes that so many bits need."""
        logs = [g + power * v for g, v in self._logs]
        cut = max(logs) - bits * math.log(2)
        return sum(1 for x in logs if x > cut) / len(logs)


def log_sum(logs: Sequence[float]) -> float:
    """Log Σ e^x."""
    top = max(logs, default=-math.inf)
    return top if math.isinf(top) else top + math.log(sum([math.exp(x - top) for x in logs]))
