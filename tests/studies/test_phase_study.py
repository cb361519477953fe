"""The map of cond(K)/cond(K̃): its cells against numpy on textbook kernels, its text, figure and record."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest

from glutheory.errors import DomainError, UnknownNameError
from glutheory.spectra import ConditionNumber
from glutheory.studies.phase import Cell, State, Task, certified_dimension, charts, crossing
from glutheory.studies.phase.cells import OWN, gain, points
from glutheory.studies.phase.study import DIMENSIONS, LARGEST, SIZES, Phase, Spot, axes, own_rows, phase_study
from glutheory.studies.phase.text import sentences, text
from glutheory.terminal import Terminal

WIDE = Terminal(width=100)


@lru_cache(maxsize=8)
def found(inputs: str = "gaussian", kind: str = "nngp", gate: str = "reglu") -> Phase:
    return phase_study(gate, sizes=(32, 16), dimensions=(3, 12, 6), inputs=inputs, kind=kind, draws=2, seed=4)


def ratio(X: np.ndarray, kind: str) -> float:
    """cond(K)/cond(K̃) of ReLU and ReGLU by Cho and Saul's kernels and numpy."""
    d = X.shape[1]
    r = np.linalg.norm(X, axis=1)
    cosine = np.clip(X @ X.T / np.outer(r, r), -1, 1)
    np.fill_diagonal(cosine, 1)
    angle = np.arccos(cosine)
    S = np.outer(r, r) / d * (np.sin(angle) + (np.pi - angle) * cosine) / (2 * np.pi)
    T, c = (np.pi - angle) / (2 * np.pi), X @ X.T / d
    K, gated = (S, c * S) if kind == "nngp" else (S + c * T, 2 * c * S + c**2 * T)
    return float(np.linalg.cond(K) / np.linalg.cond(gated))


@pytest.mark.long
@pytest.mark.parametrize("inputs", ["gaussian", "normalised"])
@pytest.mark.parametrize("kind", ["nngp", "ntk"])
def test_every_cell_is_the_median_of_its_draws(inputs: str, kind: str) -> None:
    drawn = found(inputs, kind)
    assert [(spot.n, spot.d) for spot in drawn.spots] == [(n, d) for d in (3, 6, 12) for n in (16, 32)]
    for spot in drawn.spots:
        rows = [np.random.default_rng([4, draw, spot.d]).standard_normal((spot.n, spot.d)) for draw in range(2)]
        if inputs == "normalised":
            rows = [X * math.sqrt(spot.d) / np.linalg.norm(X, axis=1, keepdims=True) for X in rows]
        ratios = [ratio(X, kind) for X in rows]
        # conditions up to 1e5 of kernels with errors of 1e-8 where the angle is small
        assert spot.ratio == pytest.approx(math.sqrt(ratios[0] * ratios[1]), rel=1e-3)
        assert spot.range == pytest.approx((min(ratios), max(ratios)), rel=1e-3)
        states = {State.HELPS if value > 1 else State.HURTS for value in ratios}
        assert spot.state == (states.pop() if len(states) == 1 else None)
    assert sum(drawn.count(state) for state in (*State, None)) == 6


def test_the_predictions_are_for_gaussian_rows_and_wide_layers() -> None:
    drawn = found()
    assert drawn.certified == ((16, certified_dimension(16, "reglu")), (32, certified_dimension(32, "reglu")))
    assert drawn.crossings == ((5, crossing(5)),)
    assert found("normalised").certified == found(kind="ntk").certified == ()
    assert found(gate="swiglu").crossings == ()
    assert found(gate="swiglu").certified


# ---------------------------------------------------------------- the user's rows

TABLE = np.column_stack([np.random.default_rng(1).standard_normal((60, 5)) * 10.0 ** np.arange(5) + 3, np.ones(60)])


