"""What several checks share: the kinds of evidence, assumptions evaluated on the data, and negative controls.

Evidence is a proof script run, a symbolic identity, roads 1 and 2 as balls, or road 3 in a test.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache, partial

import numpy as np
import numpy.typing as npt
import sympy as sp
from flint import arb

from checks.settings import FALSE_ALARM, Settings
from checks.tools import roads
from checks.tools.clauses import counts, identity
from checks.tools.roads import Constants, Formula, Setting
from checks.tools.statistics import MeanTest
from derivations.catalog import load
from derivations.tools.runs import Run, run
from glutheory.claims import About, Assumption, Control, Evidence, Figure, Finding, Grade
from glutheory.ground.balls import precision
from glutheory.ground.pieces import pieces
from glutheory.networks import Network
from glutheory.symbolic.kernels import d, g, kernels, m, sigma_v

Array = npt.NDArray[np.float64]
#: Balls wider than this, relative to √(K_ii K_jj), decide nothing.
_NARROW = 1e-12
#: The error that a statistical check promises to find, and the probability with which it does.
WRONG, _POWER = 0.01, 0.999


def proof(name: str, about: About = About.LITERAL, part: str = "") -> Evidence:
    """The proof script of this name, run: a proof if every step is decided, else an argument."""
    done = _run(name)
    what = f"the proof script {name} was run"
    return Evidence(script_grade(name), what, Finding.of(done.failure is None), about, part, script_figures(name))


def script_grade(name: str) -> Grade:
    """The grade of what rests on this script."""
    return Grade.PROOF if _run(name).proved else Grade.ARGUMENT


def script_figures(name: str) -> dict[str, Figure]:
    """How many steps of this script there are, were confirmed, and are decided."""
    return {"script": name, **counts(_run(name))}


@lru_cache(maxsize=64)
def _run(name: str) -> Run:
    return run(load(name))


def agreement(formula: Formula, networks: Sequence[Network], *, lecun: bool = False) -> Evidence:
    """The formula equals what the engine derives from each network, as an identity in all its symbols.

    With `lecun` the variances are 1/m and 1/d before the comparison.
    """
    differences = []
    for net in networks:
        found = kernels(net, "standard")
        scales = Constants(m, d, sigma_v**2, [branch.sigma**2 for branch in found.branches])
        # an identity branch has the dual S = covariance, T = 1
        known: dict[sp.Expr, sp.Expr] = {}
        for branch, act in zip(found.branches, net.branches, strict=True):
            if act.name == "identity":
                known.update({branch.S: branch.covariance, branch.T: sp.S.One})
        duals = [(branch.S, branch.T) for branch in found.branches]
        engine = sp.Add(*found.blocks.values())
        difference = (formula(scales, g, duals) - engine).subs(known)
        if lecun:
            variances = {branch.sigma: 1 / sp.sqrt(d) for branch in found.branches}
            difference = difference.subs({sigma_v: 1 / sp.sqrt(m), **variances})
        differences.append(difference)
    names = ", ".join(net.name for net in networks)
    return identity(f"the formula is what differentiating the network gives, in all symbols ({names})", *differences)


def certificate(formula: Formula, settings: Sequence[Setting], about: About = About.LITERAL) -> Evidence:
    """The formula with road 2's duals against the engine's kernel with road 1's duals, both as balls."""
    gap, radius, apart, count = 0.0, 0.0, 0, 0
    for setting in settings:
        mine = roads.entries(formula, setting, roads.quadrature)
        theirs = roads.entries(partial(roads.derived, setting=setting), setting, roads.symbolic)
        diagonal = [theirs[setting.pairs.index((i, i))] for i in range(len(setting.X))]
        with precision(160):
            for (i, j), x, y in zip(setting.pairs, mine, theirs, strict=True):
                scale = float((diagonal[i] * diagonal[j]).sqrt().mid())
                apart += not x.overlaps(y)
                gap = max(gap, float(abs(x - y).lower()) / scale)
                radius = max(radius, float(max(x.rad(), y.rad())) / scale)
                count += 1
    narrow = radius <= _NARROW
    finding = Finding.REFUTES if apart else (Finding.SUPPORTS if narrow else Finding.UNDECIDED)
    names = ", ".join(dict.fromkeys(setting.network.name for setting in settings))
    return Evidence(
        Grade.CERTIFICATE,
        f"the formula with the enclosed integrals meets the engine's kernel with the closed forms ({names})",
        finding,
        about,
        figures={"entries": count, "disjoint": apart, "largest gap": gap, "largest radius": radius},
    )


