"""Moments of one neuron's contribution to a finite-width NTK, for any product of branches.

A network of width m has the kernel ``front · Σ_r k_r`` with independent, equally distributed contributions

    k(x, x') = P + s χ² Q,    P = ∏_i p_i,    Q = Σ_i q_i ∏_{j≠i} p_j,
    p_i = φ_i(u_i) φ_i(v_i),    q_i = φ_i'(u_i) φ_i'(v_i)

where χ is the readout weight over its standard deviation, and s = σ_v² x·x' (standard parametrisation, front = 1) or
x·x'/d (ntk parametrisation, front = 1/m). The branches are independent, so every moment is a sum of products of

    E[p_i^α q_i^β] = E[f(u_i) f(v_i)],   f = φ_i^α φ_i'^β,

dual activations themselves: in closed form where f has a normal form, else by `glutheory.polar`. Hence the variance
of the sampled kernel, c/m, is computed and not fitted.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from functools import lru_cache

import sympy as sp
from flint import arb

from glutheory.activations import Activation, Z
from glutheory.balls import precision
from glutheory.errors import DerivationError, DomainError
from glutheory.exact import Exact, Point, ball
from glutheory.networks import Network
from glutheory.pieces import pieces
from glutheory.polar import mean_of_product
from glutheory.reading import read
from glutheory.symbolic.duals import Expectation
from glutheory.symbolic.evaluation import balls
from glutheory.terms import NormalCdf, is_mixture

_BITS = 128
#: A closed form that loses more than this to cancellation (relative to the value) is not used.
_WIDEST = 1e-12
#: Powers of z on a step or normal distribution function beyond which quadrature is faster than differentiating.
_DEGREE = 4


@lru_cache(maxsize=256)
def _power(act: Activation, alpha: int, beta: int) -> tuple[sp.Expr, Expectation | None]:
    """The function f = φ^α φ'^β, and its expectation in closed form if there is one."""
    if beta and any(jump != 0 for jump in pieces(act.expr).jumps):
        raise DomainError(f"{act.label} jumps, so its derivative has no moments: use a continuous activation.")
    f = sp.expand(act.expr**alpha * sp.diff(act.expr, Z) ** beta)
    if len(sp.Add.make_args(f)) > 40:
        f = act.expr**alpha * sp.diff(act.expr, Z) ** beta
    terms = read(f)
    if (
        terms is None
        or is_mixture(terms)
        or any(isinstance(term.kernel, NormalCdf) and term.power > _DEGREE for term in terms)
    ):
        return f, None
    try:
        found = Expectation(terms, terms)
        _ = found.parts
    except DerivationError:
        return f, None
    return f, found


@lru_cache(maxsize=65536)
def product_mean(act: Activation, alpha: int, beta: int, point: Point) -> arb:
    """E[p^α q^β] = E[f(u) f(v)] with f = φ^α φ'^β, as a ball.

    The radius is rigorous where f has a closed form, else the error estimate of the quadrature rule.

    Raises:
        DomainError: a variance is 0, or the activation jumps.
    """
    if point.degenerate:
        raise DomainError("a variance is 0: the moments of a neuron need inputs other than 0.")
    f, closed = _power(act, alpha, beta)
    if closed is not None:
        value = balls((closed,), point, _BITS)[0]
        if value.is_finite() and (value == 0 or value.rad() <= _WIDEST * abs(value)):
            return value
    return mean_of_product(f, point)


def _splits(total: int, parts: int) -> Iterator[tuple[int, ...]]:
    """All tuples of `parts` non-negative integers with this sum."""
    if parts == 1:
        yield (total,)
        return
    for first in range(total + 1):
        for rest in _splits(total - first, parts - 1):
            yield (first, *rest)


def raw_moment(network: Network, points: Sequence[Point], factor: Exact, order: int) -> arb:
    """E[k^order] of one neuron's contribution.

    Args:
        network: the branches.
        points: for each branch the covariance of its pre-activations at x and x'.
        factor: s, see the module.
        order: 1 for the kernel itself, 2 for its second moment, and so on.
    """
    with precision(_BITS):
        total, s = arb(0), ball(factor)
        for j in range(order + 1):
            # E χ^(2j) = (2j − 1)!!
            weight = math.comb(order, j) * math.prod(range(1, 2 * j, 2))
            mixed = arb(0)
            for split in _splits(j, len(points)):
                count = math.factorial(j) // math.prod(map(math.factorial, split))
                term = arb(count)
                for act, point, beta in zip(network.branches, points, split, strict=True):
                    term *= product_mean(act, order - beta, beta, point)
                mixed += term
            total += weight * _power_of(s, j) * mixed
        return total


def _power_of(base: arb, exponent: int) -> arb:
    """The power by multiplication: ``base ** exponent`` is not finite for a ball that holds 0."""
    return math.prod([base] * exponent, start=arb(1))


def neuron_variance(network: Network, points: Sequence[Point], factor: Exact) -> arb:
    """Var k = E k² − (E k)²: the constant c of the variance c/m of the kernel in the ntk parametrisation."""
    with precision(_BITS):
        first, second = (raw_moment(network, points, factor, n) for n in (1, 2))
        return second - first * first


def neuron_fourth(network: Network, points: Sequence[Point], factor: Exact) -> arb:
    """E[(k − E k)⁴], which the variance of a sample variance needs."""
    with precision(_BITS):
        first, second, third, fourth = (raw_moment(network, points, factor, n) for n in (1, 2, 3, 4))
        square = first * first
        return fourth - 4 * first * third + 6 * square * second - 3 * square * square
