"""What a factor f of a normal scale mixture gives to a power series in c: E[f^(k)(u)] for all k, averaged over κ.

After q derivatives f is a sum of densities, f^(q) = Σ_r C_r κ^{e_r} N_s^(j_r). With P = a + s², v = a/P, d_r = j_r − q,

    a^{k/2} E[N_s^(k+d)(u)] = (−1)^l (2l−1)!! a^{−d/2} v^l/√(2πP),   2l = k + d   (0 for odd k + d),

so for k ≥ q all are combinations of the moments Σ_i g_i v_i^l, g_i = w_i κ_i^e/√(2πP_i), over the nodes κ_i and weights
w_i of the rule: one matrix product.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from operator import mul

import sympy as sp
from flint import arb, arb_mat

from glutheory.ground.balls import Tape, precision
from glutheory.ground.exact import ball
from glutheory.ground.normal_form import KAPPA, ExpQuad, NormalPdf, Term, differentiate, is_plain
from glutheory.symbolic.family import shape_of
from glutheory.symbolic.gaussian import a
from glutheory.symbolic.pairs import as_densities, mean_formula

#: Bits of what is only planned.
PLANNING = 64
Nodes = Sequence[tuple[arb, arb]]
#: The one node of what does not depend on κ.
FIXED: Nodes = ((arb(1), arb(1)),)
#: A kind of moments: the scale s of the densities, and the power of κ before them.
Key = tuple[sp.Expr, int]


@dataclass(frozen=True)
class Row:
    """coefficient · κ^degree · N_s^(q + shift), a summand of f^(q).

    Attributes:
        coefficient: free of κ.
        key: (s, degree).
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
    return bool(term.coefficient.has(KAPPA) or (not isinstance(term.kernel, ExpQuad) and term.kernel.s.has(KAPPA)))


@lru_cache(maxsize=256)
def fixed_terms(terms: tuple[Term, ...]) -> tuple[Term, ...]:
    """Those without κ."""
    return tuple(term for term in terms if not _is_mixed(term))


def order(terms: Iterable[Term]) -> int | None:
    """q: how many derivatives make each term a sum of densities or zero; None where an exponential never becomes one."""
    flat = [found for term in terms for found in as_densities(term)]
    if not all(k == ExpQuad() if isinstance(k := term.kernel, ExpQuad) else is_plain(k) for term in flat):
        return None
    return max((shape_of(term).order for term in flat), default=0)


@lru_cache(maxsize=256)
def parts(terms: tuple[Term, ...], q: int) -> tuple[Part, Part]:
    """(the fixed terms, the mixed ones)."""
    fixed = fixed_terms(terms)
    return _part(fixed, q), _part([term for term in terms if term not in fixed], q)


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
            rows.append(Row(coefficient, (term.kernel.s, degree), term.kernel.order - q))
    return Part(tuple(low), tuple(rows))


def _square(term: Term) -> sp.Expr:
    return sp.S.Zero if isinstance(term.kernel, ExpQuad) else sp.expand(term.kernel.s**2)


def share(scale: sp.Expr, kappa: arb, variance: arb) -> arb:
    """V = a/(a + s²); falls as κ grows."""
    s = ball(scale.subs(KAPPA, 1)) * (kappa if scale.has(KAPPA) else 1)
    return variance / (variance + s * s)


def moments(nodes: Nodes, variance: arb, lengths: Mapping[Key, int]) -> dict[Key, list[arb]]:
    """Σ_i g_i v_i^l for l < length, for each key."""
    scales: dict[sp.Expr, dict[int, int]] = {}
    for (scale, degree), length in lengths.items():
        scales.setdefault(scale, {})[degree] = length
    found: dict[Key, list[arb]] = {}
    for scale, degrees in scales.items():
        v = [share(scale, kappa, variance) for kappa, _ in nodes]
        front = 1 / (2 * arb.pi() * variance).sqrt()
        base = [front * w * x.sqrt() for x, (_, w) in zip(v, nodes, strict=True)]
        starts = [[x * kappa**e for x, (kappa, _) in zip(base, nodes, strict=True)] for e in degrees]
        table = _power_sums(starts, v, max(degrees.values()))
        found |= {(scale, e): row for e, row in zip(degrees, table, strict=True)}
    return found


def _power_sums(starts: Sequence[list[arb]], v: list[arb], length: int) -> list[list[arb]]:
    """Σ_i g_i v_i^l for l < length and each g of `starts`: l = stride·p + r, in steps of both sizes."""
    stride = max(1, math.isqrt(length * len(starts)))
    small = [[arb(1)] * len(v)]
    for _ in range(stride):
        small.append(list(map(mul, small[-1], v)))
    leap = small.pop()
    rows = []
    for start in starts:
        rows.append(start)
        for _ in range(-(-length // stride) - 1):
            rows.append(list(map(mul, rows[-1], leap)))
    products = (arb_mat(rows) * arb_mat(small).transpose()).tolist()
    each = len(rows) // len(starts)
    return [[x for row in products[i * each : (i + 1) * each] for x in row] for i in range(len(starts))]


class LogMoments:
    """Moments in floating point, as natural logarithms, to plan with."""

    def __init__(self, nodes: Nodes, variance: arb, key: Key) -> None:
        scale, degree = key
        with precision(PLANNING):
            v = [share(scale, +kappa, variance) for kappa, _ in nodes]
            front = (2 * arb.pi() * variance).sqrt()
            self._v = [float(x.log()) for x in v]
            self._g = [
                float((w * kappa**degree * x.sqrt() / front).log()) for x, (kappa, w) in zip(v, nodes, strict=True)
            ]

    def __call__(self, power: int) -> float:
        """Log Σ g_i v_i^power."""
        logs = [g + power * v for g, v in zip(self._g, self._v, strict=True)]
        top = max(logs)
        return top + math.log(sum(math.exp(x - top) for x in logs))