def test_own_rows_are_standardised_components() -> None:
    mine = own_rows(np.concatenate([TABLE, TABLE[:7]]), "table.csv", 0)
    assert mine.description == (
        "table.csv (67 rows, 7 repeated ones left out, 1 constant feature left out), standardised, first d principal "
        "components"
    )
    drawn = phase_study("reglu", sizes=(20,), dimensions=(3, 5), draws=2, seed=3, rows=mine)
    assert drawn.inputs == "rows"
    features = TABLE[:, :5]
    features = (features - features.mean(axis=0)) / features.std(axis=0)
    left, sizes, _ = np.linalg.svd(features, full_matrices=False)
    for spot in drawn.spots:
        every = (left * sizes)[:, : spot.d]
        every /= np.sqrt(np.mean(every**2))
        for cell in spot.draws:
            chosen = np.random.default_rng([3, cell.task.draw, spot.d]).permutation(60)[:20]
            assert 10**cell.gain == pytest.approx(ratio(every[chosen], "nngp"), rel=1e-3)
    normal = phase_study("reglu", sizes=(20,), dimensions=(4,), draws=1, rows=mine, inputs="normalised")
    assert normal.spots[0].draws[0].equal_norms
    assert "scaled to norm √d" in normal.data


def test_many_rows_are_sampled() -> None:
    X = np.random.default_rng(0).standard_normal((LARGEST + 10, 2))
    mine = own_rows(X, "long", 1)
    assert mine.table.limits == (LARGEST, 2)
    assert f"{LARGEST} of them drawn" in mine.description


@pytest.mark.long
def test_own_rows_in_other_processes_and_folders(tmp_path: Path) -> None:
    mine, other = own_rows(TABLE, "one", 0), own_rows(TABLE + np.eye(60, 6), "two", 0)
    options = {"sizes": (12, 20), "dimensions": (2,), "draws": 1}
    alone = phase_study("reglu", rows=mine, **options)  # type: ignore[arg-type] # a dict of options
    seen: list[tuple[int, int]] = []
    two = phase_study(
        "reglu",
        rows=mine,
        folder=tmp_path,
        processes=2,
        done=lambda done, total: seen.append((done, total)),
        **options,  # type: ignore[arg-type] # a dict of options
    )
    assert two.spots == alone.spots
    assert seen == [(1, 2), (2, 2)]
    # cells of other data lie beside them, under other names
    phase_study("reglu", rows=other, folder=tmp_path, **options)  # type: ignore[arg-type] # a dict of options
    assert len(list(tmp_path.glob(f"{OWN}*.json"))) == 4
    assert phase_study("reglu", rows=mine, folder=tmp_path, **options).spots == alone.spots  # type: ignore[arg-type] # a dict


@pytest.mark.parametrize(
    ("call", "error", "hint"),
    [
        (lambda: phase_study("relu"), DomainError, "gate is 'relu', which is not gated"),
        (lambda: phase_study("relux"), UnknownNameError, "did you mean"),
        (lambda: phase_study(kind="both"), DomainError, "kind is 'both'"),
        (lambda: phase_study(inputs="sphere"), DomainError, "inputs is 'sphere'"),
        (lambda: phase_study(draws=0), DomainError, "draws is 0"),
        (lambda: phase_study(sizes=(3,)), DomainError, "n is 3"),
        (lambda: phase_study(dimensions=(0,)), DomainError, "d is 0"),
        (lambda: phase_study(sizes=(10**6,)), DomainError, "no more than 20000"),
        (lambda: axes((61,), None, own_rows(TABLE, "t", 0)), DomainError, "no more than 60 here"),
        (lambda: axes(None, (6,), own_rows(TABLE, "t", 0)), DomainError, "no more than 5 here"),
        (lambda: axes(None, None, own_rows(TABLE[:, :1], "t", 0)), DomainError, "d is 1 at least"),
        (lambda: own_rows(np.ones((5, 2)), "flat", 0), DomainError, "no feature that varies"),
        (lambda: points(Task(f"{OWN}12", "reglu", "wide", 8, 2)), DomainError, "give them"),
    ],
)
def test_wrong_input_is_one_sentence(call: object, error: type[Exception], hint: str) -> None:
    with pytest.raises(error, match=hint):
        call()  # type: ignore[operator] # a table of lambdas