def equal(
    what: str,
    values: Sequence[arb],
    about: About = About.LITERAL,
    *,
    part: str = "",
    figures: Mapping[str, Figure] | None = None,
) -> Evidence:
    """An equality in ball arithmetic: refuted if some ball of the differences excludes 0, supported if all are narrow.

    The differences are to be given on a scale where 1 is large.
    """
    excluded = sum(not value.contains(0) for value in values)
    radius = max(float(value.rad()) for value in values)
    finding = Finding.REFUTES if excluded else (Finding.SUPPORTS if radius <= _NARROW else Finding.UNDECIDED)
    found: dict[str, Figure] = {
        "differences": len(values),
        "certainly not zero": excluded,
        "largest": max(0.0, *(float(abs(value).lower()) for value in values)),
        "largest radius": radius,
    }
    return Evidence(Grade.CERTIFICATE, what, finding, about, part, {**found, **(figures or {})})


@dataclass(frozen=True)
class Experiment:
    """Draws of one network's kernel, with their known variance.

    Attributes:
        setting: the network and its data.
        samples: shape (draws, pairs).
        variance: of one draw, an upper bound for each pair.
    """

    setting: Setting
    samples: Array
    variance: Array

    def expected(self, formula: Formula) -> Array:
        """The formula's entries with road 1's duals, in double precision."""
        return roads.floats(roads.entries(formula, self.setting, roads.symbolic))


def experiments(chosen: Sequence[Setting], settings: Settings, name: str, draws: int) -> list[Experiment]:
    """Draw the kernels of these networks; `name` seeds them."""
    return [
        Experiment(setting, roads.draws(setting, settings, f"{name}/{index}", draws), roads.variance(setting))
        for index, setting in enumerate(chosen)
    ]


def statistical(formula: Formula, done: Sequence[Experiment], about: About = About.LITERAL, part: str = "") -> Evidence:
    """The formula against the sampled kernels: one test of all means, its false alarm and power known beforehand."""
    test = MeanTest(len(done[0].samples), sum(len(item.variance) for item in done), FALSE_ALARM)
    worst, z, relative, finest, power = 0.0, 0.0, 0.0, np.inf, 0.0
    for item in done:
        mean = item.expected(formula)
        worst = max(worst, float(np.max(test.statistic(item.samples, mean, item.variance))))
        error = np.sqrt(item.variance / test.draws)
        found = np.abs(item.samples.mean(axis=0) - mean)
        z = max(z, float(np.max(found / error)))
        truth = np.abs(item.expected(partial(roads.derived, setting=item.setting)))
        # entries that vanish have no relative error
        sized = truth > 1e-6 * truth.max()
        relative = max(relative, float(np.max(found[sized] / truth[sized])))
        finest = min(finest, float(np.min(test.resolution * error[sized] / truth[sized])))
        power = max(power, 1 - float(np.min(test.miss_bound(WRONG * truth, item.variance))))
    figures: dict[str, Figure] = {
        "draws": test.draws,
        "widths": sorted({item.setting.width for item in done}),
        "entries": test.tests,
        "false_alarm": test.false_alarm,
        "power against 1 %": power,
        "finest relative error found": finest,
        "statistic over threshold": worst,
        "largest z-score": z,
        "largest relative deviation": relative,
    }
    names = ", ".join(dict.fromkeys(item.setting.network.name for item in done))
    what = f"mean kernels of random networks against the formula ({names})"
    return Evidence(Grade.STATISTICAL, what, Finding.of(worst <= 1), about, part, figures)


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
        "power",
        f"a kernel wrong by 1 % is rejected with probability at least {_POWER}",
        power >= _POWER,
        f"{power:.6f}",
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
