"""Evidence that cannot fail: the measured numbers of every kind of comparison are spoiled, and none may support then.

The formulas stay right. What is altered is what was measured: its size, its sign, its order, whether it varies at all,
and whether it is a number. A comparison that is blind to one of these by its meaning is not in the row of that one: a
condition number does not know the size of a kernel.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from checks.claims import hadamard, hadamard_exact, lambda_max, lambda_min, spike
from checks.claims.compact import statement as compact
from checks.claims.compact.measures import SpectrumPair, cases
from checks.claims.condition import statement as condition
from checks.claims.crossing_early import evidence as early
from checks.claims.crossing_late import evidence as late
from checks.claims.decomposition import statement as decomposition
from checks.claims.degree_shift import statement as degree_shift
from checks.claims.expected_loss import initial_outputs
from checks.claims.expected_loss.loss_forms import CORRECT
from checks.claims.finite_width_mean import statement as finite_width_mean
from checks.claims.not_always import statement as not_always
from checks.claims.phase_diagram import evidence as phase
from checks.claims.phase_diagram.law import Sample, law
from checks.settings import Settings
from checks.tools import spectral_grid
from checks.tools.evidence import Experiment, experiments, statistical
from checks.tools.formulas import of_branches
from checks.tools.loss_pairs import LossPair
from checks.tools.loss_races import Race, races
from checks.tools.measured_orders import on_data
from checks.tools.roads import generic, lecun, sample
from checks.tools.spectral_grid import Cell, Draw
from glutheory.claims import About, Evidence, Finding
from glutheory.studies.phase.boundary import crossing
from glutheory.studies.phase.cells import Cell as PhaseCell
from glutheory.studies.phase.cells import State
from tests.checks.claims import loss_cases

pytest.importorskip("statsmodels", reason="the orders of spectra are fitted by statsmodels")

Array = npt.NDArray[np.float64]
QUICK = Settings()


def supported(pieces: Sequence[Evidence]) -> bool:
    return all(item.finding is Finding.SUPPORTS for item in pieces)


# ---------------------------------------------------------------- sampled kernels and outputs

SPOILED: dict[str, Callable[[Array], Array]] = {
    "larger by a half": lambda x: 1.5 * x,
    "of the other sign": lambda x: -x,
    "entries in another order": lambda x: np.roll(x, 1, axis=1),
    "no numbers": lambda x: np.full_like(x, np.nan),
    "one of them no number": lambda x: np.concatenate([np.full_like(x[:1], np.nan), x[1:]]),
    "twice as far from their mean": lambda x: 2 * x - x.mean(axis=0),
    "all equal to their mean": lambda x: np.broadcast_to(x.mean(axis=0), x.shape),
}
#: A test of a mean does not see the spread.
OF_A_MEAN = tuple(name for name in SPOILED if "their mean" not in name)


@lru_cache(maxsize=1)
def kernels() -> tuple[list[Experiment], list[Experiment]]:
    """Gated networks, and non-gated ones that are wider by d."""
    X = sample(3, 3, extremes=False)[:2]
    chosen = [lecun("bilinear", X, 12)]
    others = [lecun(setting.network.ungated(), setting.X, 15) for setting in chosen]
    return experiments(chosen, QUICK, "wrong-data", 2000), experiments(others, QUICK, "wrong-data/plain", 2000)


@lru_cache(maxsize=1)
def narrow() -> list[Experiment]:
    """Width 3: the variance is not small."""
    return experiments([generic("relu", sample(3, 3, extremes=False)[:2], 3)], QUICK, "wrong-data/variance", 4000)


@pytest.mark.long
@pytest.mark.parametrize("label", [None, *OF_A_MEAN])
def test_sampled_means(label: str | None) -> None:
    alter = SPOILED[label] if label else lambda x: x
    gated, plain = kernels()
    spoiled = [replace(item, samples=alter(item.samples)) for item in gated]
    for piece in (statistical(of_branches, spoiled), hadamard_exact.twins(spoiled, plain)):
        assert (piece.finding is Finding.SUPPORTS) == (label is None), piece.what


@pytest.mark.long
@pytest.mark.parametrize("label", [None, *SPOILED])
def test_sampled_variances(label: str | None) -> None:
    alter = SPOILED[label] if label else lambda x: x
    spoiled = [replace(item, samples=alter(item.samples)) for item in narrow()]
    assert (finite_width_mean.variances(spoiled, finite_width_mean.spread).finding is Finding.SUPPORTS) == (
        label is None
    )


#: Outputs have the mean 0, and the other sign is as likely; their order is that of the inputs.
@pytest.mark.parametrize("label", [None, *(name for name in SPOILED if name != "of the other sign")])
def test_sampled_outputs(label: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    alter = SPOILED[label] if label else lambda x: x
    draw = initial_outputs.draw
    monkeypatch.setattr(initial_outputs, "draw", lambda *arguments: alter(draw(*arguments)))
    initial_outputs._samples.cache_clear()
    chosen = (lecun("relu", sample(2, 4, extremes=False), 16),)
    found = initial_outputs.second_moments(CORRECT.entry, chosen, QUICK, 1 << 14, About.CORRECTED)
    initial_outputs._samples.cache_clear()
    assert (found.finding is Finding.SUPPORTS) == (label is None)


# ---------------------------------------------------------------- spectra


def _ends(draw: Draw, top: float, bottom: float) -> Draw:
    """The largest and the smallest eigenvalue of both kernels times these."""
    found = {}
    for name in ("plain", "gated"):
        values = getattr(draw, name).copy()
        values[0], values[-1] = values[0] * top, values[-1] * bottom
        found[name] = values
    return replace(draw, **found)


WRONG_SPECTRA: dict[str, Callable[[Draw], Draw]] = {
    "the largest three times too large": lambda draw: _ends(draw, 3, 1),
    "the smallest half as large": lambda draw: _ends(draw, 1, 0.5),
    "the two kernels exchanged": lambda draw: replace(draw, plain=draw.gated, gated=draw.plain),
    "both spectra flat": lambda draw: replace(
        draw, plain=np.full_like(draw.plain, draw.plain.mean()), gated=np.full_like(draw.gated, draw.gated.mean())
    ),
    "three times too large": lambda draw: replace(draw, plain=3 * draw.plain, gated=3 * draw.gated),
    "those of other sizes": lambda draw: _ends(draw, len(draw.plain) / 200, len(draw.plain) / 200),
}
NEAR = tuple(Cell(n, d, (1, 2), True) for n in (200, 320, 520) for d in (round((8 * n) ** 0.5), n // 4))
#: Many inputs per dimension: the outlier of the gated kernel stands apart.
MANY = tuple(Cell(n, n // share, (1, 2), True) for n in (200, 320, 520) for share in (8, 16))
SPECTRAL: dict[str, tuple[Callable[[], tuple[Evidence, ...]], tuple[str, ...]]] = {
    "lambda-max": (
        lambda: (on_data(lambda_max.LAW.orders, NEAR), lambda_max.sandwich(NEAR, lambda_max.LAW)),
        ("the smallest half as large",),
    ),
    "lambda-min": (
        lambda: (on_data(lambda_min.LAW.floors, NEAR), lambda_min.inequality(NEAR, lambda_min.LAW)),
        ("the largest three times too large",),
    ),
    "condition": (
        lambda: (on_data(condition.LAW.orders, NEAR), condition.bounds(NEAR, condition.LAW)),
        ("three times too large", "those of other sizes"),
    ),
    "spike": (
        lambda: (spike.measured(spike.LAW, MANY, MANY),),
        ("the smallest half as large",),
    ),
}
#: What the orders leave open by their meaning.
CASES = [
    (name, label) for name, (_, blind) in SPECTRAL.items() for label in (None, *WRONG_SPECTRA) if label not in blind
]


@pytest.fixture
def altered(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[Draw], Draw]], None]:
    """Every measured spectrum altered; kept ones are those of the right data."""
    draw = spectral_grid._draw
    return lambda alter: monkeypatch.setattr(spectral_grid, "_draw", lambda *arguments: alter(draw(*arguments)))


@pytest.mark.parametrize(("name", "label"), CASES)
def test_spectra(name: str, label: str | None, altered: Any) -> None:
    if label is not None:
        altered(WRONG_SPECTRA[label])
    assert supported(SPECTRAL[name][0]()) == (label is None)


@pytest.mark.parametrize("label", [None, "larger by a half", "in another order"])
def test_errors_of_the_approximation(label: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    cells = [Cell(y * dim, dim, (1, 2), True) for y in (2, 5, 10) for dim in (18, 32, 58)]
    found = decomposition._over(cells, decomposition.LAW)
    if label == "larger by a half":
        found = [(cell, replace(item, plain=1.5 * item.plain, gated=1.5 * item.gated)) for cell, item in found]
    if label == "in another order":
        found = [(cell, other) for (cell, _), (_, other) in zip(found, found[::-1], strict=True)]
    monkeypatch.setattr(decomposition, "_over", lambda *_: found)
    assert (decomposition.measured(cells, decomposition.LAW).finding is Finding.SUPPORTS) == (label is None)


def test_compact_spectra() -> None:
    right = cases(7, ((40, 4), (40, 12)), True, "nngp")
    swapped = tuple(SpectrumPair(**{**vars(item), "plain": item.gated, "gated": item.plain}) for item in right)
    assert compact.theorem(right, compact.LAW).finding is Finding.SUPPORTS
    assert compact.theorem(swapped, compact.LAW).finding is Finding.REFUTES


@pytest.mark.parametrize("factor", [1.0, 1 + 1e-5, -1.0])
def test_spectra_on_the_sphere(factor: float) -> None:
    found = {
        (name, gated, size): factor * degree_shift._spectrum(net, size)
        for name, gate in degree_shift._SPECTRA.items()
        for gated, net in ((False, name), (True, gate))
        for size in degree_shift._GRIDS
    }
    assert (degree_shift.spectra(found, degree_shift.shift).finding is Finding.SUPPORTS) == (factor == 1)


@pytest.mark.parametrize("factor", [1.0, 1.001, -1.0, np.nan])
def test_matrices_against_the_hadamard_product(factor: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """The gated kernel is altered; the other is what it is compared with."""
    from glutheory import numeric

    gram = numeric.gram
    monkeypatch.setattr(
        numeric, "gram", lambda name, *rest, **more: gram(name, *rest, **more) * (factor if "glu" in name else 1)
    )
    assert (hadamard.exponents(3, hadamard.order).finding is Finding.SUPPORTS) == (factor == 1)


# ---------------------------------------------------------------- loss curves

#: Curves that were simulated: the leads seen of one network after the other.
WRONG_RACES: dict[str, Callable[[tuple[Race, ...]], tuple[Race, ...]]] = {
    "the two networks exchanged": lambda found: tuple(
        replace(row, signs=tuple(-x for x in row.signs)) for row in found
    ),
    "nothing to be seen": lambda found: tuple(replace(row, signs=(0,) * len(row.signs)) for row in found),
    "one lead for ever": lambda found: tuple(replace(row, signs=(row.start,) * len(row.signs)) for row in found),
    "those of other cases": lambda rows: rows[1:] + rows[:1],
}
#: Curves as sums of exponentials, with other crossings and other rates.
WRONG_CURVES: dict[str, Callable[[LossPair], LossPair]] = {
    "the two networks exchanged": lambda given: replace(given, curves=given.curves[::-1]),
    "the plain network twice": lambda given: replace(given, curves=(given.curves[0],) * 2),
    "the gated network twice": lambda given: replace(given, curves=(given.curves[1],) * 2),
}
#: The first lead is the only one that is asked of at the start.
OF_THE_START = tuple(name for name in WRONG_RACES if name != "one lead for ever")


def unequal() -> tuple[LossPair, ...]:
    """Data sets on which one network starts lower, and others on which the other does."""
    return (*loss_cases.few(), *loss_cases.few_shrunk())


@pytest.mark.parametrize("label", [None, *OF_THE_START])
def test_simulated_starts(label: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    if label is not None:
        monkeypatch.setattr(early, "races", lambda cases: WRONG_RACES[label](races(cases)))
    assert (early.starts(unequal(), early.CORRECT, "").finding is Finding.SUPPORTS) == (label is None)


@pytest.mark.parametrize("label", [None, *WRONG_RACES])
def test_simulated_ends(label: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    if label is not None:
        monkeypatch.setattr(late, "races", lambda cases: WRONG_RACES[label](races(cases)))
    assert (late.ends(loss_cases.few(), late.CORRECT, "").finding is Finding.SUPPORTS) == (label is None)


@pytest.mark.parametrize("label", [None, *WRONG_CURVES])
def test_curves_as_sums_of_exponentials(label: str | None) -> None:
    alter = WRONG_CURVES[label] if label else lambda given: given
    gaussian, normalised = ([alter(given) for given in rows] for rows in (unequal(), loss_cases.few_normalised()))
    for piece in (
        early.starts(gaussian, early.CORRECT, ""),
        early.theorem(normalised),
        late.ends(gaussian[: len(loss_cases.few())], late.CORRECT, ""),
        late.normalised(normalised),
    ):
        assert (piece.finding is Finding.SUPPORTS) == (label is None), piece.what


def test_no_curves_are_no_evidence() -> None:
    pieces = (
        early.starts([], early.CORRECT, ""),
        early.theorem([]),
        early.scale([]),
        late.prevalence([]),
        late.ends([], late.CORRECT, ""),
        late.normalised([]),
    )
    assert Finding.SUPPORTS not in {piece.finding for piece in pieces}


# ---------------------------------------------------------------- searches, and cells of the phase diagram


@pytest.mark.long
def test_an_optimiser_that_does_not_optimise(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not_always.extent(False).finding is Finding.SUPPORTS
    monkeypatch.setattr(not_always, "pushed", lambda *_: (0.5, (0.0, 1.0)))
    assert not_always.extent(False).finding is Finding.REFUTES


@pytest.mark.parametrize("state", list(State))
def test_a_phase_diagram_of_one_colour(state: State, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same everywhere, whatever it is: some piece sees it, and none calls it support where nothing was decided."""
    from tests.checks.claims.test_phase_diagram import CRITICAL, REAL, cell

    theory = phase.Theory()
    cells = [*REAL, *CRITICAL, cell(0.3), cell(0.3, data="sphere"), cell(0.3, tops=3.0, least=0.5)]
    monkeypatch.setattr(PhaseCell, "state", state)
    judges = phase.on_the_sphere, phase.certificate, phase.critical, phase.every_gate, phase.real
    found = {judge.__name__: judge(cells, theory).finding for judge in judges}
    assert Finding.REFUTES in found.values(), found
    if state in (State.SINGULAR, State.OPEN):
        assert found["on_the_sphere"] is Finding.UNDECIDED
        assert found["every_gate"] is Finding.UNDECIDED


def test_cells_that_decide_nothing() -> None:
    from tests.checks.claims.test_phase_diagram import cell

    assert phase.certificate([cell(0.3)], phase.Theory()).finding is Finding.UNDECIDED
    assert phase.signs([cell(0.3, d=4)], phase.Theory()).finding is Finding.UNDECIDED


@pytest.mark.parametrize("shares", [(1, 1, 1), (0, 0, 0), (0.5, 0.5, 0.5), (0.1, 0.5, 0.8)])
def test_shares_that_do_not_cross(shares: tuple[float, float, float]) -> None:
    """Constant ones, and the right ones in reverse order."""
    row = [Sample(6, n, 300, round(300 * p), 300 - round(300 * p)) for n, p in zip((22, 75, 165), shares, strict=True)]
    assert law(row, crossing, About.CORRECTED).finding is not Finding.SUPPORTS
    right = [Sample(6, n, 300, round(300 * p), 300 - round(300 * p)) for n, p in ((22, 0.8), (75, 0.5), (165, 0.1))]
    assert law(right, crossing, About.CORRECTED).finding is Finding.SUPPORTS
