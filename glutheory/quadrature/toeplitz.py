"""E[f(u)f(v)] for f analytic in a strip: the trapezoidal rule on a lattice in (u, v), a Toeplitz form.

With u = √a x, v = ±√b y and both steps h, −2ρxy = ρ((x−y)² − x² − y²) turns the double sum into
Σ_j A_j Σ_k B_k G_{j−k}: one product of integer polynomials instead of N² terms.

Error, all proved: (1) aliases, by Poisson summation. The Fourier transform of the integrand F at (2πm/h, 2πn/h) is at
most e^{−2π(|m|d₁+|n|d₂)/h} times the integral of |F| over the plane shifted by ±i(d₁, d₂), for any shift that keeps u
and v in the strip; the density grows by exp(½ dᵀΣ⁻¹d). (2) the lattice beyond the box |x|, |y| ≤ R, by Gaussian tails.
(3) rounding to fixed point: three roundings per term, counted. Ball polynomials would do as well, but their products
are quadratic in the length when the coefficients span hundreds of orders of magnitude; here only the absolute accuracy
matters.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import sympy as sp
from flint import arb, ctx, fmpz, fmpz_poly

from glutheory.activations import Z
from glutheory.ground.balls import precision
from glutheory.quadrature.compiled import Compiled, compiled
from glutheory.quadrature.frame import Frame
from glutheory.quadrature.strips import Strip, aliases, beyond, mean_bound, natural_log

#: Precision beyond which small values are computed with less of it, in steps of this part; guard bits of that.
_MANY_BITS, _LEVELS, _GUARD = 2000, 16, 40
#: How it is found which are small: bits, and how many points apart.
_PLANNING, _APART = 64, 4
_GRID = [i / 24 for i in range(1, 25)]


@dataclass(frozen=True)
class Plan:
    """A lattice and the shifts that prove its accuracy.

    Attributes:
        h: step in x and y.
        half: the lattice is −half·h … half·h on both axes.
        tau_index: which strip.
        shifts: (d₁, d₂) for the aliases (m, 0), (0, n), (m, n) and (m, −n), m, n > 0.
    """

    h: float
    half: int
    tau_index: int
    shifts: tuple[tuple[float, float], ...]


def plan(frame: Frame, strips: Sequence[Strip], logs: Sequence[float]) -> Plan | None:
    """The coarsest lattice whose proved error is about e^{logs[i]} for the i-th function; None if there is no strip.

    Floating point throughout: nothing is proved here, `error` proves.
    """
    ra, rb, rho, far = (float(x) for x in (frame.root_a, frame.root_b, frame.rho, frame.far))
    gap = far * (1 + rho)
    if gap == 0:
        return None
    best: Plan | None = None
    axis_need = max(max(natural_log(_mean(frame, strips[-1], i)) - log for i, log in enumerate(logs)) + 4, 1.0)
    widest = 2 * math.sqrt(2 * axis_need) * max(ra, rb)
    for index, strip in enumerate(strips[:-1]):
        if strip.tau > 2 * widest and index < len(strips) - 2:
            continue  # no shift would use it
        if best is not None and best.h > 2 * math.pi * strip.tau / (max(ra, rb) * axis_need):
            break  # narrower strips allow no larger step
        need = max(max(natural_log(_mean(frame, strip, i)) - log for i, log in enumerate(logs)) + 4, 1.0)
        top1, top2 = strip.tau / ra, strip.tau / rb
        reach = 2 * math.sqrt(2 * need)
        steps, shifts = [], []
        for kind in range(4):
            options = []
            for fraction in _GRID:
                d1, d2 = _shift(kind, fraction * reach, rho, top1, top2)
                gain = (d1 if kind != 1 else 0.0) + (d2 if kind != 0 else 0.0)
                signed = -d2 if kind == 3 else d2
                options.append((2 * math.pi * gain / (need + _quadratic(d1, signed, rho, gap)), (d1, signed)))
            step, shift = max(options)
            steps.append(step)
            shifts.append(shift)
        h = min(steps)
        if best is None or h > best.h:
            best = Plan(h, 0, index, tuple(shifts))
    if best is None:
        return None
    radius = max(_radius(frame, strips[-1], i, log, best.h) for i, log in enumerate(logs))
    return Plan(best.h, math.ceil(radius / best.h), best.tau_index, best.shifts)


def _shift(kind: int, d: float, rho: float, top1: float, top2: float) -> tuple[float, float]:
    if kind == 0:
        d1 = min(d, top1)
        return d1, min(rho * d1, top2)
    if kind == 1:
        d2 = min(d, top2)
        return min(rho * d2, top1), d2
    return min(d, top1), min(d, top2)


def _quadratic(d1: float, d2: float, rho: float, gap: float) -> float:
    """½ dᵀΣ⁻¹d."""
    return ((d1 - d2) ** 2 + 2 * (1 - rho) * d1 * d2) / (2 * gap) if gap else math.inf


def _radius(frame: Frame, axis: Strip, i: int, log: float, h: float) -> float:
    one, two = axis.envelopes(frame, i)
    rho, far = float(frame.rho), float(frame.far)
    radius = 0.0
    for p, q in ((float(one.q), float(two.q)), (float(two.q), float(one.q))):
        total = p + rho * q
        excess = natural_log(8 * one.A * two.A) + total**2 / 2 + q**2 * far + math.log1p(h / math.sqrt(far)) - log
        radius = max(radius, total + h + math.sqrt(2 * max(excess, 1.0)))
    return radius


def _mean(frame: Frame, strip: Strip, i: int) -> arb:
    return mean_bound(*strip.envelopes(frame, i), frame.rho)


def error(frame: Frame, strips: Sequence[Strip], made: Plan, i: int) -> arb:
    """A proved bound of |trapezoidal sum over the box − E[f_i(u)f_i(v)]|."""
    h, gap, rho = arb(made.h), frame.gap, frame.rho
    mean = _mean(frame, strips[made.tau_index], i)
    bound = arb(0)
    for kind, (shift1, shift2) in enumerate(made.shifts):
        d1, d2 = arb(shift1), arb(shift2)
        tau = arb(strips[made.tau_index].tau)
        # shifts that touch the edge of the strip may exceed it by rounding: scale them back
        over = arb.max(arb(1), arb.max(abs(d1) * frame.root_a / tau, abs(d2) * frame.root_b / tau)).upper()
        d1, d2 = d1 / over, d2 / over
        weight = (((d1 - d2) * (d1 - d2) + 2 * frame.far * d1 * d2) / (2 * gap)).exp()
        x1, x2 = 2 * arb.pi() * abs(d1) / h, 2 * arb.pi() * abs(d2) / h
        alias = (aliases(x1) if kind != 1 else arb(1)) * (aliases(x2) if kind != 0 else arb(1))
        bound += 2 * mean * weight * alias
    one, two = strips[-1].envelopes(frame, i)
    edge = h * made.half
    spread = 1 + h / (2 * arb.pi() * gap).sqrt()
    for p, q in ((one.q, two.q), (two.q, one.q)):
        # Σ over the other axis: e^{q|y|} ≤ e^{qy} + e^{−qy}, and a unimodal lattice sum ≤ integral + h·maximum
        total = p + rho * q
        inner = 2 * (q**2 * gap / 2).exp() * spread
        # the summand of the outer sum falls beyond `total`: lattice sum ≤ integral from the last point kept
        if not edge > total:
            return arb.pos_inf()
        bound += 2 * one.A * two.A * inner * (total**2 / 2).exp() * beyond(edge - total)
    return bound


def double_sum(frame: Frame, functions: tuple[sp.Expr, ...], made: Plan, logs: Sequence[float]) -> list[arb]:
    """The trapezoidal sums over the box, one per function, as balls that hold all rounding."""
    h, rho, n = arb(made.h), frame.rho, made.half
    points = [h * j for j in range(n + 1)]
    weights = _gaussians(h * h / (2 * (1 + rho)), n)
    lefts = _weighted(functions, frame.root_a, points, weights)
    rights = lefts if frame.same else _weighted(functions, frame.root_b, points, weights)
    front = h * h / (2 * arb.pi() * frame.gap.sqrt())
    narrow = rho * h * h / (2 * frame.gap)
    results = []
    for left, right, log in zip(lefts, rights, logs, strict=True):
        turned = right[::-1] if frame.sign < 0 else right
        results.append(front * _toeplitz_form(left, turned, narrow, log - natural_log(front)))
    return results


def _weighted(
    functions: tuple[sp.Expr, ...], root: arb, points: Sequence[arb], weights: Sequence[arb]
) -> list[list[arb]]:
    """The columns f_i(root·x)·weight for x = −points[n], …, points[n], where points begins with 0.

    f(z) and f(−z) are one program, so that what is even or odd in them is computed once.
    """
    both = compiled((*functions, *(f.subs(Z, -Z) for f in functions)))
    bits = _bits(both, root, points, weights) if ctx.prec > _MANY_BITS else [ctx.prec] * len(points)
    values: list[list[arb]] = [[]] * len(points)
    for level in set(bits):
        with precision(level):
            run = both.values()
            for j, (x, w, own) in enumerate(zip(points, weights, bits, strict=True)):
                if own == level:
                    values[j] = [w * y for y in run([root * x])]
    count = len(functions)
    return [[*(row[i + count] for row in reversed(values[1:])), *(row[i] for row in values)] for i in range(count)]


def _bits(both: Compiled, root: arb, points: Sequence[arb], weights: Sequence[arb]) -> list[int]:
    """The precision for each point: less where a value is small against the largest of its column, by some of them."""
    with precision(_PLANNING):
        run = both.values()
        some = list(zip(points, weights, strict=True))[::_APART]
        rough = [[_exponent(abs(w * y)) for y in run([root * x])] for x, w in some]
    tops = [max(column) for column in zip(*rough, strict=True)]
    lost = [min(top - size for top, size in zip(tops, row, strict=True)) for row in rough]
    step = ctx.prec // _LEVELS
    found = []
    for j in range(len(points)):
        near = min(lost[max(0, j // _APART - 1) : j // _APART + 3])
        found.append(max(step, ctx.prec - max(0, near - _GUARD) // step * step))
    return found


def _toeplitz_form(left: list[arb], right: list[arb], narrow: arb, log: float) -> arb:
    """Σ_jk left_j·right_k·exp(−narrow·(j−k)²) with an absolute error of about e^log, in fixed point."""
    sizes = [max((abs(x).upper() for x in side), default=arb(0)) for side in (left, right)]
    if sizes[0] == 0 or sizes[1] == 0:
        return arb(0)
    n = len(left)
    bits = max(8, math.ceil((float((sizes[0] * sizes[1]).log()) - log) / math.log(2)) + 2 * n.bit_length() + 6)
    units = [_exponent(size) for size in sizes]  # |side| ≤ 2^unit
    a, error_a = _fixed(left, units[0], bits)
    b, error_b = _fixed(right, units[1], bits)
    reach = n - 1
    rate = float(narrow)
    if rate > 0:
        reach = min(reach, math.isqrt(int((bits + 4) * math.log(2) / rate)) + 1)
    kernel, error_g = _fixed(_gaussians(narrow, reach), 0, bits)
    dropped = (-narrow * (reach + 1) ** 2).exp() if reach < n - 1 else arb(0)
    product = fmpz_poly(b) * fmpz_poly(kernel[:0:-1] + kernel)
    total = fmpz(0)
    for j in range(n):
        total += a[j] * product[j + reach]
    # in units where |left|, |right|, kernel ≤ 1, for each of the n² terms
    slack = n * n * ((1 + error_a) * (1 + error_b) * (1 + error_g) - 1 + dropped)
    unit = arb(2) ** (units[0] + units[1])
    value = arb(total) / arb(2) ** (3 * bits) * unit
    return value + arb(0, (slack * unit).upper())


def _gaussians(rate: arb, last: int) -> list[arb]:
    """exp(−rate·j²) for j = 0 … last, each from the one before; about 2 log₂ j bits are lost."""
    square = (-rate).exp()
    found, factor, square = [arb(1)], square, square * square
    for _ in range(last):
        found.append(found[-1] * factor)
        factor *= square
    return found


def _exponent(size: arb) -> int:
    """The least e or so with size ≤ 2^e; far down for 0."""
    if size == 0:
        return -(1 << 40)
    mantissa, exponent = size.upper().man_exp()
    return int(exponent) + int(mantissa).bit_length()


def _fixed(values: Sequence[arb], unit: int, bits: int) -> tuple[list[fmpz], arb]:
    """The values/2^unit as integers in units of 2^−bits, and the largest error of one, relative to 2^unit."""
    integers = []
    worst = arb(0)
    for value in values:
        mantissa, exponent = value.mid().man_exp()
        shift = int(exponent) + bits - unit
        integers.append(mantissa << shift if shift >= 0 else mantissa >> -shift)
        radius = value.rad()
        if radius > worst:
            worst = radius
    return integers, worst / arb(2) ** unit + 1 / arb(2) ** bits
