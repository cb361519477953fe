"""Moments of one neuron's contribution to a finite-width NTK, for any product of branches.

A network of width m has the kernel ``front · Σ_r k_r`` with independent, equally distributed contributions

    k(x, x') = P + s χ² Q,    P = ∏_i p_i,    Q = Σ_i q_i ∏_{j≠i} p_j,
    p_i = φ_i(u_i) φ_i(v_i),    q_i = φ_i'(u_i) φ_i'(v_i)

where χ is the readout weight over its standard deviation, and s = σ_v² x·x' (standard parametrisation, front = 1) or
x·x'/d (ntk parametrisation, front = 1/m). The branches are independent, so every moment is a sum of products of

    E[p_i^α q_i^β] = E[f(u_i) f(v_i)],   f = φ_i^α φ_i'^β,

dual activations themselves: in closed form where f has a normal form, else in double precision by a product rule in
polar coordinates, with an error estimate. Hence the variance of the sampled kernel, c/m, is computed and not fitted.

    u = √a r cos t,   v = √b r cos(t − θ),   ρ = cos θ:    E = (1/2π) ∫ dt ∫ f(u) f(v) r exp(−r²/2) dr

Kinks of f at 0 are rays from the origin, and so are the transitions of a sigmoid of large argument: the angle is cut
there, every sector is smooth whatever ρ is (|ρ| = 1 included), and Gauss–Legendre converges exponentially. This is
the tool for variances and other moments of sampled kernels; kernels themselves have exact roads.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import sympy as sp
from flint import arb

from glutheory.activations import Activation, Z
from glutheory.errors import DerivationError, DomainError
from glutheory.ground.balls import precision
from glutheory.ground.exact import Exact, Point, ball
from glutheory.ground.normal_form import NormalCdf, is_mixture, read
from glutheory.ground.pieces import pieces
from glutheory.networks import Network
from glutheory.symbolic.duals import Expectation
from glutheory.symbolic.evaluation import balls

Array = npt.NDArray[np.float64]
#: Nodes (angle per sector, radius) of the two rules whose difference is the error estimate.
_COARSE, _FINE = (40, 96), (64, 144)
#: The radius where the rule ends: r^17 exp(−r²/2), an eighth power of each argument, is 1e-32 of its maximum there.
_RADIUS = 16.0
#: Beyond this relative error the rule refuses.
_WORST = 1e-6
_BITS = 128
#: A closed form that loses more than this to cancellation (relative to the value) is not used.
_WIDEST = 1e-12
#: Powers of z on a step or normal distribution function beyond which quadrature is faster than differentiating.
_DEGREE = 4


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


def _splits(total: int, parts: int) -> Iterator[tuple[int, ...]]:
    """All tuples of `parts` non-negative integers with this sum."""
    if parts == 1:
        yield (total,)
        return
    for first in range(total + 1):
        for rest in _splits(total - first, parts - 1):
            yield (first, *rest)


def _power_of(base: arb, exponent: int) -> arb:
    """The power by multiplication: ``base ** exponent`` is not finite for a ball that holds 0."""
    return math.prod([base] * exponent, start=arb(1))


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


def mean_of_product(expr: sp.Expr, point: Point) -> arb:
    """E[f(u) f(v)] for f(z) = `expr` of at most polynomial growth; the radius is the estimated error.

    Raises:
        DomainError: the rule does not converge for this function and these variances.
    """
    f = _function(expr)
    a, b, c, delta = (float(value.mid()) for value in point.balls())
    theta = math.atan2(math.sqrt(max(delta, 0.0)), c)
    scales = (math.sqrt(a), math.sqrt(b))
    with np.errstate(all="ignore"):
        coarse, fine = (_rule(f, scales, theta, sizes) for sizes in (_COARSE, _FINE))
        size = math.sqrt(abs(_rule(f, (scales[0],) * 2, 0.0, _COARSE) * _rule(f, (scales[1],) * 2, 0.0, _COARSE)))
    error = abs(fine - coarse) + 1e-13 * size
    if not error <= _WORST * size:
        raise DomainError(
            f"the moment of {expr} at a = {a:g}, b = {b:g} does not converge: use inputs of smaller norm, "
            "or an activation with kinks at 0 only."
        )
    return arb(fine, error)


def _rule(f: Callable[[Array], Array], scales: tuple[float, float], theta: float, sizes: tuple[int, int]) -> float:
    """The product rule, summed over the (at most four) sectors."""
    # cos t = 0 at ±π/2, cos(t − θ) = 0 at θ ± π/2
    cuts = sorted({-math.pi / 2, theta - math.pi / 2, math.pi / 2, theta + math.pi / 2})
    cuts.append(cuts[0] + 2 * math.pi)
    angle, angle_weight = _nodes(sizes[0])
    radius, radius_weight = _nodes(sizes[1])
    r = _RADIUS * radius
    radial = _RADIUS * radius_weight * r * np.exp(-(r**2) / 2)
    total = 0.0
    for low, high in pairwise(cuts):
        if high - low <= 0:
            continue
        t = low + (high - low) * angle
        u = scales[0] * np.outer(np.cos(t), r)
        v = scales[1] * np.outer(np.cos(t - theta), r)
        total += (high - low) * float(angle_weight @ (f(u) * f(v)) @ radial)
    return total / (2 * math.pi)


@lru_cache(maxsize=8)
def _nodes(count: int) -> tuple[Array, Array]:
    """Gauss–Legendre on [0, 1]."""
    x, w = np.polynomial.legendre.leggauss(count)
    return (x + 1) / 2, w / 2


@lru_cache(maxsize=256)
def _function(expr: sp.Expr) -> Callable[[Array], Array]:
    """The piecewise smooth f as a NumPy function; the value at a kink does not matter."""
    found = pieces(expr)
    kinks = [float(kink) for kink in found.kinks]
    branches = [sp.lambdify(Z, branch, modules=["scipy", "numpy"]) for branch in found.branches]

    def evaluate(z: Array) -> Array:
        if not kinks:
            return np.broadcast_to(np.asarray(branches[0](z), dtype=np.float64), z.shape)
        side = np.searchsorted(kinks, z)
        out = np.empty_like(z)
        for index, branch in enumerate(branches):
            chosen = side == index
            out[chosen] = branch(z[chosen])
        return out

    return evaluate
