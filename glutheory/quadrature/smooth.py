"""E[f(u)f(v)] for functions analytic in a strip: the cheaper of the two trapezoidal rules, with its proved error."""

from __future__ import annotations

import math
from collections.abc import Sequence

import sympy as sp
from flint import arb

from glutheory.balls import precision
from glutheory.exact import Point
from glutheory.quadrature import jets, toeplitz
from glutheory.quadrature.frame import Frame
from glutheory.quadrature.program import program
from glutheory.quadrature.strips import Envelope, mean_bound, strips

#: Lattice points beyond which the work is refused (about a minute).
MAX_POINTS = 2_000_000
_PLANNING = 64


def smooth_means(point: Point, functions: tuple[sp.Expr, ...], logs: Sequence[float]) -> list[arb] | None:
    """E[f_i(u)f_i(v)] with absolute errors of about e^{logs[i]}, a, b > 0.

    None where no strip is known or the lattice would be larger than `MAX_POINTS`.
    """
    family = strips(functions)
    count = len(functions)
    with precision(_PLANNING):
        frame = Frame.of(point)
        lattice = toeplitz.plan(frame, family, logs)
        diagonal = jets.plan(frame, family, logs)
        lattice_cost = math.inf if lattice is None else lattice.half * (1 if frame.same else 2)
        diagonal_cost = math.inf if diagonal is None else diagonal.half * (1 + diagonal.length / 3) * 2
        if min(lattice_cost, diagonal_cost) > MAX_POINTS:
            return None
        size = max(_size(frame, family[-1].growths[i], log) for i, log in enumerate(logs))
        if lattice_cost <= diagonal_cost:
            errors = [toeplitz.error(frame, family, lattice, i) for i in range(count)]
            points = lattice.half
        else:
            errors = [jets.error(frame, family, diagonal, i) for i in range(count)]
            points = diagonal.half
    made = program(functions)
    with precision(max(_PLANNING, int(size / math.log(2)) + 2 * points.bit_length() + 40)):
        frame = Frame.of(point)
        if lattice_cost <= diagonal_cost:
            values = toeplitz.double_sum(frame, made.values(), lattice, logs)
        else:
            values = jets.double_sum(frame, made, diagonal, count)
        return [value + arb(0, error.upper()) for value, error in zip(values, errors, strict=True)]


def _size(frame: Frame, bound: object, log: float) -> float:
    """Natural logarithm of the largest summand over the error."""
    one, two = Envelope.of(bound, frame.root_a), Envelope.of(bound, frame.root_b)
    return max(float(mean_bound(one, two, frame.rho).log()), 0.0) - log
