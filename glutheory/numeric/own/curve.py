"""An activation or a derivative of it in float64: its own formula where that is accurate, else polynomials.

A formula as written may lose digits: cos(z) − 1 near 0, log(1 + exp(z)) for large z. So every panel of the line on
which φ is a polynomial of degree `NODES` − 1 to within rounding is sampled in ball arithmetic, where the accuracy of
each sample is proved, and the formula in float64 is used only if it agrees with these samples. The panels become
smaller towards 0 in powers of two, for rows of small norm see φ there alone.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cached_property, lru_cache
from itertools import pairwise

import numpy as np
import sympy as sp
from flint import arb

from glutheory.activations import Z
from glutheory.errors import DerivationError, DomainError
from glutheory.ground.balls import precision
from glutheory.ground.exact import ball
from glutheory.ground.pieces import pieces
from glutheory.ground.powers import powers
from glutheory.numeric.arrays import Array
from glutheory.numeric.own.remedy import remedy
from glutheory.numeric.own.samples import NODES, RESOLVED, TINY, Samples, hits, transform
from glutheory.numeric.own.table import Table, mixed

#: The innermost panel next to 0 ends at 2^−this.
_INNERMOST = 30
#: Halvings of a panel before its function counts as resolved: next to a root such as z^1.5 they leave nothing.
_DEPTH = 48
#: Panels beyond which a function is too restless for this method.
_MOST = 1200
#: Points of a panel at which a formula is held against the samples: its roundings are large at some and not at others.
_INSIDE = 32
#: As near to a kink as so many units in its last place, a number is taken to be that far: what a formula such as
#: sqrt(3z − 1) makes of it has then the right sign.
_ULPS = 8
#: What need not be resolved, over the largest value on [−1, 1].
_FAINT = 1e-20


#: The number of a branch, rows of an array that are on it, and these rows.
Parts = list[tuple[int, Array, Array]]


class Curve:
    """A function with kinks on the line.

    Attributes:
        expr: for messages.
        kinks: ascending, as floats.
        masses: the weight of the delta function at each kink.
    """

    def __init__(self, expr: sp.Expr, kinks: tuple[sp.Expr, ...], branches: tuple[sp.Expr, ...], masses: Array):
        self.expr = expr
        with precision(128):
            self.kinks = np.array([float(ball(kink).mid()) for kink in kinks])
        self.masses = masses
        # kinks are rounded, by half a unit of their last place
        near = np.spacing(np.abs(self.kinks))
        places = zip([-math.inf, *(self.kinks + near)], [*(self.kinks - near), math.inf], strict=True)
        self._samples = [Samples(branch, *ends) for branch, ends in zip(branches, places, strict=True)]
        self._formulas = [_formula(branch) for branch in branches]
        self._breaks: dict[int, Array] = {}
        self._functions: dict[int, Callable[..., Array]] = {}

    def branch(self, z: float) -> int:
        """The number of the branch around z, which is no kink."""
        return int(np.searchsorted(self.kinks, z))

    def breaks(self, reach: float) -> Array:
        """Points, kinks among them, between which the function is smooth at the scale of their distance, |z| ≤ reach.

        Raises:
            DomainError: the function is not finite there, or has too many of them.
        """
        level = _level(reach)
        if level not in self._breaks:
            ends = self._ends(level)
            found = [ends[0]]
            for low, high in pairwise(ends):
                found += self._split(low, high, self._samples[self.branch((low + high) / 2)], 0, len(found))
            self._breaks[level] = np.array(found)
        return self._breaks[level]

    def _ends(self, level: int) -> list[float]:
        size = 2.0**level
        return [-size, *(float(kink) for kink in self.kinks if -size < kink < size), size]

    def _split(self, low: float, high: float, samples: Samples, depth: int, count: int) -> list[float]:
        """The right ends of the panels that [low, high] needs."""
        nodes, matrix = transform(NODES)
        middle, half = (low + high) / 2, (high - low) / 2
        values = samples(middle, half, nodes)
        beyond = ~(np.abs(values) <= 1e150)
        if beyond.any():
            place = min((middle + half * nodes)[beyond], key=abs)
            raise DomainError(
                f"the function {self.expr} is not finite, or beyond float64, near z = {place:.4g}, which variances as "
                f"large as these ask for; {remedy(self.expr)}"
            )
        coefficients = matrix @ values
        size = np.abs(coefficients)
        enough = max(RESOLVED * size.max(), _FAINT * self._core, TINY)
        if depth >= _DEPTH or (size[-3:].max() <= enough and hits(coefficients, low, high, samples, enough)):
            return [high]
        if count > _MOST:
            raise DomainError(
                f"the function {self.expr} changes too fast for the range of z that these variances ask for, up to "
                f"{max(abs(low), abs(high)):.4g}: scale the rows down, or use `evaluate` pair by pair."
            )
        left = self._split(low, middle, samples, depth + 1, count)
        return left + self._split(middle, high, samples, depth + 1, count + len(left))

    def at(self, reach: float) -> Callable[..., Array]:
        """The function as a function of numpy arrays, |z| ≤ reach; at a kink, the branch to its left.

        It takes a second argument: which rows of the array are on which branch (`parts`), if none has a kink inside.
        """
        level = _level(reach)
        if level not in self._functions:
            table = Table(self._samples, self.kinks, self._graded(level))
            bad = self._disagrees(table)
            self._functions[level] = mixed(self._plainly, table, bad) if bad.any() else self._plainly
        return self._functions[level]

    def _graded(self, level: int) -> Array:
        """The breaks, and powers of two down to the innermost on both sides of 0."""
        powers = 2.0 ** np.arange(-_INNERMOST, level)
        return np.unique(np.concatenate([self.breaks(2.0**level), powers, -powers, [0.0]]))

    def parts(self, z: Array) -> Parts:
        """The rows of z on each branch, of which no row has a kink inside; for all functions with the same kinks."""
        place = np.searchsorted(self.kinks, z[:, z.shape[1] // 2])
        found = ((branch, np.nonzero(place == branch)[0]) for branch in range(len(self.kinks) + 1))
        return [(branch, some, self._inside(branch, z[some])) for branch, some in found if len(some)]

    def _inside(self, branch: int, z: Array) -> Array:
        """These numbers, but none that is rounded onto a kink or past it, where a root would have no real value."""
        low, high = self._domains[branch]
        return np.clip(z, low, high) if math.isfinite(low) or math.isfinite(high) else z

    @cached_property
    def _domains(self) -> list[tuple[float, float]]:
        """From where to where the formula of each branch is taken."""
        ulps = _ULPS * np.spacing(np.abs(self.kinks))
        return list(zip([-math.inf, *(self.kinks + ulps)], [*(self.kinks - ulps), math.inf], strict=True))

    def _plainly(self, z: Array, parts: Parts | None = None) -> Array:
        """By the formula, branch by branch."""
        with np.errstate(all="ignore"):
            if len(self._formulas) == 1:
                return self._formulas[0](z)
            found = np.empty_like(z)
            if parts is not None:
                for branch, rows, values in parts:
                    found[rows] = self._formulas[branch](values)
                return found
            place = np.searchsorted(self.kinks, z)
            for branch, formula in enumerate(self._formulas):
                some = place == branch
                found[some] = formula(self._inside(branch, z[some]))
            return found

    def _disagrees(self, table: Table) -> Array:
        """The panels of the table on which the formula has an error beyond rounding."""
        low, high = table.edges[:-1], table.edges[1:]
        inside = low + (high - low) * np.linspace(0.013, 0.994, _INSIDE)[:, None]
        plain, exact = self._plainly(inside), table(inside)
        # a factor of z that is rounded moves z by an ulp
        moved = np.abs(inside) * np.abs(table.slope(inside)) * 2.0**-51
        # far out, where φ fades, digits below those of its values near 0 do not matter
        size = np.maximum(np.abs(exact).max(axis=0), np.where(np.minimum(np.abs(low), np.abs(high)) < 1, 0, self._core))
        error = np.abs(plain - exact) - 4 * RESOLVED * size - moved
        return ~(error <= TINY).all(axis=0)

    @cached_property
    def _core(self) -> float:
        """The largest value on [−1, 1], roughly."""
        ends = self._ends(0)
        nodes = transform(NODES)[0]
        sizes = [
            np.abs(self._samples[self.branch((low + high) / 2)]((low + high) / 2, (high - low) / 2, nodes)).max()
            for low, high in pairwise(ends)
        ]
        return float(max(sizes))

    @cached_property
    def jumps(self) -> bool:
        """Whether there is a delta function."""
        return bool(np.any(self.masses != 0))


def _level(reach: float) -> int:
    return max(1, math.ceil(math.log2(reach)))


def _formula(branch: sp.Expr) -> Callable[[Array], Array]:
    """A branch in float64, its numbers rounded once."""
    if not branch.has(Z):
        number = float(branch)
        return lambda z: np.full_like(z, number)
    function = sp.lambdify(Z, branch, ["scipy", "numpy"], cse=True)
    return lambda z: np.asarray(function(z), dtype=float)


def _real(number: sp.Expr) -> float:
    """Raises DerivationError for a number that is not finite and real, such as some of sqrt(z**2 - 1) or sin(z)/z."""
    if number.is_finite is False or number is sp.nan:
        raise DerivationError(
            "it is not finite at z = 0 or at a kink, write a function that is finite for every real z"
        )
    value = ball(number)
    if not isinstance(value, arb):
        raise DerivationError(f"it has the value {number}, write a function that is real for every real z")
    return float(value.mid())


class Curves:
    """φ, φ' and φ''.

    Attributes:
        value, slope, bend: the three; the masses of `slope` are the jumps of φ, those of `bend` the jumps of φ'.
        at_zero: φ(0), with H(0) = 1/2.
    """

    def __init__(self, expr: sp.Expr) -> None:
        found = pieces(expr)
        first = found.derivative()
        with precision(128):
            jumps = np.array([_real(jump) for jump in found.jumps])
            self.at_zero = _real(sp.sympify(expr.subs(Z, 0)))
        self.value = Curve(expr, found.kinks, found.branches, np.zeros(len(jumps)))
        self.slope = Curve(sp.diff(expr, Z), found.kinks, first, jumps)
        self._found = found

    @cached_property
    def homogeneous(self) -> bool:
        """Whether φ(λz) = λ^p φ(z) for all λ > 0, with one p of those that `powers` reads."""
        return len({term.exponent for term in powers(self._found) or ()}) == 1

    @cached_property
    def bend(self) -> Curve:
        """φ'', asked for by gradients alone."""
        first = self._found.derivative()
        second = tuple(sp.diff(branch, Z) for branch in first)
        with precision(128):
            sides = zip(first, first[1:], self._found.kinks, strict=False)
            jumps = [float(ball(right.subs(Z, k) - left.subs(Z, k)).mid()) for left, right, k in sides]
        return Curve(sp.diff(self.value.expr, Z, 2), self._found.kinks, second, np.array(jumps))


@lru_cache(maxsize=64)
def curves(expr: sp.Expr) -> Curves:
    """The curves of a numeric activation.

    Raises:
        DomainError: a function that ball arithmetic does not know.
        ExpressionError: what `glutheory.ground.pieces` refuses.
    """
    try:
        return Curves(expr)
    except DerivationError as error:
        raise DomainError(f"{expr} has no fast evaluator: {error}") from None
