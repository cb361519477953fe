"""The study of depth: its numbers are those of the kernels, its page and its figure say them."""

from __future__ import annotations

import json
import math
import re

import numpy as np
import pytest

import glutheory as glu
from glutheory.errors import DomainError
from glutheory.studies.depth import charts, depth_study, text
from glutheory.terminal import Terminal

X = np.random.default_rng(3).standard_normal((30, 8))


@pytest.fixture(scope="module")
def study():
    return depth_study(["silu", "swiglu", "relu"], X, [1, 2, 8], data="thirty rows")


def test_the_numbers_are_those_of_the_kernels(study) -> None:
    item = study.networks[1]
    assert (item.network, item.gated, study.blocks) == ("swiglu", True, (1, 2, 8))
    nngp, ntk = glu.gram(glu.stack("swiglu", 8), X, kind="both")
    values = np.linalg.eigvalsh(ntk)[::-1]
    deep = item.depths[2]
    assert (deep.largest, deep.second, deep.smallest) == pytest.approx((values[0], values[1], values[-1]), rel=1e-12)
    assert deep.condition.value == pytest.approx(values[0] / values[-1], rel=1e-12)
    root = np.sqrt(np.diagonal(nngp))
    assert deep.correlation == pytest.approx(np.mean((nngp / root / root[:, None])[~np.eye(30, dtype=bool)]), rel=1e-12)


def test_pairs_are_found_by_what_networks_are(study) -> None:
    (pair,) = study.pairs
    assert (pair.plain, pair.gated) == ("silu", "swiglu")
    plain, gated = study.networks[:2]
    ratio = plain.depths[2].condition.value / gated.depths[2].condition.value
    assert pair.ratios[2] == pytest.approx(ratio)
    assert pair.ratios[2] > pair.ratios[0] > 1


def test_the_page_has_every_depth_and_says_where_correlations_go(study) -> None:
    page = text(study, Terminal())
    for word in ("thirty rows", "RMSNorm", "silu/swiglu", "cond/cond goes from", "ρ = 0 attracts", "is marginal"):
        assert word in page
    assert all(len(line) <= 100 for line in page.splitlines())
    assert text(study, Terminal(unicode=False)).isascii()


def test_a_correlation_below_its_error_is_a_bound() -> None:
    study = depth_study(["swiglu"], X, [1, 64], residual=False)
    shallow, deep = study.networks[0].depths
    # a gate brings correlations down by (E φ)²/E φ² = 0.12 a block: after 64 of them 1e-59, where entries have 1e-16
    assert abs(deep.correlation) < 1e-15 < deep.correlation_error < 1e-12 < shallow.correlation
    last = next(line for line in text(study, Terminal()).splitlines() if line.startswith("64"))
    assert re.search(r" ≤ \d\.\de-13$", last), last


def test_a_gain_that_is_largest_between_the_depths_is_told() -> None:
    page = " ".join(text(depth_study(["relu", "reglu"], X, [1, 8, 64], residual=False), Terminal()).split())
    assert re.search(r"at 1 block to \S+ at 64, and is largest, \S+, at 8\.", page), page
    page = " ".join(text(depth_study(["relu", "reglu"], X, [1, 2, 4], residual=False), Terminal()).split())
    assert "is largest" not in page  # it grows up to the last of these


def test_the_figure_and_the_record(study) -> None:
    panels = charts(study)
    assert [panel.yscale for panel in panels] == ["log", "log", "log", "log", "linear"]
    assert panels[2].series[0].y == study.pairs[0].ratios
    assert len(charts(depth_study(["silu"], X, [1]))) == 4
    # three eigenvalues of each network; beside three correlations the two fixed points that attract
    assert [series.y[2] for series in panels[3].series[3:6]] == [
        getattr(study.networks[1].depths[2], name) for name in ("largest", "second", "smallest")
    ]
    assert [series.y[0] for series in panels[4].series[3:]] == [
        point.rho for item in study.networks for point in item.fixed_points if point.stable
    ]
    assert panels[0].series[1].y[2] == study.networks[1].depths[2].condition.value
    record = json.loads(json.dumps(study.as_json(panels)))
    assert record["schema"] == "glutheory.depth"
    assert record["networks"][2]["fixed_points"] == [{"rho": 1.0, "slope": pytest.approx(1)}]
    assert len(record["pairs"][0]["ratios"]) == 3


def test_a_linear_block_keeps_every_correlation() -> None:
    found = depth_study(["identity", "bilinear"], X[:4], [1, 3], residual=False)
    linear, gated = found.networks
    assert linear.fixed_points == ()
    assert linear.keeps_correlations
    assert linear.depths[1].correlation == pytest.approx(linear.depths[0].correlation, abs=1e-14)
    assert not gated.keeps_correlations
    assert "identity: a linear block keeps every correlation as it is." in text(found, Terminal())


def test_without_norms_there_is_no_map_and_bounds_are_bounds() -> None:
    twice = np.vstack([X[:4], X[0] + 1e-9])
    found = depth_study(["identity", "bilinear"], twice, [1, 3], norm=None)
    assert all(not item.fixed_points for item in found.networks)
    assert not any(item.keeps_correlations for item in found.networks)
    page = text(found, Terminal())
    assert "no norm" in page
    assert "≥" in page
    assert math.isnan(found.pairs[0].ratios[0])
    assert "not known at any depth" in page


@pytest.mark.parametrize("residual", [True, False])
def test_without_norms_depths_beyond_float64_are_left_out(residual: bool) -> None:
    found = depth_study(["relu", "reglu"], X, [1, 2, 4, 40, 64], norm=None, residual=residual)
    plain, gated = found.networks
    assert [depth.blocks for depth in plain.depths] == list(found.blocks) == [1, 2, 4, 40, 64]
    assert [depth.blocks for depth in gated.depths] == [1, 2, 4]
    assert (plain.beyond, gated.beyond) == (None, 40)
    for depth in gated.depths:
        values = np.linalg.eigvalsh(glu.gram(glu.stack("reglu", depth.blocks, norm=None, residual=residual), X))
        assert depth.largest == pytest.approx(values[-1], rel=1e-12)
    assert [math.isnan(ratio) for ratio in found.pairs[0].ratios[-2:]] == [True, True]
    page = text(found, Terminal())
    assert "reglu: from 40 blocks on its variances leave float64" in page
    assert page.count("–") >= 6
    assert len(charts(found)[0].series[1].x) == 3
    with pytest.raises(DomainError, match=r"reglu x 64, no norm, residual leave|reglu. is not finite at depth 64"):
        depth_study(["reglu"], X, [64], norm=None, residual=residual)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: depth_study(["relu"], X, []), "layers is []"),
        (lambda: depth_study(["relu"], X, [0, 3]), "layers is 0 to 3: give numbers of blocks from 1 to 10,000"),
        (lambda: depth_study(["relu"], np.ones((5000, 2)), [1]), "n is 5000"),
        (lambda: depth_study(["step"], X, [1]), "an activation jumps"),
        (lambda: depth_study(["relu"], np.vstack([X, 0 * X[:1]]), [1]), "X has the zero row 30"),
    ],
)
def test_bad_input_is_one_sentence(call, said: str) -> None:
    with pytest.raises(DomainError) as error:
        call()
    assert said in str(error.value)
