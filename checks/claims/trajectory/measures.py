"""Two samples: what is claimed of the paths of trained networks, and the tests of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from checks.claims.trajectory.curves import deviation, initial_cosine, straightness, straightness_of
from checks.claims.trajectory.paths import (
    ACUTE,
    ALIKE,
    HIDDEN,
    LARGE,
    OPPOSITE,
    PAIR,
    Array,
    Paths,
    Plan,
    expected,
    trained,
)
from checks.claims.trajectory.sentences import Bound, kantorovich
from checks.settings import FALSE_ALARM, Settings
from checks.tools.signs import signs
from glutheory.claims import About, Evidence, Figure, Finding, Grade

#: A path is followed if it is never left by more than this, relative to the way.
FOLLOWED = 0.01
#: Families of sign tests that share the false alarms of this check: paths, Gaussian, other targets, equal norms.
_TESTS = 4

#: The runs of the two networks, non-gated first.
Runs = tuple[Paths, Paths]


@dataclass(frozen=True)
class Statement:
    """What is claimed, and of which runs.

    Attributes:
        kernel: of the kernels at the start, those whose path is followed.
        straighter: of the straightness of the non-gated and the gated paths, whether they are as claimed.
        bound: of κ, the least cosine between the first step and the direction to the target.
        spoilt: what is done to the runs at the released protocol before they are judged.
    """

    kernel: Callable[[Array], Array] = lambda K: K
    straighter: Callable[[Array, Array], npt.NDArray[np.bool_]] = lambda plain, gated: gated > plain
    bound: Bound = kantorovich
    spoilt: Callable[[Settings, Runs], Runs] = lambda _, both: both


def runs(plan: Plan, settings: Settings, statement: Statement) -> Runs:
    """Both networks at the released protocol."""
    plain, gated = (trained(settings, plan.sets, name) for name in PAIR)
    return statement.spoilt(settings, (plain, gated))


def following(plan: Plan, settings: Settings, statement: Statement) -> Evidence:
    """Trained networks against the paths of their own kernels, from −Y."""
    events = {}
    rows: dict[str, Figure] = {}
    for name, paths in zip(PAIR, runs(plan, settings, statement), strict=True):
        found = deviation(paths, statement.kernel(paths.kernels))
        events[name] = found <= FOLLOWED
        rows[name] = {"median": float(np.median(found)), "largest": float(found.max())}
    finding, figures = signs(events, FALSE_ALARM / (_TESTS * len(events)))
    figures |= {"false_alarm": FALSE_ALARM / _TESTS, "largest deviation over |Y|": rows}
    what = (
        f"centred outputs start at −Y and stay within {FOLLOWED:.0%} of the way of the path of their own NTK "
        f"(I − ηK)^k, {plan.sets} Gaussian data sets"
    )
    # the corrected statement keeps this part: if it were refuted, no weaker statement would be left
    return Evidence(Grade.STATISTICAL, what, finding, About.CORRECTED, "ellipse", figures)


def straighter(plan: Plan, settings: Settings, statement: Statement) -> Evidence:
    """The released targets: on most Gaussian data sets ReGLU goes straighter than ReLU on the same data."""
    both = runs(plan, settings, statement)
    plain, gated = (straightness(paths.residuals) for paths in both)
    events = {"matched width": statement.straighter(plain, gated)}
    # the second route, which uses no path: the curves of the kernels of these networks, and of the expected ones
    own = [straightness_of(paths.kernels, paths.start) for paths in both]
    mean = [straightness_of(expected(settings, plan.sets, name), both[0].start) for name in PAIR]
    first = [initial_cosine(paths.kernels, paths.start) for paths in both]
    figures: dict[str, Figure] = {
        "median of 1 - straightness (plain, gated)": [float(np.median(1 - value)) for value in (plain, gated)],
        "share of data sets with the gated path straighter": {
            "trained": float(np.mean(gated > plain)),
            "predicted by the networks' own kernels": float(np.mean(own[1] > own[0])),
            "predicted by the expected kernels": float(np.mean(mean[1] > mean[0])),
        },
        "share with the first step closer to the target (own kernels)": float(np.mean(first[1] > first[0])),
        "the own kernels name the straighter network": float(np.mean((own[1] > own[0]) == (gated > plain))),
        "largest difference to the straightness of the own kernel's path": float(
            max(np.max(np.abs(a - b)) for a, b in zip((plain, gated), own, strict=True))
        ),
    }
    if plan.further:
        wide = straightness(trained(settings, plan.sets, PAIR[1], width=HIDDEN).residuals)
        events["equal width"] = statement.straighter(plain, wide)
    finding, tests = signs(events, FALSE_ALARM / (_TESTS * len(events)))
    figures = {**tests, "false_alarm": FALSE_ALARM / _TESTS, **figures}
    what = f"ReGLU goes straighter than ReLU on most of {plan.sets} Gaussian data sets, trained, released targets"
    return Evidence(Grade.STATISTICAL, what, finding, About.CORRECTED, "straighter", figures)


def other_targets(plan: Plan, settings: Settings) -> Evidence:
    """Targets of the same length in other directions: there the non-gated network is mostly the straighter one.

    The claim is about the released targets, so that others cannot refute it: they bound what the corrected form says.
    """
    chosen = {"(1, -1)": OPPOSITE, **({"(1, 1)": ALIKE} if plan.further else {})}
    events = {}
    rows: dict[str, Figure] = {}
    for name, targets in chosen.items():
        both = [trained(settings, plan.sets, net, targets) for net in PAIR]
        plain, gated = (straightness(paths.residuals) for paths in both)
        events[f"targets along {name}"] = plain > gated
        own = [straightness_of(paths.kernels, paths.start) for paths in both]
        rows[f"targets along {name}"] = float(np.mean(own[1] > own[0]))
    finding, figures = signs(events, FALSE_ALARM / (_TESTS * len(events)))
    figures |= {"false_alarm": FALSE_ALARM / _TESTS, "share with the gated one straighter, own kernels": rows}
    what = "ReLU goes straighter than ReGLU on most of the same data sets, targets as long in other directions"
    return Evidence(Grade.STATISTICAL, what, finding, About.CORRECTED, "straighter", figures)


def large(plan: Plan, settings: Settings) -> Evidence:
    """Targets 32 times as large, about the outputs at the start: reported, nothing is decided by it."""
    both = [trained(settings, plan.sets, name, LARGE) for name in PAIR]
    plain, gated = (straightness(paths.residuals) for paths in both)
    found = [deviation(paths, paths.kernels) for paths in both]
    figures: dict[str, Figure] = {
        "gated straighter": float(np.mean(gated > plain)),
        "median deviation from the path of the kernel (plain, gated)": [float(np.median(each)) for each in found],
        "largest": [float(each.max()) for each in found],
    }
    what = f"with targets 32 times as large, {plan.sets} Gaussian data sets: for information"
    return Evidence(Grade.NUMERICAL, what, Finding.UNDECIDED, About.LITERAL, "for information", figures)


def normalised_pairs(plan: Plan, settings: Settings, statement: Statement) -> Evidence:
    """Inputs of equal norm at an acute angle, released targets, trained."""
    plain, gated = (straightness(trained(settings, plan.acute, name, cosine=ACUTE).residuals) for name in PAIR)
    finding, figures = signs({"/".join(PAIR): statement.straighter(plain, gated)}, FALSE_ALARM / _TESTS)
    medians: Figure = [float(np.median(1 - value)) for value in (plain, gated)]
    figures |= {"false_alarm": FALSE_ALARM / _TESTS, "median of 1 - straightness (plain, gated)": medians}
    what = f"ReGLU goes straighter on {plan.acute} pairs of norm √d with cosine {ACUTE}, trained, released targets"
    return Evidence(Grade.STATISTICAL, what, finding, About.CORRECTED, "equal norms", figures)
