"""The pieces of evidence of the phase diagram; each re-evaluates a statement on cells that are already computed."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from glutheory.claims import About, Control, Evidence, Figure, Finding, Grade
from glutheory.datasets.tabular import SETS
from glutheory.studies.phase.boundary import Curve, crossing, predicted, sphere_limit
from glutheory.studies.phase.cells import Cell, State, Task, points

SPHERE, CERTIFICATE, CRITICAL = "sphere", "certificate", "sphere, ntk parametrisation"
SIGNS, GATES_PART, REAL = "Gaussian data, map", "every gate", "real data"
#: Where the predicted log10 ratio is larger than this (a factor of 2), its sign is to be right; from this d on.
CLEAR, _CLEAR_FROM = math.log10(2), 8
#: n times the largest gap to the limit, in log10; see `critical`.
_GAP = 30
#: Beyond the rounding of λ_1, which Lanczos' method finds to about 1e-14.
_MARGIN = 1e-6


@dataclass(frozen=True)
class Theory:
    """What is claimed.

    Attributes:
        boundary: n(d), ReGLU on Gaussian data in the wide limit: gating helps for smaller n and hurts for larger n.
        norm: the attribute of a `Cell` that certifies, times `tops`.
        sign: +1 if helping means cond(K̃) < cond(K).
        limit: of λ_1(K)/λ_1(K̃) on the sphere, by d and setting.
        room: the largest n(d) up to which every gate helps on Gaussian data.
        room_from: the least d for which it does.
    """

    boundary: Curve = crossing
    norm: str = "least"
    sign: int = 1
    limit: Callable[[int, str], float] = sphere_limit
    room: Curve = lambda d: d * d
    room_from: int = 16


def _claimed(cell: Cell, theory: Theory) -> State:
    """The state in the theory's orientation."""
    swapped = {State.HELPS: State.HURTS, State.HURTS: State.HELPS}
    return cell.state if theory.sign > 0 else swapped.get(cell.state, cell.state)


def _count(states: Iterable[State]) -> dict[str, Figure]:
    found = list(states)
    return {str(state): found.count(state) for state in State}


def _none(refuted: bool, telling: bool) -> Finding:
    """That something never happens is supported only where there was something that could have shown it."""
    return Finding.REFUTES if refuted else Finding.SUPPORTS if telling else Finding.UNDECIDED


def on_the_sphere(cells: Sequence[Cell], theory: Theory) -> Evidence:
    """Wide limit, rows of equal norms, synthetic or real: no cell where gating hurts."""
    chosen = [c for c in cells if c.task.setting == "wide" and c.equal_norms]
    states = [_claimed(c, theory) for c in chosen]
    gains = [c.gain for c in chosen if math.isfinite(c.gain)]
    figures = {"cells": len(chosen), **_count(states), "smallest log10 ratio": min(gains), "largest": max(gains)}
    what = "wide limit, rows of equal norms: cond(K̃) ≤ cond(K) in every cell, synthetic and real"
    finding = _none(State.HURTS in states, states.count(State.HELPS) >= max(1, states.count(State.OPEN)))
    return Evidence(Grade.NUMERICAL, what, finding, About.CORRECTED, SPHERE, figures)


def certificate(cells: Sequence[Cell], theory: Theory) -> Evidence:
    """λ_1(K)/λ_1(K̃) · min ‖x‖²/d > 1 implies help; and gating costs at most max/min of the norms, twice that in ntk."""
    certified = [c for c in cells if c.tops * getattr(c, theory.norm) > 1 + _MARGIN]
    broken = [c for c in certified if _claimed(c, theory) is State.HURTS]
    beyond = [c for c in cells if c.interval[1] < c.least / c.most / (2 if c.task.setting == "ntk" else 1)]
    helped = sum(c.state is State.HELPS for c in cells)
    figures: dict[str, Figure] = {
        "cells": len(cells),
        "certified": len(certified),
        "certified, and gating hurts": len(broken),
        "share of the helped cells that is certified": len(certified) / max(helped, 1),
        "beyond the bound by the norms": len(beyond),
    }
    what = "no cell with λ_1(K)/λ_1(K̃) · min ‖x‖²/d > 1 has cond(K̃) > cond(K): all data, gates and settings"
    finding = _none(bool(broken or beyond), bool(certified))
    return Evidence(Grade.NUMERICAL, what, finding, About.CORRECTED, CERTIFICATE, figures)


