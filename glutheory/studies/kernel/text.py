"""The curves over ρ as tables, one for each activation."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from glutheory.studies.kernel.curves import NAMES, Curves
from glutheory.studies.kernel.deep import NAMES as DEEP
from glutheory.studies.kernel.deep import StackCurves
from glutheory.studies.kernel.study import KernelStudy
from glutheory.terminal import Terminal, columns, heading, number, sentences

_DIGITS = 6


def text(study: KernelStudy, terminal: Terminal) -> str:
    """The whole page."""
    variances = f"a = b = {study.a:g}" if study.a == study.b else f"a = {study.a:g}, b = {study.b:g}"
    scaled = ", each divided by its value at ρ = 1" if study.normalised else ""
    legends = []
    if study.curves:
        legends.append(
            "S = E[φ(u)φ(v)], T = E[φ'(u)φ'(v)], c = ρ √(ab); K = S + cT without the gate, K̃ = 2cS + c²T with it."
        )
    if study.stacks:
        legends.append(
            "Stacks in the limit of infinite width, ρ of the inputs: the NNGP Σ and the NTK K without gates, Σ̃ and "
            "K̃ with them."
        )
    head = f"Kernels over ρ, variances {variances}, ntk parametrisation{scaled}"
    lines = [*heading(head, terminal), *sentences(legends, terminal)]
    for item in study.curves:
        lines += ["", *columns(list(_table(item, study)), terminal)]
    for deep in study.stacks:
        names = f"{deep.plain} (Σ, K) and {deep.gated} (Σ̃, K̃)"
        lines += ["", *sentences([names], terminal), *columns(list(_deep_table(deep, study)), terminal)]
    remarks = [*map(remark, study.curves), *map(remark, study.stacks)]
    return "\n".join([*lines, "", *sentences(remarks, terminal)])


def _table(item: Curves, study: KernelStudy) -> Iterator[list[str]]:
    yield [f"φ = {item.plain}", *NAMES]
    yield ["ρ", "", "", item.plain, item.gated]
    yield []
    yield from _rows(item, study)


def _deep_table(item: StackCurves, study: KernelStudy) -> Iterator[list[str]]:
    yield ["ρ", *DEEP]
    yield []
    yield from _rows(item, study)


def _rows(item: Curves | StackCurves, study: KernelStudy) -> Iterator[list[str]]:
    for rho in study.table:
        i = int(np.searchsorted(item.rho, rho))
        yield [f"{rho:+.10g}" if rho else " 0", *(number(float(column[i]), _DIGITS) for column in item.columns)]
    yield []
    yield ["slope at 0", *(number(slope, _DIGITS) for slope in item.slopes)]


def remark(item: Curves | StackCurves) -> str:
    """Whether the gate brings inputs apart."""
    inside = (item.rho > 0) & (item.rho < 1)
    if not np.isfinite(item.K[-1]):
        which = "T, K and K̃" if isinstance(item, Curves) else "K and K̃"
        return f"{item.plain}: φ jumps, so that {which} are infinite at ρ = 1."
    above = item.K_gated[inside] / item.K_gated[-1] > item.K[inside] / item.K[-1]
    if not above.any():
        return f"{item.plain}: divided by their values at ρ = 1, K̃ is nowhere above K for 0 < ρ < 1."
    where = item.rho[inside][above]
    end = "on" if above[-1] else f"to {number(float(where.max()))}"
    return (
        f"{item.plain}: divided by their values at ρ = 1, K̃ is above K for some 0 < ρ < 1, from "
        f"ρ = {number(float(where.min()))} {end}."
    )
