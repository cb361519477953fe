"""Ours: the expected finite-width NTK is the formula at every width, and its variance is c/m with a computed c."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction

import numpy as np
from flint import arb

from checks.claims.finite_width_mean.brute import moments
from checks.settings import FALSE_ALARM, Settings
from checks.tools import roads
from checks.tools.evidence import Array, Experiment, continuous, experiments, nonzero, proof, statistical
from checks.tools.formulas import of_branches as equation
from checks.tools.kernel_charts import spread as spread_charts
from checks.tools.neuron_moments import neuron_variance, raw_moment
from checks.tools.roads import Formula, Inputs, Setting, generic, sample
from checks.tools.statistics import MeanTest
from glutheory.claims import Claim, Control, Evidence, Figure, Finding, Grade, Outcome, decide
from glutheory.ground.balls import precision
from glutheory.ground.exact import ball
from glutheory.networks import product

#: Imported, beyond the core.
NEEDS = ("torch",)
CLAIM = Claim(
    id="finite-width-mean",
    source="this project",
    statement=(
        r"\mathbb{E}[\hat K_m] = K, \qquad \mathrm{Var}[\hat K_m] = m\,\mathrm{Var}\,k\quad "
        r"(c/m \text{ after division by } m), \qquad k = P + s\chi^2 Q, \quad m = 1, 2, 3, \dots"
    ),
    words=(
        "The mean of the finite-width NTK is the formula at every width, also at width 1; its variance is c/m with c "
        "computed from products of dual activations, not fitted."
    ),
    assumptions=("independent Gaussian weights, no biases", "continuous activations", "inputs other than 0"),
    meaning=(
        "One random network's kernel scatters around the formula by a known amount, which falls like one over the "
        "root of the width; it is not biased, however narrow the network. So a kernel measured on a real network "
        "can be compared with the theory with an error bar, and the width that is needed to be near the kernel "
        "can be computed beforehand."
    ),
)

#: The variance of one neuron's contribution to an entry, as a ball.
Spread = Callable[[Setting, tuple[int, int]], arb]
_QUICK, _FULL = ("tanh", "glu"), ("relu", "reglu", "gelu", "swiglu")
_WIDTHS, _MORE_WIDTHS = (1, 3, 48), (2, 8, 512)


def spread(setting: Setting, pair: tuple[int, int]) -> arb:
    """Var k."""
    return neuron_variance(setting.network, setting.points(*pair), _factor(setting, pair))


def _factor(setting: Setting, pair: tuple[int, int]) -> Fraction:
    return setting.readout * setting.gram[pair[0]][pair[1]]


def _second_moment(setting: Setting, pair: tuple[int, int]) -> arb:
    return raw_moment(setting.network, setting.points(*pair), _factor(setting, pair), 2)


def _fixed_readout(setting: Setting, pair: tuple[int, int]) -> arb:
    """Var k with a readout of ±σ_v: E χ⁴ = 1 in place of 3."""
    points, s = setting.points(*pair), _factor(setting, pair)
    with precision(128):
        # E k² is quadratic in s: its s² term is 3 E Q²
        plus, minus, zero = (raw_moment(setting.network, points, factor, 2) for factor in (s, -s, Fraction(0)))
        return spread(setting, pair) - ((plus + minus) / 2 - zero) * arb(2) / 3


VARIANCE_MUTANTS: dict[str, Spread] = {
    "variance of a readout of fixed size (E v^4 = v^2)": _fixed_readout,
    "second moment for the variance": _second_moment,
    "the variance doubled": lambda setting, pair: 2 * spread(setting, pair),
}
MEAN_MUTANTS: dict[str, Formula] = {
    "mean with a correction (1 + 1/m)": lambda s, g, duals: equation(s, g, duals) * (1 + 1 / s.m),
    "mean with a correction (1 - 1/(2m))": lambda s, g, duals: equation(s, g, duals) * (1 - 1 / (2 * s.m)),
}


def exact(formula: Formula, spread: Spread) -> tuple[Evidence, Evidence]:
    """Mean and variance of small polynomial networks, all weights as variables, against the formulas."""
    X: Inputs = ((Fraction(1), Fraction(1, 2)), (Fraction(-1, 4), Fraction(3, 2)))
    nets = [product(*names) for names in (("identity",), ("monomial2",), ("identity",) * 2, ("identity", "monomial2"))]
    differences: dict[str, list[arb]] = {"mean": [], "variance": []}
    for setting in (generic(net, X, width) for net in nets for width in (1, 2)):
        for pair in ((0, 0), (0, 1)):
            first, second = moments(setting, pair)
            claimed = roads.entry(formula, setting, pair, roads.symbolic), spread(setting, pair)
            with precision(160):
                differences["mean"].append(claimed[0] - ball(first))
                differences["variance"].append(setting.width * claimed[1] - ball(second))
    found = []
    for part, values in differences.items():
        off, radius = sum(not value.contains(0) for value in values), max(float(value.rad()) for value in values)
        what = f"the {part} at widths 1 and 2 by brute force over every weight, in rational arithmetic"
        figures = {"numbers": len(values), "different": off, "largest radius": radius}
        found.append(
            Evidence(Grade.CERTIFICATE, what, Finding.of(off == 0 and radius < 1e-20), part=part, figures=figures)
        )
    return found[0], found[1]


def variances(done: Sequence[Experiment], spread: Spread) -> Evidence:
    """The squared deviations from the mean against m·Var k: a test of their mean, whose variance is known too."""
    test = MeanTest(len(done[0].samples), sum(len(item.variance) for item in done), FALSE_ALARM)
    ratios: dict[str, Figure] = {}
    errors: dict[str, Figure] = {}
    worst, finest = 0.0, np.inf
    for item in done:
        setting = item.setting
        center = item.expected(equation)
        squares: Array = (item.samples - center) ** 2
        truth = item.variance
        own = np.maximum(roads.fourth(setting) - truth**2, 1e-20 * truth**2)
        with precision(128):
            claimed = roads.floats([setting.width * spread(setting, pair) for pair in setting.pairs])
        worst = max(worst, float(np.max(test.statistic(squares, claimed, own))))
        finest = min(finest, float(np.min(test.resolution * np.sqrt(own / test.draws) / truth)))
        name = f"{setting.network.name}, width {setting.width}"
        ratios[name] = float(np.mean(squares.mean(axis=0) / claimed))
        errors[name] = float(np.mean(np.sqrt(own / test.draws) / claimed))
    figures: dict[str, Figure] = {
        "draws": test.draws,
        "entries": test.tests,
        "false_alarm": test.false_alarm,
        "statistic over threshold": worst,
        "finest relative error found": finest,
        "sampled over claimed variance, mean over entries": ratios,
        "standard error of that, at most": errors,
    }
    what = "sample variances against c/m, c computed"
    return Evidence(Grade.STATISTICAL, what, Finding.of(worst <= 1), part="variance", figures=figures)


def run(settings: Settings, formula: Formula = equation, spread: Spread = spread) -> Outcome:
    """The check; `formula` is the claimed mean, `spread` the claimed variance of a neuron's contribution."""
    profile = settings.profile
    names = _QUICK + (_FULL if profile.thorough else ())
    widths = _WIDTHS + (_MORE_WIDTHS if profile.thorough else ())
    X = sample(settings.stream("finite-width/data"), 3, extremes=False)[:2]
    chosen = [generic(name, X, width) for name in names for width in widths]
    done = experiments(chosen, settings, CLAIM.id, profile.narrow)
    means, second = statistical(formula, done, part="mean"), variances(done, spread)
    scripts = (proof("ntk_plain", part="mean"), proof("ntk_gated", part="mean"))
    evidence = (*scripts, *exact(formula, spread), means, second)
    assumptions = (continuous(chosen), nonzero(chosen))
    controls = []
    for altered, wrong in VARIANCE_MUTANTS.items():
        controls.append(_control(altered, exact(formula, wrong)[1], variances(done, wrong)))
    for altered, wrong_mean in MEAN_MUTANTS.items():
        controls.append(_control(altered, exact(wrong_mean, spread)[0], statistical(wrong_mean, done, part="mean")))
    ratios = second.figures["sampled over claimed variance, mean over entries"]
    assert isinstance(ratios, dict)
    wide = [value for name, value in ratios.items() if name.endswith(f"width {max(widths)}")]
    key = f"sampled/computed variance {np.mean(wide):.3f} at width {max(widths)}"
    verdict = decide(assumptions, evidence, controls)
    errors = second.figures["standard error of that, at most"]
    assert isinstance(errors, dict)
    drawn = spread_charts(done, formula, {name: (ratio, errors[name]) for name, ratio in ratios.items()})
    return Outcome(CLAIM, assumptions, evidence, tuple(controls), verdict, key, charts=drawn)


def _control(altered: str, exact: Evidence, sampled: Evidence) -> Control:
    caught = exact.finding is Finding.REFUTES and sampled.finding is Finding.REFUTES
    times = sampled.figures["statistic over threshold"]
    return Control(
        altered, caught, f"{exact.figures['different']} exact numbers differ; statistics: {times:.1f} x threshold"
    )
