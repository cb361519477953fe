"""What several checks share: assumptions evaluated on the data, and negative controls."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction

from checks.evidence import POWER, Experiment, certificate, statistical
from checks.roads import Formula
from checks.setting import Setting
from glutheory.claims import Assumption, Control, Evidence, Finding
from glutheory.ground.pieces import pieces


def continuous(settings: Sequence[Setting]) -> Assumption:
    """No activation jumps: then φ' is a function and the sampled gradients have the expectation of the formula."""
    acts = {act for setting in settings for act in setting.network.branches}
    jumping = sorted(act.name for act in acts if any(jump != 0 for jump in pieces(act.expr).jumps))
    figure = f"jumps in {', '.join(jumping)}" if jumping else f"{len(acts)} activations without jumps"
    return Assumption("continuous", "every activation is continuous and piecewise differentiable", not jumping, figure)


def nonzero(settings: Sequence[Setting]) -> Assumption:
    """Inputs of positive norm."""
    least = min(setting.gram[i][i] for setting in settings for i in range(len(setting.X)))
    return Assumption("inputs", "inputs are finite and not zero", least > 0, f"least |x|^2 = {float(least):.4g}")


def branches(settings: Sequence[Setting], wanted: str, test: Callable[[Setting], bool]) -> Assumption:
    """The architecture that the claim speaks of."""
    bad = [setting.network.name for setting in settings if not test(setting)]
    names = ", ".join(dict.fromkeys(setting.network.name for setting in settings))
    return Assumption("network", wanted, not bad, f"not so: {', '.join(bad)}" if bad else names)


def is_lecun(settings: Sequence[Setting]) -> Assumption:
    """σ_v² = 1/m, all others 1/d, exactly."""
    bad = [
        setting
        for setting in settings
        if setting.readout != Fraction(1, setting.width) or set(setting.branches) != {Fraction(1, setting.d)}
    ]
    return Assumption(
        "LeCun", "variances 1/d and 1/m", not bad, f"{len(settings) - len(bad)} of {len(settings)} settings"
    )


def powerful(evidence: Evidence) -> Assumption:
    """The statistical evidence is able to see an error of 1 %."""
    power = evidence.figures["power against 1 %"]
    assert isinstance(power, float)
    return Assumption(
        "power", f"a kernel wrong by 1 % is rejected with probability at least {POWER}", power >= POWER, f"{power:.6f}"
    )


def mutants(
    formulas: Mapping[str, Formula], exact: Sequence[Setting], sampled: Sequence[Experiment]
) -> tuple[Control, ...]:
    """Wrong formulas: caught only if both the certificate and the statistics refute them."""
    controls = []
    for altered, formula in formulas.items():
        first = certificate(formula, exact)
        second = statistical(formula, sampled)
        caught = first.finding is Finding.REFUTES and second.finding is Finding.REFUTES
        gap, times = first.figures["largest gap"], second.figures["statistic over threshold"]
        controls.append(
            Control(
                altered, caught, f"certificate: apart by {gap:.2g} of the diagonal; statistics: {times:.1f} x threshold"
            )
        )
    return tuple(controls)
