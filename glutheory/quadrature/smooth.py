"""E[f(u)f(v)] for functions analytic in a strip: the cheaper of the two trapezoidal rules, with its proved error."""

from __future__ import annotations

import math
from collections.abc import Sequence

import sympy as sp
from flint import arb

from glutheory.balls import precision
from glutheory.exact import Point
from glutheory.growth import Growth
from glutheory.quadrature import jets, toeplitz
from glutheory.quadrature.frame import Frame
from glutheory.quadrature.program import ball_functions, program
from glutheory.quadrature.strips import Envelope, mean_bound, strips

#: Lattice points beyond which the work is refused (about half a minute).
MAX_POINTS = 2_000_000
_PLANNING = 64


def smooth_means(point: Point, functions: tuple[sp.Expr, ...], logs: Sequence[float]) -> list[arb] | None:
    """E[f_i(u)f_i(v)] with absolute errors of about e^{logs[i]}, a, b > 0.

    None where no strip is known or the lattice would be larger than `MAX_POINTS`.
    """
    family = strips(functions)
    with precision(_PLANNING):
        frame = Frame.of(point)
        lattice = toeplitz.plan(frame, family, logs)
        diagonal = jets.plan(frame, family, logs)
        lattice_cost = math.inf if lattice is None else lattice.half * (1 if frame.same else 2)
        diagonal_cost = math.inf if diagonal is None else diagonal.half * (1 + diagonal.length / 3) * 2
        cost = min(lattice_cost, diagonal_cost)
        if cost > MAX_POINTS:
            return None
        size = max(_size(frame, family[-1].growths[i], log) for i, log in enumerate(logs))
        errors: list[arb] = []
        if lattice is not None and lattice_cost == cost:
            errors = [toeplitz.error(frame, family, lattice, i) for i in range(len(logs))]
        elif diagonal is not None:
            errors = [jets.error(frame, family, diagonal, i) for i in range(len(logs))]
    guard = 2 * int(cost).bit_length() + 40
    values: list[arb] = []
    with precision(max(_PLANNING, int(size / math.log(2)) + guard)):
        frame = Frame.of(point)
        if lattice is not None and lattice_cost == cost:
            values = toeplitz.double_sum(frame, ball_functions(functions), lattice, logs)
        elif diagonal is not None:
            values = jets.double_sum(frame, program(functions), diagonal, len(logs))
        return [value + arb(0, error.upper()) for value, error in zip(values, errors, strict=True)]


def _size(frame: Frame, bound: Growth, log: float) -> float:
    """Natural logarithm of the largest summand over the error."""
    one, two = Envelope.of(bound, frame.root_a), Envelope.of(bound, frame.root_b)
    return max(float(mean_bound(one, two, frame.rho).log()), 0.0) - log
