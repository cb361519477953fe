"""What a study of spectra shows: page, JSON, figures, numbers in columns."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import pytest

from glutheory.commands.data import draw_rows
from glutheory.figures.chart import Chart, Role
from glutheory.studies.spectrum import charts
from glutheory.studies.spectrum.study import SpectrumStudy, spectrum_study
from glutheory.studies.spectrum.text import text
from glutheory.terminal import Terminal, columns, number, wide
from tests.studies.spectra import SETTING, rows


@pytest.fixture(scope="module")
def study() -> SpectrumStudy:
    X = draw_rows("gaussian", 60, 12, 0).X
    return spectrum_study(["relu", "reglu", "silu", "swiglu", "tanh"], X, data="60 rows")


@pytest.mark.parametrize("unicode", [True, False])
@pytest.mark.parametrize("columns", [60, 80, 100])
def test_the_page_fits_and_shows_the_numbers(study: SpectrumStudy, unicode: bool, columns: int) -> None:
    page = text(study, Terminal(width=columns, unicode=unicode))
    assert page.isascii() is not unicode
    assert max(map(wide, page.splitlines())) <= columns
    lines = [line.split() for line in page.splitlines()]
    name = "λ" if unicode else "lambda"
    for rank in (1, 2, 3, 6, 15, 30, 45, 54, 58, 59, 60):
        (*tables,) = (line for line in lines if line[:1] == [f"{name}_{rank}"])
        cells = [
            cell for line in tables for cell in line[1:] if cell not in ("of", "the", "ranks)") and "%" not in cell
        ]
        own = [item.values[rank - 1] for item in study.networks]
        with_theory = rank in (1, 2, 60)
        # relu and reglu have a prediction in the next column
        shown = [cells[i] for i in (0, 2, 4, 5, 6)] if with_theory else cells
        assert [float(cell) for cell in shown] == pytest.approx(own, rel=5e-4)
    conditions = [cell for line in lines if line[:3] == ["cond", "=", f"{name}_1/{name}_n"] for cell in line[3:]]
    assert float(conditions[0]) == pytest.approx(study.networks[0].condition.value, rel=5e-4)
    assert study.networks[0].theory is not None
    assert float(conditions[1]) == pytest.approx(study.networks[0].theory.condition, rel=5e-3)


def test_few_rows_are_all_shown() -> None:
    page = text(spectrum_study(["relu"], rows("fresh")[:2]), Terminal())
    assert [line.split()[0] for line in page.splitlines() if line.startswith("λ_")] == ["λ_1", "λ_2"]
    eleven = text(spectrum_study(["relu"], rows("fresh")[:11]), Terminal())
    assert sum(line.startswith("λ_") for line in eleven.splitlines()) == 11


def test_json_holds_everything(study: SpectrumStudy) -> None:
    content = json.loads(json.dumps(study.as_json(charts(study)), allow_nan=False))
    assert list(content) == [
        "schema", "schema_version", "package_version", "gram", "setting", "networks", "pairs", "otherwise", "charts",
    ]  # fmt: skip
    assert (content["schema"], content["schema_version"]) == ("glutheory.spectrum", 1)
    assert content["setting"] == {
        "data": "60 rows", "n": 60, "d": 12, "kind": "ntk", "parametrization": "standard", "width": 4096,
    }  # fmt: skip
    first, third = content["networks"][0], content["networks"][2]
    assert set(first) == {
        "network", "gated", "plain", "condition", "second_over_last", "outliers", "bulk_condition", "effective_rank",
        "participation_ratio", "log_spread", "resolved", "error", "theory", "no_theory", "eigenvalues",
    }  # fmt: skip
    assert first["eigenvalues"] == study.networks[0].values.tolist()
    assert set(first["condition"]) == {"value", "low", "high", "is_bound", "reason"}
    assert (first["no_theory"], third["theory"]) == (None, None)
    assert third["no_theory"] == "activations that are not homogeneous need rows of norms near √d"
    assert set(content["pairs"][0]) == {"plain", "gated", "ratio", "low", "high", "bulk_ratio"}
    assert [Chart.from_json(row) for row in content["charts"]] == list(charts(study))


def test_the_figure(study: SpectrumStudy) -> None:
    ranked, relative = charts(study)
    roles = [series.role for series in ranked.series]
    assert roles == [Role.PLAIN, Role.GATED, Role.PLAIN, Role.GATED, Role.PLAIN, Role.THEORY, Role.THEORY]
    relu = study.networks[0]
    assert ranked.series[0].y[0] == relu.values[0]
    assert ranked.series[0].y[-1] == relu.values[-1]
    assert relu.theory is not None
    assert ranked.series[5].y == (relu.theory.largest, relu.theory.second, relu.theory.smallest)
    assert relative.series[0].y[0] == pytest.approx(relu.condition.value)
    assert relative.series[0].y[-1] == 1
    assert (ranked.yscale, relative.yscale) == ("log", "log")


def test_a_figure_of_what_is_not_resolved() -> None:
    zero = charts(spectrum_study(["relu"], rows("all zero")))
    assert len(zero) == 1
    assert zero[0].series[0].label == "no eigenvalue is resolved"
    line = charts(spectrum_study(["relu"], rows("line")))
    assert len(line) == 1
    assert "Not shown: up to 10 eigenvalues below their error." in line[0].note


def test_progress_is_told() -> None:
    steps: list[tuple[int, str]] = []
    spectrum_study(["relu", "reglu"], rows("fresh"), advance=lambda count, name: steps.append((count, name)))
    assert steps == [(0, "relu"), (1, ""), (0, "reglu"), (1, "")]


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0.25, "0.2500"),
        (45.0, "45.00"),
        (2520.4, "2520"),
        (43256.0, "4.326e4"),
        (1.5e-15, "1.500e-15"),
        (-0.0, "0"),
        (math.inf, "inf"),
        (-math.inf, "-inf"),
        (math.nan, "–"),
    ],
)
def test_numbers_are_short(value: float, shown: str) -> None:
    assert number(value) == shown


def test_columns_are_aligned_by_what_is_seen() -> None:
    lines = columns([["a", "K̃"], [], ["bb", "10"]], Terminal())
    assert lines == ["a     K̃", "", "bb   10"]
    assert [wide(line) for line in lines] == [7, 0, 7]


def test_the_setting_names_its_matrices() -> None:
    assert [SETTING.symbol(gated) for gated in (False, True)] == ["K", "K̃"]
    assert [replace(SETTING, kind="nngp").symbol(gated) for gated in (False, True)] == ["Σ", "Σ̃"]
