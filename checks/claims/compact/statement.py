"""The abstract: "the eigenvalue distribution of GLU is more compact". By which measure, and for which data?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from checks.claims.compact.measures import MEASURES, SpectrumPair, cases, clipped
from checks.settings import Settings
from checks.tools.evidence import proof
from checks.tools.extremal_sets import GRID, ends, exact, rounded
from checks.tools.roads import Inputs
from checks.tools.spectral_grid import inputs
from glutheory.claims import (
    About,
    Assumption,
    Claim,
    Control,
    Evidence,
    Fate,
    Figure,
    Finding,
    Grade,
    Outcome,
    Part,
    decide,
)
from glutheory.figures.chart import Chart, Role, Series
from glutheory.ground.balls import precision
from glutheory.ground.exact import ball
from glutheory.networks import GATES
from glutheory.numeric import gram
from glutheory.spectra import (
    effective_rank,
)

Array = npt.NDArray[np.float64]
CLAIM = Claim(
    id="compact",
    source="abstract",
    statement=(
        r"\lambda(\tilde K) \text{ is more compact than } \lambda(K): \quad \frac{\lambda(\tilde "
        r"K)}{\mathrm{tr}\,\tilde K} \prec \frac{\lambda(K)}{\mathrm{tr}\,K}"
    ),
    words=(
        "The eigenvalue distribution of the gated NTK is more compact. Measures chosen here: majorisation of the "
        "spectra scaled to trace 1, effective rank, participation ratio, condition number; and the standard deviation "
        "of the logarithms."
    ),
    assumptions=("inputs other than 0", "any gate of the zoo", "LeCun variances"),
    corrected=(
        r"\text{on inputs with } \|x_i\|^2=d\text{, wide limit, every activation: } \lambda(\tilde K) \prec "
        r"\lambda(K), \text{ so "
        r"the effective rank and the participation ratio are not smaller and } \mathrm{cond}(\tilde K) \le "
        r"\mathrm{cond}(K); \text{ not for all data, not at every width, and not for the spread of the } "
        r"\ln\lambda_i"
    ),
    meaning=(
        "With inputs of norm √d and a wide layer gating never spreads the kernel's trace less evenly over its modes, "
        "whatever the activation and the data, and more evenly unless every two inputs are parallel or have "
        "the entry 0 in K: more modes are learned at a similar speed. It is a theorem, not a "
        "tendency. It says nothing about the tail of tiny eigenvalues, whose logarithms can spread more with the gate, "
        "and unequal input norms or a width comparable with the dimension can reverse it on some data."
    ),
    parts=(
        Part(
            "normalised inputs, wide",
            "the scaled gated spectrum is majorised on normalised inputs in the wide limit",
            Fate.KEPT,
        ),
        Part(
            "norms",
            "also on inputs of any norms",
            Fate.REVERSED,
            "not for all data: on Gaussian inputs it can be the less compact one",
        ),
        Part(
            "width",
            "also at every width",
            Fate.REVERSED,
            "not at every width: at m = d = 2 it can be the less compact one",
        ),
        Part(
            "spread of logarithms",
            "also by the spread of the ln λ",
            Fate.REVERSED,
            "the spread can be larger with the gate",
        ),
    ),
)

#: (n, d) of the data.
_SIZES = ((120, 4), (160, 16), (160, 48))
_MORE = ((400, 8), (400, 40), (1000, 100))


@dataclass(frozen=True)
class Law:
    """What is claimed.

    Attributes:
        measures: by which the gated spectrum is the more compact one.
        sphere: on normalised inputs only.
        kind: "nngp" for the wide limit, "ntk" for the ntk parametrisation.
        sense: 1; −1 says that it is the less compact one.
    """

    measures: tuple[str, ...] = ("majorisation", "effective rank", "participation ratio", "condition number")
    sphere: bool = True
    kind: str = "nngp"
    sense: int = 1


LAW = Law()
MUTANTS: dict[str, Law] = {
    "also for Gaussian inputs": replace(LAW, sphere=False),
    "also in the ntk parametrisation": replace(LAW, kind="ntk"),
    "also for the spread of the logarithms": replace(LAW, measures=(*LAW.measures, "spread of logarithms")),
    "the non-gated one is the more compact": replace(LAW, sense=-1),
}


def theorem(chosen: tuple[SpectrumPair, ...], law: Law) -> Evidence:
    """Every claimed measure on every case."""
    rows: dict[str, Figure] = {}
    broken = 0
    for name in law.measures:
        pairs = [MEASURES[name](case.plain, case.gated) for case in chosen]
        values = [law.sense * value for value, _ in pairs]
        failed = sum(value < -error for value, (_, error) in zip(values, pairs, strict=True))
        broken += failed
        rows[name] = {"least": min(values), "median": float(np.median(values)), "broken": failed}
    what = (
        f"{', '.join(law.measures)} on {len(chosen)} pairs of spectra, all gates, "
        f"{'normalised' if law.sphere else 'Gaussian'} inputs, {'wide limit' if law.kind == 'nngp' else 'NTK at m = d'}"
    )
    figures: dict[str, Figure] = {"pairs": len(chosen), "measures": rows}
    return Evidence(Grade.NUMERICAL, what, Finding.of(broken == 0), About.CORRECTED, "measures", figures)


def two_points() -> Evidence:
    """Two inputs on a circle where K is nearly a multiple of the identity and K̃ is not, certified.

    At m = d, K_12/d = s + ρs' vanishes near ρ = −0.394, where K̃_12/d = ρ(2s + ρs') does not. With two eigenvalues
    1 ± ε every measure is a function of ε alone.
    """
    tangent = Fraction(44, 29)  # of half the angle
    scale = 1 + tangent**2
    X: Inputs = ((Fraction(1), Fraction(0)), ((1 - tangent**2) / scale, 2 * tangent / scale))
    plain, gated = ends(X, width=2)
    with precision(160):
        conditions = [high / low for low, high in (plain, gated)]
    figures: dict[str, Figure] = {
        "cos of the angle": float((1 - tangent**2) / scale),
        "cond(K)": conditions[0].str(12, radius=False),
        "cond(gated)": conditions[1].str(12, radius=False),
    }
    what = "two normalised inputs, m = d = 2: the gated kernel is the less compact one by every measure, certified"
    finding = Finding.REFUTES if conditions[1] > conditions[0] else Finding.UNDECIDED
    return Evidence(Grade.CERTIFICATE, what, finding, About.LITERAL, "width", figures)


def unequal_norms(settings: Settings) -> Evidence:
    """Gaussian inputs, d + 1 < n, where λ_min/tr falls: then λ(K̃)/tr ≺ λ(K)/tr is false; certified."""
    n, d, width = 8, 3, 1000
    for attempt in range(60):
        rng = np.random.default_rng([settings.stream("compact/norms"), attempt])
        data = rounded(rng, n, d)
        lows = [
            float(np.linalg.eigvalsh(K)[0]) / float(np.trace(K))
            for K in (gram(net, data / GRID, parametrization="standard", width=width) for net in ("relu", "reglu"))
        ]
        if lows[1] < 0.8 * lows[0]:
            break
    else:
        return Evidence(Grade.CERTIFICATE, "no data set was found", Finding.UNDECIDED, About.LITERAL, "norms")
    X = exact(data)
    squares = [sum((x * x for x in line), Fraction(0)) for line in X]
    plain, gated = ends(X, width=width)
    with precision(160):
        # S = a/2 and T = 1/2 on the diagonal, a = ‖x‖²/d
        plain_trace = ball(sum((Fraction(width + d, 2 * d) * r for r in squares), Fraction(0)))
        gated_trace = ball(sum((Fraction(width + 2 * d, 2 * d**2) * r * r for r in squares), Fraction(0)))
        shares = [plain[0] / plain_trace, gated[0] / gated_trace]
    figures: dict[str, Figure] = {
        "n, d, width": [n, d, width],
        "sixteenths": [[int(value) for value in line] for line in data],
        "lambda_min/tr, K": shares[0].str(12, radius=False),
        "lambda_min/tr, gated": shares[1].str(12, radius=False),
        "data sets tried": attempt + 1,
    }
    what = "Gaussian inputs with d + 1 < n on which the scaled gated spectrum is not majorised, certified"
    finding = Finding.REFUTES if shares[1] < shares[0] else Finding.UNDECIDED
    return Evidence(Grade.CERTIFICATE, what, finding, About.LITERAL, "norms", figures)


def logarithms(chosen: tuple[SpectrumPair, ...]) -> Evidence:
    """The spread of the logarithms on normalised inputs in the wide limit, where all else is a theorem."""
    rows: dict[str, Figure] = {}
    larger = 0
    for case in chosen:
        gain, error = MEASURES["spread of logarithms"](case.plain, case.gated)
        larger += gain < -error
        rows[f"{case.gate}, n={case.n}, d={case.d}"] = gain
    what = "the standard deviation of ln λ: larger with the gate on some normalised inputs, although λ(K̃) ≺ λ(K)"
    figures: dict[str, Figure] = {"larger with the gate": larger, "of": len(chosen), "differences": rows}
    return Evidence(Grade.NUMERICAL, what, Finding.of(larger == 0), About.LITERAL, "spread of logarithms", figures)


def charts(chosen: tuple[SpectrumPair, ...], gaussian: tuple[SpectrumPair, ...]) -> tuple[Chart, ...]:
    """One spectrum's partial sums, and effective ranks of all."""
    case = next(item for item in chosen if item.gate == "reglu" and item.d == _SIZES[1][1])
    share = [100 * k / case.n for k in range(case.n + 1)]
    series = []
    for label, found, role in (("K", case.plain, Role.PLAIN), ("gated", case.gated, Role.GATED)):
        sums = np.concatenate([[0.0], np.cumsum(found.values)]) / found.trace
        series.append(Series(label, share, [float(x) for x in sums], role))
    series.append(Series("equal eigenvalues", [0.0, 100.0], [0.0, 1.0], Role.THEORY, dashed=True))
    sums_chart = Chart(
        "The gated spectrum is nearer to equal eigenvalues",
        "largest eigenvalues, per cent",
        "share of the trace",
        tuple(series),
        note=f"ReLU and ReGLU, normalised inputs, n = {case.n}, d = {case.d}. Majorisation: no crossing.",
    )
    ranks = []
    for label, rows in (("normalised", chosen), ("Gaussian", gaussian)):
        x = [effective_rank(clipped(item.plain)) / item.n for item in rows]
        y = [effective_rank(clipped(item.gated)) / item.n for item in rows]
        ranks.append(Series(f"{label} inputs", x, y, line=False))
    ranks.append(Series("no difference", [0.0, 1.0], [0.0, 1.0], Role.THEORY, dashed=True))
    rank_chart = Chart(
        "Effective ranks with and without the gate",
        "non-gated, over $n$",
        "gated, over $n$",
        tuple(ranks),
        note="Every gate of the zoo, wide limit. Above the line: the gated spectrum is the more compact one.",
    )
    return sums_chart, rank_chart


