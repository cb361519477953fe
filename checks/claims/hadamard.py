"""Eq. 5: the gated kernel as a Hadamard product, and what it leaves out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

import numpy as np
from flint import arb

from checks.settings import Settings
from checks.tools import roads
from checks.tools.evidence import branches, equal, is_lecun, nonzero, proof
from checks.tools.formulas import gated, plain
from checks.tools.roads import Constants, Duals, Inputs, Setting, lecun, sample
from glutheory.claims import About, Claim, Control, Evidence, Fate, Finding, Grade, Outcome, Part, decide
from glutheory.figures.chart import Chart, Role, Series
from glutheory.ground.balls import precision
from glutheory.ground.exact import ball

CLAIM = Claim(
    id="hadamard",
    source="Eq. 5",
    statement=r"\text{LeCun, } m \text{ large}:\quad \tilde K \approx K\odot\tfrac{1}{d}XX^\top",
    words="With LeCun variances and large width the gated kernel is about the Hadamard product of K with XXᵀ/d.",
    assumptions=("LeCun variances", "value branch and one gate", "inputs other than 0"),
    corrected=(
        r"\tilde K = K\odot\tfrac1d XX^\top + S\odot XX^\top \text{ at every } m \text{ and } d\text{; where } "
        r"S_{ij}, K_{ij}, x_i\cdot x_j \ne 0 \text{ the second term is } \frac dm\cdot\frac{1}{1+x_{ij}/m} "
        r"\text{ of the first, } x_{ij} = (x_i\cdot x_j)\,T_{ij}/S_{ij}\text{: to leading order in } 1/m \text{ the "
        r"relative error is } d/m\text{, so what must be large is } m/d"
    ),
    meaning=(
        "The picture 'gating multiplies the kernel by the similarity of the inputs' is right when the hidden "
        "layer is much wider than the input. Otherwise it is off by about d/m of itself: for ReGLU and inputs at "
        "acute angles by 20 to 25 % at the usual m = 4d, and by 50 to 100 % at m = d. Width alone does not help, "
        "it is m/d that counts; the exact form (hadamard-exact) costs no more."
    ),
    parts=(
        Part(
            "Eq. 5",
            "the gated kernel is about the Hadamard product for large m",
            Fate.SHARPENED,
            "an identity at every m and d, with the term that Eq. 5 leaves out: where neither term is 0 it is d/m of "
            "the other to leading order, so m must be large against d",
        ),
    ),
)

#: The claimed relative error of Eq. 5 to leading order, as a function of the scales.
Order = Callable[[Constants], Any]
_QUICK, _FULL = ("reglu", "swiglu"), ("glu", "geglu", "gtu", "bilinear")
_DIMENSIONS = (4, 16, 64)
_RATIOS = (1, 16, 256, 4096)  # m/d
_MATRICES = (64, 256, 1024)  # m/d again
#: What is no error of the order d/m, at m = d.
_FAR = 1e6
#: tan(α/2) of two inputs with cos(α + 90°) = −0.394235, where ReLU's K_ij is 0 at m = d (within 1e-17), and its gated
#: kernel is not: found once by mpmath's findroot.
_TANGENT = Fraction(172383112, 839106061)


def order(scales: Constants) -> Any:
    """d/m."""
    return scales.d / scales.m


MUTANTS: dict[str, Order] = {
    "an error of 1/m": lambda s: 1 / s.m,
    "an error of 2d/m": lambda s: 2 * s.d / s.m,
    "an error of sqrt(d/m)": lambda s: (s.d / s.m).sqrt() if isinstance(s.d, arb) else (s.d / s.m) ** 0.5,
}


def eq5(scales: Constants, inner: Any, duals: Duals) -> Any:
    """K (x·x')/d."""
    return plain(Constants(scales.m, scales.d, scales.v, scales.w[1:]), inner, duals[-1:]) * inner / scales.d


def literal(seed: int) -> Evidence:
    """Width is not enough: at m = d = 4096 the entries of Eq. 5 are wrong by a fixed factor."""
    d = 4096
    X: Inputs = (tuple(Fraction((seed + 3 * j * j) % 7 - 3, 2) for j in range(d)),)
    setting = lecun("reglu", X, d)
    exact, approximate = (roads.entry(formula, setting, (0, 0), roads.quadrature) for formula in (gated, eq5))
    with precision(160):
        error = (exact - approximate) / approximate
    what = f"the relative error of Eq. 5 for ReGLU at m = d = {d}, a diagonal entry, against 0"
    return equal(what, [error], part="Eq. 5", figures={"relative error": float(error.mid())})


def rate(names: tuple[str, ...], seed: int, order: Order) -> Evidence:
    """The relative error of entries other than 0 is the claimed order over 1 + x/m; the order alone as m/d grows."""
    differences, errors, leading = [], {}, {}
    for d in _DIMENSIONS:
        X = sample(seed, d)
        for ratio in _RATIOS:
            found = [
                _error(setting, pair, order)
                for setting in (lecun(name, X, ratio * d) for name in names)
                for pair in setting.pairs
            ]
            kept = [item for item in found if item is not None]
            differences += [item[0] for item in kept]
            sizes = [float(item[1].mid()) for item in kept]
            errors[f"d={d}, m={ratio * d}"] = float(np.median(sizes))
            leading[f"d={d}, m={ratio * d}"] = max(abs(size / float(Fraction(1, ratio)) - 1) for size in sizes)
    what = (
        "the relative error is d/m / (1 + x/m) at every entry where S, K and x·x' are not 0, for m/d up to "
        f"{_RATIOS[-1]} ({', '.join(names)})"
    )
    figures = {"median relative error": errors, "largest |error/(d/m) - 1|": leading}
    return equal(what, differences, About.CORRECTED, figures=figures)


def identity(names: tuple[str, ...], seed: int, order: Order) -> Evidence:
    """K̃ = K G/d + (the claimed order) m S G/d at every entry: of Eq. 5's kernel and of what it leaves out no quotient.

    Among the entries are those of opposite inputs, where ReLU's S is 0, and `vanishing`.
    """
    settings = [lecun(name, sample(seed, d), ratio * d) for name in names for d in _DIMENSIONS for ratio in _RATIOS]
    differences = [_left(setting, pair, order) for setting in (*settings, vanishing()) for pair in setting.pairs]
    what = f"K̃ = K ⊙ XXᵀ/d + S ⊙ XXᵀ at every entry ({', '.join(names)}), also where S is 0, and K but for 1e-17"
    return equal(what, differences, About.CORRECTED)


def vanishing() -> Setting:
    """ReGLU with m = d = 2 on two inputs whose entry of ReLU's kernel is 0 but for 1e-17."""
    u = _TANGENT
    return lecun("reglu", ((Fraction(1), Fraction(0)), (-2 * u / (1 + u * u), (1 - u * u) / (1 + u * u))), 2)


def _left(setting: Setting, pair: tuple[int, int], order: Order) -> arb:
    """K̃ less both terms, over m ‖x‖² ‖x'‖²/d²."""
    S, _ = roads.quadrature(setting.network.gate, setting.points(*pair)[-1])
    exact, approximate = (roads.entry(formula, setting, pair, roads.quadrature) for formula in (gated, eq5))
    (i, j), G = pair, setting.gram
    with precision(160):
        m, d = ball(Fraction(setting.width)), ball(Fraction(setting.d))
        dropped = order(Constants(m, d, 1 / m, [1 / d, 1 / d])) * m * S * ball(G[i][j]) / d
        left: arb = (exact - approximate - dropped) / (m * ball(G[i][i] * G[j][j]) / d**2)
    return left


def _error(setting: Setting, pair: tuple[int, int], order: Order) -> tuple[arb, arb] | None:
    """(r (1 + x/m)/order − 1, |r|) for the relative error r of an entry; None where the entry is 0."""
    S, T = roads.quadrature(setting.network.gate, setting.points(*pair)[-1])
    exact, approximate = (roads.entry(formula, setting, pair, roads.quadrature) for formula in (gated, eq5))
    with precision(160):
        if approximate.contains(0) or S.contains(0):
            return None
        m, d = ball(Fraction(setting.width)), ball(Fraction(setting.d))
        x = ball(setting.gram[pair[0]][pair[1]]) * T / S
        r = (exact - approximate) / approximate
        return r * (1 + x / m) / order(Constants(m, d, 1 / m, [1 / d, 1 / d])) - 1, abs(r)


def exponents(seed: int, order: Order) -> Evidence:
    """The Frobenius error of whole matrices on Gaussian data: its slopes in m and d, for ReGLU and SwiGLU."""
    from glutheory.numeric import gram

    table, last = {}, list[float]()
    for name, alone in (("reglu", "relu"), ("swiglu", "silu")):
        for d in (16, 64):
            X = np.random.default_rng([seed, d]).standard_normal((60, d))
            errors = []
            for ratio in _MATRICES:
                m = ratio * d
                K, full = (gram(net, X, parametrization="standard", width=m) for net in (alone, name))
                approximate = K * (X @ X.T) / d
                error = float(np.linalg.norm(full - approximate) / np.linalg.norm(approximate))
                predicted = float(order(Constants(float(m), float(d), 1 / m, [1 / d, 1 / d])))
                errors.append(error / predicted)
            table[f"{name}, d={d}: error/(d/m) at m/d = 64, 256, 1024"] = errors
            last.append(abs(errors[-1] - 1))
    worst = float(np.max(last))
    finding = Finding.of(worst < 0.01)
    what = "the Frobenius error of Eq. 5 on 60 Gaussian inputs over d/m tends to 1"
    return Evidence(Grade.NUMERICAL, what, finding, About.CORRECTED, figures={**table, "last deviation from 1": worst})


def _everywhere() -> Control:
    """The order as a statement on all entries, also where K is 0."""
    found = _error(vanishing(), (0, 1), order)
    off = None if found is None else float(found[1].lower())
    by = "the quotient is not defined" if off is None else f"of ReLU's at ρ = −0.394235, m = d, at least {off:.1g}"
    return Control("an error of d/m also where K is 0", off is None or off > _FAR, by)


def charts(first: Evidence, certified: Evidence, numerical: Evidence) -> tuple[Chart, ...]:
    """The error of Eq. 5 over d/m: entries, certified, and whole matrices."""
    errors: Any = certified.figures["median relative error"]
    exact: Any = first.figures["relative error"]
    tables: dict[str, Any] = {name: row for name, row in numerical.figures.items() if isinstance(row, Sequence)}
    x = [1 / ratio for ratio in _RATIOS]
    fine = np.geomspace(x[-1], x[0], 40).tolist()
    entries = [
        Series(f"$d={d}$", x, [errors[f"d={d}, m={ratio * d}"] for ratio in _RATIOS], line=False, dashed=True)
        for d in _DIMENSIONS
    ]
    half = Series("$m=d=4096$, certified", [1], [exact], line=False)
    law = Series("$(d/m)\\,/\\,(1+d/m)$", fine, [share / (1 + share) for share in fine], Role.THEORY, dashed=True)
    matrices = [Series(name.split(":")[0], _MATRICES, row) for name, row in tables.items()]
    return (
        Chart(
            "The relative error of Eq. 5 is of order $d/m$, whatever the dimension",
            "$d/m$",
            "median relative error of Eq. 5",
            (Series("$d/m$", x, x, Role.THEORY), law, *entries, half),
            xscale="log",
            yscale="log",
            note="Points of all dimensions lie together, so the error is of order d/m and no large width alone makes "
            "it small: at m = d = 4096 the exact entry is one and a half times that of Eq. 5. The dashed line is the "
            "diagonal.",
        ),
        Chart(
            "For whole matrices on Gaussian data the error over $d/m$ tends to 1",
            "$m/d$",
            r"relative Frobenius error / $(d/m)$",
            (*matrices, Series("1", (_MATRICES[0], _MATRICES[-1]), (1, 1), Role.THEORY, dashed=True)),
            xscale="log",
            note="60 inputs; ReGLU and SwiGLU approach the same constant from below.",
        ),
    )


def run(settings: Settings, order: Order = order) -> Outcome:
    """The check; `order` is the claimed error of Eq. 5."""
    names = _QUICK + (_FULL if settings.profile.thorough else ())
    seed = settings.stream("hadamard/data")
    chosen = [lecun(name, sample(seed, d), ratio * d) for name in names for d in _DIMENSIONS for ratio in _RATIOS]
    first = literal(settings.seed)
    certified, numerical = rate(names, seed, order), exponents(seed, order)
    evidence = (first, proof("hadamard", About.CORRECTED), identity(names, seed, order), certified, numerical)
    assumptions = (
        is_lecun(chosen),
        branches(chosen, "value branch times one gate", lambda s: s.network.gated),
        nonzero(chosen),
    )
    controls = []
    for altered, wrong in MUTANTS.items():
        one, two, every = rate(names, seed, wrong), exponents(seed, wrong), identity(names, seed, wrong)
        caught = {item.finding for item in (one, two, every)} == {Finding.REFUTES}
        off, entries = two.figures["last deviation from 1"], one.figures["certainly not zero"]
        controls.append(Control(altered, caught, f"{entries} entries certainly differ; matrices off by {off:.2g}"))
    controls.append(_everywhere())
    errors = certified.figures["median relative error"]
    assert isinstance(errors, dict)
    half = first.figures["relative error"]
    key = f"relative error {errors['d=64, m=1024']:.4f} at d/m = 1/16, {half:.2f} at d/m = 1"
    verdict, drawn = decide(assumptions, evidence, controls, CLAIM.parts), charts(first, certified, numerical)
    return Outcome(CLAIM, assumptions, evidence, tuple(controls), verdict, key, charts=drawn)