def test_the_axes_are_those_that_the_data_allow() -> None:
    assert axes(None, None) == (SIZES, DIMENSIONS)
    assert axes(None, None, own_rows(TABLE, "t", 0)) == ((16, 32), (2, 4))
    assert axes((9, 4, 9), (2, 1)) == ((4, 9), (1, 2))


# ---------------------------------------------------------------- what is printed, drawn and written


def number(value: float, *, bound: bool = False) -> ConditionNumber:
    if bound:
        return ConditionNumber(value, value, math.inf, True, "below its error")
    return ConditionNumber(value, value, value)


INFINITE = ConditionNumber(math.inf, math.inf, math.inf, reason="rank")
#: Two draws of a spot, what its cell shows, and the state.
CELLS: dict[
    str, tuple[tuple[ConditionNumber, ConditionNumber], tuple[ConditionNumber, ConditionNumber], State | None]
] = {
    "12+": ((number(60), number(5)), (number(36), number(3)), State.HELPS),
    "0.20−": ((number(5), number(25)), (number(5), number(25)), State.HURTS),
    "1.0~": ((number(2), number(1)), (number(1), number(2)), None),
    "∞+": ((INFINITE, number(3)), (INFINITE, number(4)), State.HELPS),
    "≥40+": ((number(400, bound=True), number(10)), (number(900), number(9)), State.HELPS),
    "≤0.01−": ((number(2), number(200, bound=True)), (number(1), number(200)), State.HURTS),
    "0−": ((number(2), INFINITE), (number(2), INFINITE), State.HURTS),
    "0": ((INFINITE, INFINITE), (INFINITE, INFINITE), State.SINGULAR),
    "?": ((number(1e9, bound=True), number(1e9, bound=True)), (number(1e9, bound=True), number(1e9)), State.OPEN),
    "~": ((number(4), number(1)), (INFINITE, INFINITE), None),
    "123456+": ((number(123456), number(1)), (number(123456), number(1)), State.HELPS),
}


def made(*shown: str, **changes: object) -> Phase:
    """A map of one row whose cells show these."""
    spots = []
    for n, name in enumerate(shown, start=4):
        draws = tuple(
            Cell(Task("gaussian", "reglu", "wide", n, 5, 0, draw), *pair, 1.0, 0.5, 1.0, 2.0)
            for draw, pair in enumerate(CELLS[name][:2])
        )
        spots.append(Spot(n, 5, draws))
    sizes = tuple(range(4, 4 + len(shown)))
    base = Phase("reglu", "relu", "nngp", "gaussian", "rows", 0, sizes, (5,), tuple(spots), (), ())
    return replace(base, **changes)  # type: ignore[arg-type] # by name


@pytest.mark.parametrize("name", CELLS)
def test_a_cell_shows_its_ratio_and_its_state(name: str) -> None:
    drawn = made(name)
    assert drawn.spots[0].state is CELLS[name][2]
    line = next(line for line in text(drawn, WIDE).splitlines() if line.split()[:1] == ["5"])
    assert line.split()[1] == name.replace("123456", "1.2e+05")
    plain = text(drawn, Terminal(unicode=False))
    assert plain.isascii()
    assert "cond(K)/cond(K~)" in plain


def test_states_are_coloured_as_in_the_figures() -> None:
    coloured = text(made("12+", "0.20−", "1.0~"), Terminal(colour=True))
    assert "\x1b[38;5;166m12+\x1b[0m" in coloured
    assert "\x1b[38;5;32m0.20−\x1b[0m" in coloured
    assert "  1.0~" in coloured


def test_a_wide_map_is_drawn_in_parts() -> None:
    drawn = phase_study("reglu", sizes=range(4, 16), dimensions=(2,), draws=1)
    lines = text(drawn, Terminal(width=40)).splitlines()
    assert max(map(len, lines)) <= 40
    heads = [line.split()[3:] for line in lines if line.strip().startswith("d \\ n")]
    assert len(heads) > 1
    assert [int(n) for head in heads for n in head] == list(drawn.sizes)