def singular() -> Control:
    """The certificate without K ≻ 0, at ±√2e_1, ±√2e_2 and |z|: it promises help, and both kernels are singular."""
    from glutheory import gram
    from glutheory.networks import network, product

    X = np.sqrt(2) * np.array([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0], [0.0, -1.0]])
    K, gated = (gram(net, X, kind="nngp") for net in (network("abs"), product("identity", "abs")))
    tops = float(np.linalg.eigvalsh(K)[-1] / np.linalg.eigvalsh(gated)[-1])
    # opposite rows are equal in K, and opposite in the gated kernel, whose value branch is odd: both to the last digit
    same, opposite = bool((K[0] == K[1]).all()), bool((gated[0] == -gated[1]).all())
    by = f"lambda_1(K)/lambda_1(gated) min|x|^2/d = {tops:.4f} > 1; equal rows in K, opposite ones in the gated kernel"
    altered = "the certificate for singular kernels as well: the cross-polytope in two dimensions, |z|"
    return Control(altered, tops > 1 + _MARGIN and same and opposite, by)


@lru_cache(maxsize=1024)
def _guess(task: Task) -> float:
    """The prediction with the norms of the very rows."""
    return predicted(task.n, task.d, np.linalg.norm(points(task), axis=1))


def signs(cells: Sequence[Cell], theory: Theory) -> Evidence:
    """ReGLU, wide, Gaussian data: the limiting spectra with the rows' norms predict who wins in every clear cell.

    Their errors are of order 1/d; below d = 8 a factor of 2 is not clear.
    """
    chosen = [
        c
        for c in cells
        if (c.task.data, c.task.gate, c.task.setting) == ("gaussian", "reglu", "wide") and math.isfinite(c.gain)
    ]
    clear = [c for c in chosen if c.task.d >= _CLEAR_FROM and abs(_guess(c.task)) > CLEAR]
    wrong = [c for c in clear if _claimed(c, theory) is not (State.HELPS if _guess(c.task) > 0 else State.HURTS)]
    apart: dict[str, Figure] = {
        f"d={d}": max(abs(_guess(c.task) - c.gain) for c in chosen if c.task.d == d)
        for d in sorted({c.task.d for c in chosen})
    }
    figures: dict[str, Figure] = {"cells": len(chosen), "clear cells": len(clear), "wrong sign": len(wrong)}
    figures["largest |log10 difference|"] = apart
    what = (
        f"the limiting spectra predict the sign wherever they predict a factor of 2 or more, d ≥ {_CLEAR_FROM} "
        "(ReGLU, Gaussian data)"
    )
    finding = _none(bool(wrong), bool(clear))
    return Evidence(Grade.NUMERICAL, what, finding, About.CORRECTED, SIGNS, figures)


