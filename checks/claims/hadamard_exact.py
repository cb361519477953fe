"""Ours: the exact form of Eq. 5, and its reading as a wider non-gated network."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from checks.settings import FALSE_ALARM, Settings
from checks.tools.evidence import (
    Experiment,
    agreement,
    branches,
    certificate,
    continuous,
    experiments,
    is_lecun,
    mutants,
    nonzero,
    proof,
    statistical,
)
from checks.tools.formulas import plain, wider
from checks.tools.kernel_charts import twins as twins_chart
from checks.tools.roads import Constants, Duals, Formula, Setting, lecun, sample
from checks.tools.statistics import MeanTest
from glutheory.claims import Claim, Evidence, Finding, Grade, Outcome, decide

#: Imported, beyond the core.
NEEDS = ("torch",)
CLAIM = Claim(
    id="hadamard-exact",
    source="this project",
    statement=(
        r"\text{LeCun:}\quad \tilde K_m = K_m\odot\tfrac{G}{d} + S\odot G = K_{m+d}\odot\tfrac{G}{d}, "
        r"\qquad G = XX^\top"
    ),
    words=(
        "With LeCun variances the gated kernel of width m is exactly the Hadamard product of G/d with the non-gated "
        "kernel of width m+d; Eq. 5 has width m there and drops S ⊙ G."
    ),
    assumptions=("LeCun variances", "value branch and one gate", "continuous gate", "inputs other than 0"),
    meaning=(
        "A gated layer of width m trains, to first order, like a plain layer of width m + d whose kernel is "
        "multiplied by the similarity of the inputs. Nothing is approximated: the d extra neurons are what "
        "training the value branch adds. So whatever is known of Hadamard products holds for the whole gated "
        "kernel, with the plain kernel of width m + d in place of m."
    ),
)

_QUICK, _FULL = ("reglu", "swiglu"), ("bilinear", "glu", "geglu", "gtu")
_DIMENSION, _WIDTH = 12, 36


def split(scales: Constants, inner: Any, duals: Duals) -> Any:
    """K_m (x·x')/d + S (x·x')."""
    gate = duals[-1]
    return (
        plain(Constants(scales.m, scales.d, 1 / scales.m, scales.w[1:]), inner, [gate]) * inner / scales.d
        + gate[0] * inner
    )


def _eq5(scales: Constants, inner: Any, duals: Duals) -> Any:
    return split(scales, inner, duals) - duals[-1][0] * inner


MUTANTS: dict[str, Formula] = {
    "the second term dropped (Eq. 5)": _eq5,
    "T for S in the second term": lambda s, g, duals: _eq5(s, g, duals) + duals[-1][1] * g,
    "the second term halved": lambda s, g, duals: split(s, g, duals) - duals[-1][0] * g / 2,
    "G in place of G/d": lambda s, g, duals: _eq5(s, g, duals) * s.d + duals[-1][0] * g,
}


def twins(gated: Sequence[Experiment], non_gated: Sequence[Experiment]) -> Evidence:
    """Sampled gated kernels against sampled non-gated ones of width m+d, times G/d: no formula enters at all."""
    test = MeanTest(len(gated[0].samples), sum(len(item.variance) for item in gated), FALSE_ALARM)
    worst = 0.0
    for first, second in zip(gated, non_gated, strict=True):
        inner = np.array([float(first.setting.gram[i][j]) / first.setting.d for i, j in first.setting.pairs])
        samples = first.samples - inner * second.samples
        variance = first.variance + inner**2 * second.variance
        worst = max(worst, float(np.max(test.statistic(samples, 0.0, variance))))
    figures = {
        "draws": test.draws,
        "entries": test.tests,
        "false_alarm": test.false_alarm,
        "width of the gated networks": gated[0].setting.width,
        "width of the others": non_gated[0].setting.width,
        "statistic over threshold": worst,
    }
    what = "sampled gated kernels against sampled non-gated ones of width m+d, times G/d"
    return Evidence(Grade.STATISTICAL, what, Finding.of(worst <= 1), figures=figures)


def _alone(setting: Setting, width: int) -> Setting:
    """The non-gated network of a gate, LeCun, of this width."""
    return lecun(setting.network.ungated(), setting.X, width)


def run(settings: Settings, formulas: tuple[Formula, Formula] = (split, wider)) -> Outcome:
    """The check; `formulas` are what is claimed."""
    profile = settings.profile
    names = _QUICK + (_FULL if profile.thorough else ())
    X = sample(settings.stream("hadamard/data"), _DIMENSION)
    chosen = [lecun(name, X, _WIDTH) for name in names]
    done = experiments(chosen, settings, CLAIM.id, profile.narrow)
    others = [_alone(setting, _WIDTH + _DIMENSION) for setting in chosen]
    plain_done = experiments(others, settings, f"{CLAIM.id}/plain", profile.narrow)
    evidence = [proof("hadamard")]
    for formula in formulas:
        evidence.append(agreement(formula, [setting.network for setting in chosen], lecun=True))
        evidence.append(certificate(formula, chosen))
    sampled = statistical(formulas[0], done)
    evidence += [sampled, twins(done, plain_done)]
    assumptions = (
        is_lecun([*chosen, *others]),
        branches(chosen, "value branch times one gate", lambda s: s.network.gated),
        continuous(chosen),
        nonzero(chosen),
    )
    controls = mutants(MUTANTS, chosen, done)
    certified = evidence[2].figures
    key = f"balls of radius {certified['largest radius']:.0e}; max |z| = {sampled.figures['largest z-score']:.1f}"
    verdict, drawn = decide(assumptions, evidence, controls), (twins_chart(split, _eq5, done, plain_done),)
    return Outcome(CLAIM, assumptions, tuple(evidence), controls, verdict, key, charts=drawn)