def run(settings: Settings, law: Law = LAW) -> Outcome:
    """The check; `law` is the corrected statement."""
    seed = settings.stream("compact/data")
    sizes = _SIZES + (_MORE if settings.profile.thorough else ())

    def corrected(law: Law) -> Evidence:
        return theorem(cases(seed, sizes, law.sphere, law.kind), law)

    normalised, gaussian = (cases(seed, sizes, sphere, "nngp") for sphere in (True, False))
    found = corrected(law)
    evidence = (
        two_points(),
        unequal_norms(settings),
        logarithms(normalised),
        proof("majorisation", About.CORRECTED, "majorisation"),
        proof("smallest_eigenvalue", About.CORRECTED, "majorisation"),
        found,
    )
    least = min(float(np.min(np.linalg.norm(inputs(n, d, seed), axis=1))) for n, d in sizes)
    spread = max(float(np.max(np.abs(np.sum(inputs(n, d, seed, sphere=True) ** 2, axis=1) / d - 1))) for n, d in sizes)
    assumptions = (
        Assumption("inputs", "no input is 0", least > 0, f"least norm {least:.3g}"),
        Assumption("normalised", "norms are √d where so stated", spread < 1e-13, f"|x|^2/d - 1 up to {spread:.1g}"),
        Assumption("gates", "all gates of the zoo", len({x.gate for x in normalised}) == len(GATES), ", ".join(GATES)),
    )
    controls = []
    for altered, wrong in MUTANTS.items():
        rows = corrected(wrong).figures["measures"]
        assert isinstance(rows, Mapping)
        broken = {name: row["broken"] for name, row in rows.items() if isinstance(row, Mapping) and row["broken"]}
        said = "; ".join(f"{name} broken {count} times" for name, count in broken.items())
        controls.append(Control(altered, bool(broken), said or "nothing broken"))
    ranks = [
        np.median([effective_rank(clipped(x.gated)) / effective_rank(clipped(x.plain)) for x in rows])
        for rows in (normalised, gaussian)
    ]
    key = f"effective rank x {ranks[0]:.2f} normalised, x {ranks[1]:.2f} Gaussian (median)"
    verdict = decide(assumptions, evidence, controls, CLAIM.parts)
    return Outcome(CLAIM, assumptions, evidence, tuple(controls), verdict, key, charts(normalised, gaussian))