def critical(cells: Sequence[Cell], theory: Theory) -> Evidence:
    """ReGLU on the sphere: λ_1(K)/λ_1(K̃) tends to the limit; full kernels hurt for some data in d ≤ 3, help in d ≥ 4.

    The gap is of order 1/n: the diagonal adds (f(1) − λ_0)/n to the level, f(1)/λ_0 = 2d, and the second order of
    perturbation theory about as much over the distance of the next level. For d ≤ 5 this is below 30/n in log10.
    """
    chosen = [c for c in cells if c.task.data == "sphere" and c.task.gate == "reglu" and c.task.d <= 5]
    gaps: list[float] = []
    off = 0
    rows: dict[str, Figure] = {}
    for cell in chosen:
        task = cell.task
        gap = abs(math.log10(cell.tops / theory.limit(task.d, task.setting)))
        off += gap > _GAP / task.n
        gaps.append(gap * task.n)
    full = [c for c in chosen if c.task.setting == "ntk"]
    for d in sorted({c.task.d for c in full}):
        row = [c for c in full if c.task.d == d]
        rows[f"d={d}"] = {
            "limit": theory.limit(d, "ntk"),
            **_count(_claimed(c, theory) for c in row),
            "log10 ratio": [min(c.gain for c in row), max(c.gain for c in row)],
        }
    low = {c.task.d for c in full if _claimed(c, theory) is State.HURTS}
    right = {2, 3} <= low and not any(d >= 4 for d in low)
    figures: dict[str, Figure] = {**rows, "cells": len(chosen), "off the limit": off, "largest n x gap": max(gaps)}
    what = "on the sphere λ_1(K)/λ_1(K̃) tends to its limit like 1/n; full kernels: cells that hurt in d = 2, 3 only"
    return Evidence(Grade.NUMERICAL, what, Finding.of(off == 0 and right), About.CORRECTED, CRITICAL, figures)


def every_gate(cells: Sequence[Cell], theory: Theory) -> Evidence:
    """Gaussian data, wide limit: every gate helps for d ≥ 16 and n ≤ d²; with the counts of all data and gates."""
    gaussian = [c for c in cells if c.task.data == "gaussian" and c.task.setting == "wide"]
    inside = [c for c in gaussian if c.task.d >= theory.room_from and c.task.n <= theory.room(c.task.d)]
    states = [_claimed(c, theory) for c in inside]
    finding = _none(State.HURTS in states, State.HELPS in states and State.OPEN not in states)
    figures: dict[str, Figure] = {"cells": len(inside), **_count(states), "table": table(cells)}
    what = f"Gaussian data, wide limit, d ≥ {theory.room_from}, n ≤ d²: every gate helps wherever a kernel is regular"
    return Evidence(Grade.NUMERICAL, what, finding, About.CORRECTED, GATES_PART, figures)


def real(cells: Sequence[Cell], theory: Theory) -> Evidence:
    """Real data as they come: each set has cells where ReGLU hurts in the wide limit."""
    rows: dict[str, Any] = {}
    for name in SETS:
        states = [
            _claimed(c, theory) for c in cells if (c.task.data, c.task.gate, c.task.setting) == (name, "reglu", "wide")
        ]
        rows[name] = {"cells": len(states), **_count(states)}
    harmless = [name for name, row in rows.items() if not row[str(State.HURTS)]]
    figures: dict[str, Figure] = {**rows, "sets without a cell that hurts": harmless}
    what = "the standardised sets without normalised rows: each has cells where ReGLU is worse conditioned (wide limit)"
    return Evidence(Grade.NUMERICAL, what, Finding.of(not harmless), About.CORRECTED, REAL, figures)


def table(cells: Sequence[Cell]) -> dict[str, Figure]:
    """For every data set, setting and gate: how many cells help, hurt, are singular, are not resolved; the gains."""
    groups: dict[tuple[str, str, str], list[Cell]] = {}
    for cell in cells:
        groups.setdefault((cell.task.data, cell.task.setting, cell.task.gate), []).append(cell)
    found: dict[str, Figure] = {}
    for (data, setting, gate), group in groups.items():
        gains = [c.gain for c in group if math.isfinite(c.gain)]
        row: dict[str, Figure] = {**_count(c.state for c in group)}
        if gains:
            row |= {"least log10 ratio": min(gains), "median": float(np.median(gains)), "largest": max(gains)}
        found[f"{data}, {setting}, {gate}"] = row
    return found
