"""A small network written out weight by weight: its gradient by differentiation, its expectations by brute force.

The activations are polynomials with symbolic coefficients, so that every expectation over the weights is a sum of
moments of independent Gaussians and nothing of the theory (duals, Price, independence of neurons) is presupposed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import sympy as sp
from sympy.polys.rings import PolyRing

from derivations.tools.gauss import polynomial_mean, u, v
from derivations.tools.means import Means
from derivations.tools.proof import Outcome, confirmed

sigma_v = sp.Symbol("sigma_v", positive=True)
#: The factors outside the sum and inside the activation: 1 and 1, or 1/√m and 1/√d.
FRONT, GAMMA = sp.symbols("f gamma", positive=True)
Function = Callable[[sp.Expr], sp.Expr]
Element = Any  # an element of a PolyRing; SymPy has no types for it


def polynomial(degree: int, name: str) -> Function:
    """The function Σ_k name_k z^k with symbolic coefficients: every polynomial of this degree at once."""
    coefficients = sp.symbols(f"{name}0:{degree + 1}", real=True)
    return lambda z: sum((value * z**k for k, value in enumerate(coefficients)), sp.S.Zero)


def identity(z: sp.Expr) -> sp.Expr:
    """The value branch of a gated network."""
    return z


@dataclass(frozen=True)
class Small:
    """The network f · Σ_r v_r ∏_i φ_i(γ w_{i,r}·x), which is either parametrisation.

    Attributes:
        branches: the functions φ_i.
        scales: the standard deviations of their weights.
        readout: the standard deviation of v.
        width, dimension: m and d, integers.
    """

    branches: tuple[Function, ...]
    scales: tuple[sp.Expr, ...]
    readout: sp.Expr
    width: int
    dimension: int

    @cached_property
    def readouts(self) -> tuple[sp.Symbol, ...]:
        return tuple(sp.symbols(f"v0:{self.width}", real=True))

    @cached_property
    def weights(self) -> tuple[tuple[tuple[sp.Symbol, ...], ...], ...]:
        """w[i][r][j] for branch i, neuron r, coordinate j."""
        return tuple(
            tuple(tuple(sp.symbols(f"w{i}_{r}_0:{self.dimension}", real=True)) for r in range(self.width))
            for i in range(len(self.branches))
        )

    @cached_property
    def inputs(self) -> tuple[tuple[sp.Symbol, ...], tuple[sp.Symbol, ...]]:
        """The two inputs, x and x'."""
        return tuple(sp.symbols(f"x0:{self.dimension}", real=True)), tuple(
            sp.symbols(f"y0:{self.dimension}", real=True)
        )

    @cached_property
    def variances(self) -> dict[sp.Symbol, sp.Expr]:
        """Every weight with its variance."""
        table = dict.fromkeys(self.readouts, self.readout**2)
        for scale, rows in zip(self.scales, self.weights, strict=True):
            table.update({symbol: scale**2 for row in rows for symbol in row})
        return table

    def output(self, x: Sequence[sp.Expr]) -> sp.Expr:
        """The network at x."""
        total = sp.S.Zero
        for r, readout in enumerate(self.readouts):
            neuron = readout
            for function, rows in zip(self.branches, self.weights, strict=True):
                neuron *= function(GAMMA * sum(weight * value for weight, value in zip(rows[r], x, strict=True)))
            total += neuron
        return FRONT * total

    def groups(self) -> list[list[sp.Symbol]]:
        """The weights by block: the readout first, then the branches."""
        return [list(self.readouts), *([symbol for row in rows for symbol in row] for rows in self.weights)]

    @cached_property
    def ring(self) -> PolyRing:
        """ℚ[every weight, every other symbol of the outputs and scales]: exact and fast."""
        expressions = (*(self.output(x) for x in self.inputs), self.readout, *self.scales)
        others = set().union(*(expr.free_symbols for expr in expressions)) - set(self.variances)
        return PolyRing([*self.variances, *sorted(others, key=str)], sp.QQ)

    @cached_property
    def outputs(self) -> tuple[Element, Element]:
        """z(x) and z(x') in the ring."""
        here, there = (self.ring.from_expr(self.output(x)) for x in self.inputs)
        return here, there

    def mean(self, element: Element) -> Element:
        """The expectation over all weights, by E[w^n] = (n−1)!! variance^(n/2) for each."""
        variances = [self.ring.from_expr(variance) for variance in self.variances.values()]
        count, total = len(variances), self.ring.zero
        for powers, value in element.terms():
            if any(n % 2 for n in powers[:count]):
                continue
            term = self.ring.term_new((0,) * count + powers[count:], value)
            for n, variance in zip(powers, variances, strict=False):
                if n:
                    term *= int(sp.factorial2(n - 1)) * variance ** (n // 2)
            total += term
        return total

    def block(self, group: Sequence[sp.Symbol]) -> Element:
        """E[Σ ∂z(x)/∂w ∂z(x')/∂w] over the weights of one group."""
        here, there = self.outputs
        generators = [self.ring.from_expr(weight) for weight in group]
        return self.mean(sum((here.diff(w) * there.diff(w) for w in generators), self.ring.zero))

    def nngp(self) -> Element:
        """E[z(x) z(x')]."""
        return self.mean(self.outputs[0] * self.outputs[1])

    @cached_property
    def gram(self) -> tuple[sp.Expr, sp.Expr, sp.Expr]:
        """‖x‖², ‖x'‖², x·x'."""
        x, y = self.inputs
        return sum(i**2 for i in x), sum(i**2 for i in y), sum(i * j for i, j in zip(x, y, strict=True))

    def duals(self, branch: int) -> tuple[sp.Expr, sp.Expr]:
        """S and T of a branch at this pair of inputs: Gaussian moments with the covariance γ²σ²(‖x‖², ‖x'‖², x·x')."""
        factor = GAMMA**2 * self.scales[branch] ** 2
        cov = tuple(factor * value for value in self.gram)
        function, z = self.branches[branch], sp.Symbol("z", real=True)
        slope = sp.diff(function(z), z)
        first = polynomial_mean(function(u) * function(v), (cov[0], cov[1], cov[2]))
        second = polynomial_mean(slope.subs(z, u) * slope.subs(z, v), (cov[0], cov[1], cov[2]))
        return first, second


def agrees(
    networks: Sequence[Small], blocks: Callable[[Small], Sequence[sp.Expr]], nngp: Callable[[Small], sp.Expr]
) -> Outcome:
    """Whether brute force gives these NTK blocks (readout, then the branches) and this NNGP for every network.

    A trial of chosen widths and dimensions: it writes no symbols down.
    """
    passed = True
    for small in networks:
        wanted = [small.ring.from_expr(sp.expand(expr)) for expr in (*blocks(small), nngp(small))]
        brute = [*(small.block(group) for group in small.groups()), small.nngp()]
        passed = passed and all(mine == theory for mine, theory in zip(brute, wanted, strict=True))
    return confirmed(passed, Means.REWRITING, "equality of polynomials in the inputs, coefficients and scales")
