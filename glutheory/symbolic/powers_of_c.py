"""Averages over κ and κ' as power series in c, which turn the double sum over the nodes into products of single sums.

For given κ, κ' the closed form of E[f(u) g(v)] is analytic in |c| < √((a+s²)(b+t²)), and Price's theorem gives its
Taylor coefficients at c = 0. Summed over the nodes κ_i and the weights w_i of `kolmogorov.rule`, with ρ = c/√(ab),

    Σ_ij w_i w_j E[f_i(u) g_j(v)] = Σ_k ρ^k/k! · h_k h'_k,    h_k = a^{k/2} Σ_i w_i E[f_i^(k)(u)]   (`sides`),

n summands for each k instead of n² kernels. The number is the one that the double sum gives, so the bound of the
rule's error is the same. Where f or g has terms without κ too, their products among themselves have closed forms and
are left out here, and their products with the others are averaged over one of κ, κ': that errs by less than the rule
for both, because M_0 ≥ 1 in `Rule.error`.

Tail. Let τ_k ≥ 0 be the k-th term with every summand of both factors replaced by its modulus. From k to k + 2 the
summand of rows r, r' and nodes i, j is multiplied by ρ² v_i v'_j (k+d_r+1)(k+d_r'+1)/((k+1)(k+2)), for k ≥ K at most

    R = ρ² · max v_i v'_j · max(1, (K+d+1)/(K+1)) · max(1, (K+d'+1)/(K+1)),    d, d' the largest d_r, d_r',

since (k+d+1)/(k+1) falls towards 1 or is below it. A sum of terms that are not negative grows at most as the fastest
of them: τ_{k+2} ≤ R τ_k, and for R < 1 the terms from K on add up to at most (τ_K + τ_{K+1})/(1 − R). Even at ρ = ±1
max v v' < 1, because the smallest node is not 0.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from operator import mul

from flint import arb

from glutheory.ground.balls import precision
from glutheory.symbolic.duals import Expectation
from glutheory.symbolic.kolmogorov import Rule
from glutheory.symbolic.moments import FIXED, log_sum, order, parts
from glutheory.symbolic.sides import Side, Variable

#: Bits of what is only planned.
_PLANNING = 64
#: The longest series that is looked for.
_LONGEST = 1 << 22
#: What planning, a moment's summand and a term of the series cost in kernels of the double sum, about.
_START, _MOMENT, _TERM = 500, 1 / 50, 0.5
#: Which parts of f and g meet: 0 the terms without κ, 1 those with it.
_PAIRS = ((1, 1), (0, 1), (1, 0))


@dataclass(frozen=True)
class _Product:
    """E[f(u) g(v)] less the products of terms without κ, and where its series ends: at k < length."""

    order: int
    sides: tuple[Side, Side]
    rho: arb
    length: int

    def ratio(self, length: int) -> arb:
        """R for K = length."""
        first, second = self.sides
        largest = arb(0)
        for i, j in _PAIRS:
            largest = arb.max(largest, first.shares[i] * second.shares[j])
        for side in self.sides:
            largest *= max(arb(1), arb(length + side.shift + 1) / (length + 1))
        return self.rho * self.rho * largest

    @cached_property
    def _log_rho(self) -> float:
        return -math.inf if self.rho == 0 else float(abs(self.rho).log())

    def log_term(self, k: int) -> float:
        """The logarithm of τ_k in floating point."""
        first, second = ([side.log_size(which, k) for which in (0, 1)] for side in self.sides)
        return (
            (k * self._log_rho if k else 0.0) - math.lgamma(k + 1) + log_sum([first[i] + second[j] for i, j in _PAIRS])
        )

    def log_rest(self, length: int) -> float:
        """The logarithm of the bound of the tail in floating point."""
        gap = 1 - float(self.ratio(length))
        if gap <= 0:
            return math.inf
        return self._log_both(length) - math.log(gap)

    def bits(self, power: int, bits: int) -> float:
        """How many bits the moment of this power has to have, for so many of the sum."""
        k = max(self.order, 2 * power - max(side.shift for side in self.sides))
        return bits + (self._log_both(k) - self._log_both(self.order)) / math.log(2)

    def _log_both(self, k: int) -> float:
        return log_sum([self.log_term(k), self.log_term(k + 1)])

    def found(self, log: float) -> int | None:
        """The least length, or about, whose tail is e^log of the terms' size; None beyond `_LONGEST`."""
        goal = log + self._log_both(self.order)
        low, step = self.order, 8
        while not self.log_rest(low + step) <= goal:
            low, step = low + step, 2 * step
            if low > _LONGEST:
                return None
        high = low + step
        while high - low > max(2, low // 64):
            middle = (low + high) // 2
            low, high = (low, middle) if self.log_rest(middle) <= goal else (middle, high)
        return high

    def value(self, c: arb) -> arb:
        """The sum of the series, its tail in the radius."""
        total, rest = self._low(c), arb(0)
        for start in (self.order, self.order + 1):
            # the last k is where the tail begins
            ks = range(start, start + 2 * ((self.length - start + 1) // 2) + 1, 2)
            terms, last = self._terms(ks)
            total += sum(terms[:-1], arb(0))
            rest += last
        gap = 1 - self.ratio(self.length)
        return total + arb(0, (rest / gap).upper() if gap > 0 else math.inf)

    def _low(self, c: arb) -> arb:
        """The terms of k < q."""
        if not self.order:
            return arb(0)
        first, second = (
            [
                part.means(nodes, side.variable.variance)
                for part, nodes in zip(side.parts, side.variable.nodes, strict=True)
            ]
            for side in self.sides
        )
        total, power = arb(0), arb(1)
        for k in range(self.order):
            total += power * sum((first[i][k] * second[j][k] for i, j in _PAIRS), arb(0))
            power *= c / (k + 1)
        return total

    def _terms(self, ks: range) -> tuple[list[arb], arb]:
        """(the terms, τ at the last k) for k of one parity."""
        first, second = ([side.terms(which, ks) for which in (0, 1)] for side in self.sides)
        d, e = (side.base(ks.start) for side in self.sides)
        weight = self.rho**ks.start / arb.fac_ui(ks.start) * _double_factorial(ks.start + d)
        weights, square = [weight * _double_factorial(ks.start + e)], self.rho * self.rho
        for k in ks[:-1]:
            weights.append(weights[-1] * square * ((k + d + 1) * (k + e + 1)) / ((k + 1) * (k + 2)))
        terms, size = [arb(0)] * len(ks), arb(0)
        for i, j in _PAIRS:
            if all(side.parts[which].of_parity(ks.start) for side, which in zip(self.sides, (i, j), strict=True)):
                terms = [t + x * y for t, x, y in zip(terms, first[i][0], second[j][0], strict=True)]
                size += first[i][1] * second[j][1]
        return list(map(mul, weights, terms)), abs(weights[-1]) * size


@dataclass(frozen=True)
class PowerSeries:
    """The mixture averages of some expectations as power series in c.

    Attributes:
        products: one for each expectation.
        cost: the processor time that it takes, about, in that of a kernel of the double sum.
    """

    products: tuple[_Product, ...]
    cost: float

    @classmethod
    def plan(
        cls, expectations: Sequence[Expectation], values: Sequence[arb], rule: Rule, bits: int, same: bool
    ) -> PowerSeries | None:
        """Series for these expectations at values = (a, b, c, …), up to about 2^−bits; `same` says that a = b.

        None where a term is neither a power, a distribution function nor a density, or where they are too long.
        """
        a, b, c = values[:3]
        u = Variable(a, (FIXED, rule.nodes))
        v = u if same else Variable(b, (FIXED, rule.nodes))
        rho = c / a if same else c / (a * b).sqrt()
        products = []
        for expectation in expectations:
            one, two = order(expectation.first), order(expectation.second)
            if one is None or two is None:
                return None
            q = max(one, two)
            sides = Side(parts(expectation.first, q), u), Side(parts(expectation.second, q), v)
            with precision(_PLANNING):
                length = _Product(q, sides, rho, 0).found(-bits * math.log(2))
            if length is None:
                return None
            products.append(_Product(q, sides, rho, length))
            for side in sides:
                side.need(length + 2)
        variables = (u,) if same else (u, v)
        for variable in variables:
            variable.bits = lambda power: int(max(0.0, *(min(bits, p.bits(power, bits)) for p in products)))
        moment = sum(variable.cost() for variable in variables)
        cost = _START + _MOMENT * moment + _TERM * sum(product.length for product in products)
        return cls(tuple(products), cost)

    def sums(self, c: arb) -> list[arb]:
        """The averages, without the bound of the rule's error."""
        return [product.value(c) for product in self.products]


def _double_factorial(n: int) -> int:
    """(n−1)!! for even n ≥ 0."""
    return math.prod(range(1, n, 2))
