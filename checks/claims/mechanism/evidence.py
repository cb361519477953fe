"""The evidence on the kernels: entries, limits, sizes that a computer reaches, both orders, real data."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from fractions import Fraction
from functools import lru_cache

import numpy as np
import sympy as sp
from flint import arb

from checks.claims.mechanism.cells import GATES_SHOWN, Cell, Seen, seen
from checks.claims.mechanism.kernels import SETTINGS, Centre, logs
from checks.claims.mechanism.law import Law
from checks.claims.mechanism.theory import predicted
from checks.settings import Settings
from checks.tools import roads
from checks.tools.evidence import equal
from checks.tools.margins import edge_margin
from glutheory.activations import Activation, activation
from glutheory.claims import Evidence, Figure, Finding, Grade
from glutheory.ground.balls import precision
from glutheory.ground.exact import Point, ball
from glutheory.networks import GATES
from glutheory.symbolic.hermite import hermite_series

#: Relative to the limits at the further of the two scales, where the corrections are 2√(d/n) = 2e-3 and less.
_FAR, _SCALES = 0.005, ((10**11, 10**8), (10**20, 10**14))
#: |ln measured/predicted| on Gaussian inputs, where λ_n hangs on the shortest of the rows.
_GAUSSIAN = 0.25
#: Wrong centres are tried on small matrices.
_SMALL = 400
_POINTS = tuple(tuple(map(Fraction, x)) for x in (("1", "3/2", "-1/2"), ("1/2", "2", "9/10")))
_DIGITS = 20
_NAMES = ("mean", "shift", "shift among centred")


def entries(law: Law) -> Evidence:
    """Both centred kernels with the enclosed integrals of φ − r against the derived K less what the mean takes.

    r is a fraction within 1e-9 of the mean at variance 1, so that every step is exact.
    """
    differences: list[arb] = []
    for gate in GATES_SHOWN:
        for where in range(len(_POINTS)):
            plain, gated = _difference(gate, where, law.centre.multiple, law.slope)
            differences += [plain, gated]
    what = f"entries of K_c and of the gated K_c at {len(_POINTS)} points for {', '.join(GATES_SHOWN)}, ntk"
    return equal(what, differences, part="kernels")


@lru_cache(maxsize=1024)
def _difference(gate: str, where: int, multiple: float, slope: int) -> tuple[arb, arb]:
    act, (a, b, c) = activation(GATES[gate]), _POINTS[where]
    S, T, means, r, (other_S, other_T) = _entry(gate, where)
    with precision(128):
        r_, c_ = ball(Fraction(multiple).limit_denominator(100) * r), ball(c)
        mine = S - r_ * (means[0] + means[1]) + r_ * r_
        slopes = [hermite_series(act, v, 1, _DIGITS, derivative=True).coefficients[0] for v in (a, b)] if slope else []
        tilt = T - slopes[0] * slopes[1] if slope else T
        return (
            (mine + c_ * tilt) - (other_S + c_ * other_T),
            (2 * c_ * mine + c_ * c_ * tilt) - (2 * c_ * other_S + c_ * c_ * other_T),
        )


@lru_cache(maxsize=64)
def _entry(gate: str, where: int) -> tuple[arb, arb, list[arb], Fraction, tuple[arb, arb]]:
    """S, T and the means by road 1; r; S and T of φ − r by road 2."""
    act, point = activation(GATES[gate]), Point(*_POINTS[where])
    centre = hermite_series(act, Fraction(1), 1, _DIGITS).coefficients[0]
    r = Fraction(float(centre.mid())).limit_denominator(10**9)
    other = Activation(f"{act.label} less its mean", act.expr - sp.Rational(r.numerator, r.denominator))
    S, T = roads.symbolic(act, point)
    means = [hermite_series(act, v, 1, _DIGITS).coefficients[0] for v in (point.a, point.b)]
    return S, T, means, r, roads.quadrature(other, point)


def limits(law: Law) -> Evidence:
    """The factors of limiting spectra far out against the printed ones, at two scales: the further one is closer."""
    good = True
    rows: dict[str, Figure] = {}
    for gate in GATES_SHOWN:
        for setting in SETTINGS:
            errors, claimed = [], law.limits(gate, setting)
            for n, d in _SCALES:
                plain, centred, gated, _ = predicted(gate, setting, n, d)
                pair = zip((plain / centred, centred / gated), claimed, strict=True)
                errors.append([abs(value / factor.at(d) - 1) for value, factor in pair])
            good = good and max(errors[1]) <= _FAR and max(errors[1]) <= max(*errors[0], 1e-9)
            mean, shift = claimed
            rows[f"{gate}, {setting}"] = {
                "mean over its power of d": mean.constant,
                "that power": mean.power,
                "shift": shift.constant,
                "errors": errors[1],
            }
    n, d = _SCALES[1]
    what = f"the factors of mean and shift in the limiting spectra, within {_FAR} at n = {n:.0e}, d = {d:.0e}"
    return Evidence(Grade.NUMERICAL, what, Finding.of(good), part="limits", figures=rows)


def errors(one: Seen, setting: str, law: Law) -> tuple[float, ...]:
    """Ln measured/predicted of the three parts."""
    cell = one.cell
    norms = None if cell.normalised else np.linalg.norm(cell.rows(), axis=1)
    theory = logs([max(x, 1e-300) for x in predicted(cell.gate, setting, cell.n, cell.d, norms, law.rule)])
    return tuple(x - y for x, y in zip(law.parts(one.logs(setting)), theory.parts, strict=True))


def measured(law: Law, cells: Sequence[Cell], settings: Settings) -> Evidence:
    """Condition numbers of matrices against the limiting spectra at the same n and d."""
    data = cells[-1].data
    if law.centre != Centre():
        cells = [cell for cell in cells if cell.n <= _SMALL]
    table: dict[tuple[int, int], list[tuple[str, tuple[float, ...]]]] = {}
    for cell in cells:
        one = seen(cell, law.centre, settings)
        for setting in cell.settings:
            row = table.setdefault((cell.n, cell.d), [])
            row.append((f"{cell.gate}, {setting}", errors(one, setting, law)))
    first, last = min(table), max(table, key=lambda size: (size[1], size[0]))
    spread = {size: float(np.mean([np.abs(found) for _, found in rows])) for size, rows in table.items()}
    worst = max(abs(x) for _, found in table[last] for x in found)
    # one set of Gaussian rows more or less short decides more there than the size does
    margin = _GAUSSIAN if data == "gaussian" else edge_margin(last[1])
    good = worst <= margin and (data == "gaussian" or spread[last] < spread[first])
    figures: dict[str, Figure] = {
        "data sets": len(cells),
        "largest |ln| at the largest size": worst,
        "margin": margin,
        "mean |ln| by size": {f"n={n}, d={d}": value for (n, d), value in spread.items()},
        "at the largest size": {
            name: dict(zip(_NAMES, found, strict=True)) for name, found in dict(table[last]).items()
        },
    }
    what = (
        f"mean and shift of matrices over those of the limiting spectra, {data}: within a factor "
        f"{math.exp(margin):.2f} at n = {last[0]}, d = {last[1]}"
        + ("" if data == "gaussian" else ", and closer than at the smallest size")
    )
    return Evidence(Grade.NUMERICAL, what, Finding.of(good), part=f"measured, {data}", figures=figures)


def orders(law: Law, cells: Sequence[Cell], settings: Settings) -> Evidence:
    """Both orders on every normalised data set; among centred wide kernels gating never hurts (Schur)."""
    rows: dict[str, list[tuple[float, ...]]] = {}
    against, count = 0, 0
    for cell in (cell for cell in cells if cell.normalised):
        one = seen(cell, Centre(), settings)
        # the interval of ln cond K_c/cond K̃_c, of the sign that is claimed
        least, most = one.least("wide", 1, 3), one.most("wide", 1, 3)
        against += (most if law.helps > 0 else -least) < 0
        count += 1
        for setting in cell.settings:
            found = one.logs(setting)
            key = f"{cell.gate}, {setting}, {cell.data}, n={cell.n}, d={cell.d}"
            rows.setdefault(key, []).append((*found.parts, found.interaction, *found.shares))
    figures: dict[str, Figure] = {"data sets": count, "against": against, "parts": _means(rows)}
    what = "rows of norm √d, wide limit: cond(gated, centred) ≤ cond(K_c) on every data set; both orders of the parts"
    return Evidence(Grade.NUMERICAL, what, Finding.of(against == 0), part="orders", figures=figures)


def _means(rows: Mapping[str, Sequence[tuple[float, ...]]]) -> dict[str, Figure]:
    """Of the parts, by case."""
    names = (*_NAMES, "interaction", "share of the mean, centring first", "share of the mean, gating first")
    return {key: dict(zip(names, np.mean(values, axis=0).tolist(), strict=True)) for key, values in rows.items()}


def constant(law: Law, cells: Sequence[Cell], settings: Settings) -> Evidence:
    """Rows of different norms: one constant against a mean for each row, and what centring costs at most."""
    apart: dict[str, float] = {}
    parts: dict[str, list[tuple[float, ...]]] = {}
    worst, lost, count, good = math.inf, 0, 0, True
    for cell in (cell for cell in cells if not cell.normalised):
        one, exact = (seen(cell, Centre(rows=rows), settings) for rows in (False, True))
        allowed = math.log(law.apart[0 if cell.data == "gaussian" else 1])
        for setting in cell.settings:
            found = one.logs(setting)
            gap = abs(found.centred - exact.logs(setting).centred)
            good = good and gap <= allowed and one.most(setting, 0, 1) >= -math.log1p(law.costs)
            apart[cell.data] = max(apart.get(cell.data, 0.0), gap)
            worst = min(worst, found.mean)
            lost += found.shift < 0
            count += 1
            key = f"{cell.gate}, {setting}, {cell.data}, n={cell.n}, d={cell.d}"
            parts.setdefault(key, []).append((*found.parts, found.interaction, *found.shares))
    figures: dict[str, Figure] = {
        "cases": count,
        "least ln cond(K)/cond(K_c)": worst,
        "gating loses against centring": lost,
        "largest |ln constant/rows|": dict(apart),
        "parts": _means(parts),
    }
    what = (
        f"rows of different norms: one constant within a factor {law.apart[0]:g} of a mean for each row (Gaussian) or "
        f"{law.apart[1]:g} (three real sets), and cond(K_c) at most {1 + law.costs:g} cond(K)"
    )
    return Evidence(Grade.NUMERICAL, what, Finding.of(good), part="one constant", figures=figures)