def test_the_largest_dimension_is_on_top_with_the_predictions_beside_it() -> None:
    said = text(found(), WIDE)
    lines = [line.split() for line in said.splitlines()]
    assert [line[0] for line in lines if line and line[0] in ("3", "6", "12", "certified")] == [
        "12", "6", "3", "certified",
    ]  # fmt: skip
    assert f"{crossing(5):.0f} (d = 5)" in said
    assert "beyond" in said
    assert "ReGLU is better conditioned in" in said


@pytest.mark.parametrize(
    ("drawn", "hint"),
    [
        (made("12+", inputs="normalised"), "majorisation"),
        (made("12+", inputs="normalised", kind="ntk"), "critical"),
        (made("12+", inputs="rows"), "--inputs normalised"),
        (made("0"), "No ratio is resolved"),
        (made("12+", "0.20−"), "12 at most (n = 4, d = 5) and 0.20 at least (n = 5, d = 5)"),
        (made("12+", crossings=((5, math.nan), (6, 60.0), (7, math.inf))), "cross at n = 60 (d = 6);"),
    ],
)
def test_sentences(drawn: Phase, hint: str) -> None:
    assert hint in " ".join(sentences(drawn))


@pytest.mark.parametrize(
    ("crossings", "cell"),
    [(((5, 60.0),), "60"), (((5, math.inf),), "beyond"), (((5, math.nan),), ""), (((4, 20.0),), "beyond")],
)
def test_the_column_of_crossings(crossings: tuple[tuple[int, float], ...], cell: str) -> None:
    drawn = made("12+", crossings=crossings, certified=((4, math.nan),))
    row, last = [line.split() for line in text(drawn, WIDE).splitlines() if line.split()[:1] in (["5"], ["certified"])]
    assert row == ["5", "12+", *cell.split()]
    assert last == ["certified", "-"]


def test_the_figure_is_the_map_with_its_boundaries() -> None:
    (chart,) = charts(found())
    assert chart.map is not None
    assert (chart.map.x, chart.map.y) == ((16.0, 32.0), (3.0, 6.0, 12.0))
    for spot in found().spots:
        value = chart.map.values[(3, 6, 12).index(spot.d)][(16, 32).index(spot.n)]
        assert value == gain(spot.draws)
    labels = [series.label for series in chart.series]
    assert labels[:2] == ["certified above, with probability 1/2", "the limiting spectra cross"]
    assert chart.series[1].x == (crossing(5),)
    assert (chart.xscale, chart.yscale) == ("log", "log")
    (sphere,) = charts(found("normalised", "ntk"))
    assert [series.label for series in sphere.series] == ["critical dimension 3, $n\\to\\infty$"]
    assert "Hatched" in charts(made("12+", "?"))[0].note


def test_certified_cells_are_marked() -> None:
    spots = [
        replace(spot, draws=tuple(replace(cell, tops=tops) for cell in spot.draws))
        for spot, tops in zip(made("12+", "12+").spots, (1.9, 2.1), strict=True)
    ]
    marks = charts(replace(made("12+", "12+"), spots=tuple(spots)))[0].series[-1]
    assert marks.label.startswith("certified: ")
    # the certificate is tops times 0.5, the least norm
    assert (marks.x, marks.y) == ((5.0,), (5.0,))


def test_the_record() -> None:
    record = found().as_json(charts(found()))
    assert (record["schema"], record["schema_version"], record["draws"]) == ("glutheory.phase", 1, 2)
    assert len(record["cells"]) == 6
    assert record["cells"][0]["draws"][0]["plain"]["value"] == found().spots[0].draws[0].plain.value
    text_ = json.dumps(made("∞+", "~", "?").as_json(), allow_nan=False)
    states = [cell["state"] for cell in json.loads(text_)["cells"]]
    assert states == ["helps", "draws differ", "not resolved"]
