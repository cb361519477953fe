"""E[f(u)f(v)] at ρ = ±1 exactly: v is a multiple of u, one integral over the line, cut at the kinks of both factors."""

from __future__ import annotations

import math
from functools import cmp_to_key
from itertools import pairwise

import sympy as sp
from flint import acb, arb

from glutheory.exact import Point, ball
from glutheory.quadrature.frame import Frame
from glutheory.quadrature.line import Function, Integrand, density, integral, radius_for, split, tail
from glutheory.quadrature.strips import Envelope

Cut = tuple[sp.Expr, int | None, int | None]


def _cuts(point: Point, kinks: tuple[sp.Expr, ...], sign: int) -> list[Cut]:
    """(x, index of u's kink there, index of v's kink there), ascending in x; coincidences are decided exactly."""
    root_a, root_b = sp.sqrt(sp.sympify(point.a)), sign * sp.sqrt(sp.sympify(point.b))
    found: list[Cut] = [(kink / root_a, i, None) for i, kink in enumerate(kinks)]
    for j, kink in enumerate(kinks):
        x = kink / root_b
        match = next((k for k, (other, _, _) in enumerate(found) if _same(other, x)), None)
        if match is None:
            found.append((x, None, j))
        else:
            found[match] = (found[match][0], found[match][1], j)
    return sorted(found, key=cmp_to_key(_order))


def _order(one: Cut, two: Cut) -> int:
    return 1 if one[0] > two[0] else -1


def _same(x: sp.Expr, y: sp.Expr) -> bool:
    difference = sp.simplify(x**2 - y**2) if x * y > 0 else x - y
    return bool(difference == 0 or difference.equals(0))


def on_diagonal(point: Point, frame: Frame, function: Function, log: float) -> arb:
    """E[f(u)f(v)] with an absolute error of about e^log; an infinite ball where two delta functions coincide."""
    root_u, root_v = frame.root_a, frame.sign * frame.root_b
    bound = function.growth()
    one, two = Envelope.of(bound, frame.root_a), Envelope.of(bound, frame.root_b)
    height, rate = one.A * two.A, one.q + two.q
    radius = radius_for(float(height.log()) if height > 0 else 0.0, float(rate), log)
    cuts = _cuts(point, function.kinks, frame.sign)
    places = [ball(x) for x, _, _ in cuts]
    ends, _ = split(places, radius)
    programs = function.programs()

    def branches(x: arb) -> tuple[int, int]:
        """Which branches hold at an x that is no cut."""
        left = sum(1 for place, (_, i, _) in zip(places, cuts, strict=True) if i is not None and place < x)
        right = sum(1 for place, (_, _, j) in zip(places, cuts, strict=True) if j is not None and place < x)
        return left, right if frame.sign > 0 else len(function.kinks) - right

    def part(low: arb, high: arb) -> Integrand:
        i, j = branches(((low + high) / 2).mid())
        first, second = programs[i], programs[j]
        return lambda x, analytic: first(root_u * x, analytic) * second(root_v * x, analytic)

    total = integral([(low, high, part(low, high)) for low, high in pairwise(ends)], log)
    total += arb(0, tail(height, rate, radius).upper())
    infinite = []
    for place, (_, i, j) in zip(places, cuts, strict=True):
        mass_u = function.masses[i] if i is not None else sp.S.Zero
        mass_v = function.masses[j] if j is not None else sp.S.Zero
        if mass_u != 0 and mass_v != 0:
            infinite.append(mass_u * mass_v)
        elif mass_u != 0:
            total += ball(mass_u) * density(place) / frame.root_a * _middle(function, root_v * place, j)
        elif mass_v != 0:
            total += ball(mass_v) * density(place) / frame.root_b * _middle(function, root_u * place, i)
    if infinite:
        same = all(mass > 0 for mass in infinite) or all(mass < 0 for mass in infinite)
        return (arb.pos_inf() if infinite[0] > 0 else arb.neg_inf()) if same else arb(0, math.inf)
    return total


def _middle(function: Function, at: arb, kink: int | None) -> arb:
    """The value at a point, the mean of its one-sided limits at a kink (what the limit |ρ| → 1 gives)."""
    programs = function.programs()
    if kink is not None:
        both = programs[kink](acb(at), False) + programs[kink + 1](acb(at), False)
        return both.real / 2
    index = sum(1 for place in function.kinks if ball(place) < at)
    return programs[index](acb(at), False).real
