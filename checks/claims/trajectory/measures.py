"""Two samples: what is claimed of the paths of trained networks, and the tests of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from checks.claims.trajectory.paths import (
    ACUTE,
    HIDDEN,
    Array,
    D,
    Plan,
    deviation,
    gaussian,
    sampled,
    straightness,
    straightness_of,
    trained,
)
from checks.claims.trajectory.theory import Bound, kantorovich, width_of
from checks.settings import FALSE_ALARM, Settings
from checks.tools.biased import matrices
from checks.tools.signs import signs
from checks.tools.training_task import NAMES, PAIRS
from glutheory.claims import About, Evidence, Figure, Finding, Grade

#: A path is followed if it is never left by more than this, relative to the way: one would not see it in a figure.
FOLLOWED = 0.05


@dataclass(frozen=True)
class Statement:
    """What is claimed.

    Attributes:
        kernel: of the kernels at the start, those whose path is followed.
        straighter: of the straightness of the non-gated and the gated paths, whether they are as claimed.
        bound: of κ, the least cosine between the first step and the direction to the target.
    """

    kernel: Callable[[Array], Array] = lambda K: K
    straighter: Callable[[Array, Array], npt.NDArray[np.bool_]] = lambda plain, gated: gated > plain
    bound: Bound = kantorovich


def _squared(K: Array) -> Array:
    square = K @ K
    return np.asarray(square * (np.trace(K, axis1=1, axis2=2) / np.trace(square, axis1=1, axis2=2))[:, None, None])


MUTANTS: dict[str, Statement] = {
    "the path of K^2 of the same trace": Statement(kernel=_squared),
    "the path of K without its off-diagonal entries": Statement(kernel=lambda K: K * np.eye(2)),
    "the path of 2K (a wrong factor of the loss)": Statement(kernel=lambda K: 2 * K),
    "non-gated heads are the straighter ones": Statement(straighter=lambda plain, gated: plain > gated),
    "least cosine 4 kappa/(1 + kappa)^2": Statement(bound=lambda kappa: 4 * kappa / (1 + kappa) ** 2),
}


def following(plan: Plan, settings: Settings, targets: str, statement: Statement) -> Evidence:
    """Trained networks against the paths of their own kernels."""
    events = {}
    rows: dict[str, Figure] = {}
    for name in NAMES:
        paths = trained(plan, settings, name, targets, None)
        found = deviation(paths, statement.kernel(paths.kernels), plan)
        events[name] = found <= FOLLOWED
        rows[name] = {"median": float(np.median(found)), "largest": float(found.max())}
    limit = FALSE_ALARM / (2 * len(events))
    finding, figures = signs(events, limit)
    figures |= {"false_alarm": FALSE_ALARM, "largest deviation over |e_0|": rows}
    size = "unit targets" if targets == "unit" else "targets a quarter as far from the outputs"
    what = f"outputs of trained networks stay within {FOLLOWED:.0%} of the path of their own NTK at the start, {size}"
    about = About.LITERAL if targets == "unit" else About.CORRECTED
    return Evidence(Grade.STATISTICAL, what, finding, about, "path", figures)


def straighter(plan: Plan, settings: Settings, statement: Statement) -> Evidence:
    """Gaussian pairs: each gated network against its partner on the same pair and targets."""
    events = {}
    rows: dict[str, Figure] = {}
    X = gaussian(settings, plan.pairs).reshape(-1, D)
    every = np.arange(plan.pairs)
    for pair in PAIRS:
        plain, gated = (straightness(trained(plan, settings, name, "unit", None).residuals) for name in pair)
        events["/".join(pair)] = statement.straighter(plain, gated)
        blocks = [matrices(name, X, width_of(name))[0].reshape(plan.pairs, 2, plan.pairs, 2) for name in pair]
        expected = [np.linalg.cond(block[every, :, every]) for block in blocks]
        own = [np.linalg.cond(trained(plan, settings, name, "unit", None).kernels) for name in pair]
        rows["/".join(pair)] = {
            "median of 1 - straightness (plain, gated)": [float(np.median(1 - value)) for value in (plain, gated)],
            "pairs where the expected gated kernel is better conditioned": int(np.sum(expected[1] < expected[0])),
            "pairs where the network's own one is": int(np.sum(own[1] < own[0])),
        }
    finding, figures = signs(events, FALSE_ALARM / (2 * len(events)))
    figures |= {"false_alarm": FALSE_ALARM, "measured": rows}
    what = f"which network goes straighter on {plan.pairs} Gaussian pairs, trained, unit targets"
    return Evidence(Grade.STATISTICAL, what, finding, part="straighter", figures=figures)


def large(plan: Plan, settings: Settings) -> Evidence:
    """The same with targets of variance d, outside the kernel regime: reported, nothing is decided by it."""
    rows: dict[str, Figure] = {}
    for pair in PAIRS:
        both = [trained(plan, settings, name, "large", None) for name in pair]
        plain, gated = (straightness(paths.residuals) for paths in both)
        rows["/".join(pair)] = {
            "gated straighter": int(np.sum(gated > plain)),
            "median deviation from the path of the kernel (plain, gated)": [
                float(np.median(deviation(paths, paths.kernels, plan))) for paths in both
            ],
        }
    what = f"with targets of variance d, {plan.pairs} Gaussian pairs: for information"
    return Evidence(Grade.NUMERICAL, what, Finding.UNDECIDED, part="straighter", figures=rows)


def normalised_pairs(plan: Plan, settings: Settings, statement: Statement) -> Evidence:
    """Inputs of equal norm at an acute angle, targets near the outputs: trained, and wider ones by their kernels."""
    events = {}
    rows: dict[str, Figure] = {}
    for pair in PAIRS:
        both = [trained(plan, settings, name, "small", ACUTE) for name in pair]
        plain, gated = (straightness(paths.residuals) for paths in both)
        events["/".join(pair)] = statement.straighter(plain, gated)
        wide = {}
        for width in plan.widths:
            draws = plan.acute // max(1, width // HIDDEN)
            start = both[0].start[:draws]
            kernels = (sampled(settings, name, width, draws, ACUTE) for name in pair)
            one, other = (straightness_of(K, start) for K in kernels)
            wide[f"width {width}, {draws} pairs"] = float(np.mean(other > one))
        rows["/".join(pair)] = {
            "median of 1 - straightness (plain, gated)": [float(np.median(1 - value)) for value in (plain, gated)],
            "share of gated paths straighter, kernels of random networks": wide,
        }
    finding, figures = signs(events, FALSE_ALARM / (2 * len(events)))
    figures |= {"false_alarm": FALSE_ALARM, "measured": rows}
    what = f"gated networks go straighter on {plan.acute} pairs of norm √d with cosine {ACUTE}, trained, same way to go"
    return Evidence(Grade.STATISTICAL, what, finding, About.CORRECTED, "straighter", figures)
