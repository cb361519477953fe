"""The evidence: how far the condition numbers are from the prediction, how that scales, and where it breaks."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from checks.claims.prediction.cells import Cell, seen, wide
from checks.claims.prediction.law import RIGHT, THEORIES, Law, Range
from checks.settings import Settings
from checks.tools.exponents import Interval, PowerLaw, power_law
from checks.tools.signs import worst
from checks.tools.statistical_models import described
from glutheory.claims import Evidence, Figure, Finding, Grade

Array = npt.NDArray[np.float64]
#: The probability that any t-test of one piece of evidence refutes a true statement: networks are dear.
LEVEL = 0.01
#: Confidence of the exponents.
_CONFIDENCE = 0.99
#: Logarithms of errors need a floor; errors that are smaller are those of a prediction that is right.
_FLOOR = 0.01
_NAMES = ("plain", "gated")


def _ends(values: Array, tests: int) -> Interval:
    """The ends of the mean, each missed with probability LEVEL/tests."""
    low, high = described(values).tconfint_mean(2 * LEVEL / tests)
    return float(low), float(high)


def _below(values: Array, limit: float, tests: int) -> Finding:
    """Whether the mean is at most this."""
    low, high = _ends(values, tests)
    return Finding.REFUTES if low > limit else Finding.SUPPORTS if high <= limit else Finding.UNDECIDED


def _above(values: Array, limit: float, tests: int) -> Finding:
    return _below(-values, -limit, tests)


def bound(law: Law, cells: Sequence[Cell], settings: Settings) -> Evidence:
    """The mean of |ln cond_w/cond_∞| of every network within c √(nL/w)."""
    findings, table, share = [], dict[str, Figure](), 0.0
    for cell in cells:
        errors = np.abs(seen(cell, settings).errors)
        allowed = law.allowed(cell.n, cell.depth, cell.width)
        for name, values in zip(_NAMES, errors.T, strict=True):
            findings.append(_below(values, allowed, 2 * len(cells)))
            share = max(share, float(values.mean()) / allowed)
            table[f"{cell.label}, {name}"] = {"mean |ln|": float(values.mean()), "allowed": allowed}
    what = (
        f"the mean of |ln cond_w/cond_∞| within {law.bound:g} sqrt(nL/w): {len(cells)} sizes, plain and gated "
        "(t-tests of the means)"
    )
    figures: dict[str, Figure] = {"largest share of the bound": share, "sizes": table, "level of all tests": LEVEL}
    return Evidence(Grade.STATISTICAL, what, worst(findings), part="bound", figures=figures)


def nearest(law: Law, cells: Sequence[Cell], settings: Settings) -> Evidence:
    """The measured kernels are nearer to this theory's than to any other's: the mean share of the way is below 1/2."""
    others = {"as stated": RIGHT, **THEORIES}
    others = {name: theory for name, theory in others.items() if theory != law.theory}
    findings, table = [], dict[str, Figure]()
    for cell in cells:
        own = wide(cell, settings, law.theory)
        found = seen(cell, settings).kernels - own
        for name, theory in others.items():
            way = wide(cell, settings, theory) - own
            share = np.sum(found * way, axis=(2, 3)) / np.sum(way * way, axis=(2, 3))
            findings += [_below(column, 0.5, 2 * len(cells) * len(others)) for column in share.T]
            table[f"{name}, {cell.label}"] = dict(zip(_NAMES, share.mean(axis=0).tolist(), strict=True))
    what = (
        "of the way from the predicted kernel to that of another theory, the measured one is less than half along, on "
        "the mean (projections, t-tests)"
    )
    figures: dict[str, Figure] = {"mean shares": table, "level of all tests": LEVEL}
    return Evidence(Grade.STATISTICAL, what, worst(findings), part="theory", figures=figures)


def sign(law: Law, cells: Sequence[Cell], settings: Settings) -> Evidence:
    """The gated networks are worse conditioned than predicted, at every size."""
    found = {cell.label: law.sign * seen(cell, settings).errors[:, 1] for cell in cells}
    finding = worst([_above(values, 0.0, len(cells)) for values in found.values()])
    figures: dict[str, Figure] = {
        "mean ln cond_w/cond_∞": {label: law.sign * float(values.mean()) for label, values in found.items()},
        "networks as claimed": sum(int(np.sum(values > 0)) for values in found.values()),
        "networks": sum(len(values) for values in found.values()),
        "level of all tests": LEVEL,
    }
    what = "ln cond_w/cond_∞ of the gated networks is positive on the mean at every size (t-tests)"
    return Evidence(Grade.STATISTICAL, what, finding, part="sign", figures=figures)


def rates(law: Law, cells: Sequence[Cell], settings: Settings) -> Evidence:
    """The exponents of n, L and w in ln cond_w/cond_∞ of the gated networks."""
    fit = _fitted(cells, [seen(cell, settings).errors[:, 1] for cell in cells])
    claimed = {"n": law.rows, "L": law.depth, "w": law.width}
    # with w written as nL over nL/w the exponent of n is that of n beyond what 1/w counts
    less = _fitted(cells, [seen(cell, settings).errors[:, 1] for cell in cells], shared=True)
    finding = worst(
        [
            *(_inside(fit.interval(name), within) for name, within in claimed.items()),
            _inside(less.interval("n"), law.beyond),
        ]
    )
    figures = _exponents(fit) | {
        "n beside nL/w": list(less.interval("n")),
        "claimed": {name: list(within) for name, within in claimed.items()},
    }
    what = "the exponents of n, L and w in ln cond_w/cond_∞ of the gated networks (log-linear regression)"
    return Evidence(Grade.STATISTICAL, what, finding, part="rates", figures=figures)


def entries(law: Law, cells: Sequence[Cell], settings: Settings) -> Evidence:
    """The kernels themselves: the exponent of w in ‖K_w − K_∞‖/‖K_∞‖, plain and gated."""
    centre, margin = law.entries
    findings, figures = [], dict[str, Figure]()
    for column, name in enumerate(_NAMES):
        fit = _fitted(cells, [seen(cell, settings).apart[:, column] for cell in cells])
        findings.append(_inside(fit.interval("w"), (centre - margin, centre + margin)))
        figures[name] = _exponents(fit)
    what = f"the Frobenius distance of the kernels over their norm falls like w^({centre:g} ± {margin:g})"
    return Evidence(Grade.STATISTICAL, what, worst(findings), part="entries", figures=figures)


def broken(law: Law, cells: Sequence[Cell], settings: Settings) -> Evidence:
    """The deepest gated networks miss the prediction by a factor."""
    deepest = [cell for cell in cells if cell.depth == max(cell.depth for cell in cells)]
    found = {cell.label: seen(cell, settings).errors[:, 1] for cell in deepest}
    finding = worst([_above(values, math.log(law.broken), len(found)) for values in found.values()])
    figures: dict[str, Figure] = {
        "mean factor": {label: math.exp(float(values.mean())) for label, values in found.items()},
        "nL/w": {cell.label: cell.ratio for cell in deepest},
        "level of all tests": LEVEL,
    }
    what = f"gated networks of {deepest[0].depth} blocks are worse conditioned than predicted by {law.broken:g} or more"
    return Evidence(Grade.STATISTICAL, what, finding, part="broken", figures=figures)


def gain(law: Law, cells: Sequence[Cell], settings: Settings) -> Evidence:
    """Gating gains at every size; of the deepest networks less than predicted."""
    findings, table = [], dict[str, Figure]()
    deepest = max(cell.depth for cell in cells)
    for cell in cells:
        measured, theory = seen(cell, settings).gains.T
        findings.append(_above(law.gain * measured, 0.0, 2 * len(cells)))
        if cell.depth == deepest:
            findings.append(_above(law.kept * (measured - theory), 0.0, 2 * len(cells)))
        table[cell.label] = {"measured": math.exp(measured.mean()), "predicted": math.exp(theory.mean())}
    figures: dict[str, Figure] = {"cond(plain)/cond(gated), geometric means": table, "level of all tests": LEVEL}
    what = f"the gated network is the better conditioned one at every size; at {deepest} blocks by less than predicted"
    return Evidence(Grade.STATISTICAL, what, worst(findings), part="gain", figures=figures)


def _fitted(cells: Sequence[Cell], values: Sequence[Array], *, shared: bool = False) -> PowerLaw:
    """The power law of positive numbers, one for each seed of each size; if `shared` in nL/w in the place of w."""
    sizes = [(cell.n, cell.depth, cell.width) for cell, found in zip(cells, values, strict=True) for _ in found]
    n, depth, width = np.array(sizes, dtype=float).T
    last = {"nL/w": n * depth / width} if shared else {"w": width}
    return power_law(np.maximum(np.concatenate(values), _FLOOR), level=_CONFIDENCE, n=n, L=depth, **last)


def _inside(found: Interval, claimed: Range) -> Finding:
    if found[1] < claimed[0] or found[0] > claimed[1]:
        return Finding.REFUTES
    return Finding.of(True) if claimed[0] <= found[0] and found[1] <= claimed[1] else Finding.UNDECIDED


def _exponents(fit: PowerLaw) -> dict[str, Figure]:
    return {
        "exponents": dict(zip(fit.names, fit.exponents, strict=True)),
        f"{_CONFIDENCE:.0%} intervals": {name: list(fit.interval(name)) for name in fit.names},
        "constant": fit.constant,
        "root mean square residual of ln": fit.residual,
        "networks": fit.points,
    }
