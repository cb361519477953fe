"""The claim on depth: its evidence on small stacks, wrong laws, and matrices that are not what they are said to be."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from checks.claims.depth import evidence, limits, plan, plane, statement, unnormed
from checks.claims.depth.certificate import entries
from checks.claims.depth.figure import charts
from checks.claims.depth.law import LAW, MUTANTS
from checks.claims.depth.plan import Sizes
from checks.settings import Settings
from checks.tools import deep_spectra
from checks.tools.deep_kernels import Block, flow, numbers
from checks.tools.deep_spectra import Cell
from derivations.proofs import depth as script
from glutheory.claims import Finding, Grade, Verdict
from glutheory.networks import GATES

SETTINGS = Settings()
SMALL = Sizes(
    ((24, 12), (181, 32)), ("reglu", "swiglu", "glu"), (1, 8), (1, 4, 24), (40, 12), (20, 8), (16, 64, 256), 400
)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan, "QUICK", SMALL)


def test_the_constant_of_relu_is_that_of_the_matrix() -> None:
    x, n = float(script.SHARED), 50
    values = np.linalg.eigvalsh((1 - x) * np.eye(n) + x)
    assert values[-1] / values[0] == pytest.approx((n + 3) / 3, rel=1e-13)


def test_relu_shares_a_quarter_whatever_the_angle() -> None:
    """Off/diagonal within 10/L of 1/4 for three pairs at 2000 blocks; the correction is (ln L)/L."""
    pairs = np.array([-0.9, 0.3, 0.6, 1.0])
    (found,) = (deep.ntk for _, deep in flow(Block("reglu", False), pairs, (2000,), residual=False))
    assert np.all(np.abs(found[:3] / found[3] - 0.25) < 10 / 2000)


@pytest.mark.parametrize("gate", ["reglu", "swiglu", "glu", "gtu"])
def test_gated_pairs_lose_each_other_and_plain_ones_only_where_the_slope_is_above_one(gate: str) -> None:
    pairs = np.array([0.5, 1.0])
    shares = {
        gated: [float(d.ntk[0] / d.ntk[1]) for _, d in flow(Block(gate, gated), pairs, (30, 300), residual=False)]
        for gated in (False, True)
    }
    assert shares[True][1] < 1e-10
    plain = shares[False]
    assert {"reglu": 0.2 < plain[1] < 0.3, "glu": plain[1] > 1 - 1e-9}.get(gate, plain[1] < 1e-6)


def test_without_a_mean_there_is_no_logarithm() -> None:
    """Off/diagonal times L^(1 + χ) of tanh's gate: constant, where ln L grows by 1.4 from 1000 to 16,000 blocks."""
    pairs, power = np.array([0.5, 1.0]), 1 + numbers(GATES["gtu"]).slope
    depths = (1000, 16_000)
    found = flow(Block("gtu", True), pairs, depths)
    first, last = (float(d.ntk[0] / d.ntk[1]) * L**power for L, (_, d) in zip(depths, found, strict=True))
    assert last == pytest.approx(first, rel=0.02)
    wrong = MUTANTS["a logarithm for tanh as well"]
    for law, said in ((LAW, True), (wrong, False)):
        (row,) = limits._logarithm(law, 400)
        assert (abs(row[1] - row[2]) <= row[3]) is said


@pytest.mark.parametrize(
    ("left", "right", "rho"), [(0.3, 0.3, 1.0), (0.1, 40.0, 0.7), (2.0, 9.0, -0.999), (5.0, 5.0, 0.0)]
)
def test_moments_in_the_plane(left: float, right: float, rho: float) -> None:
    """E sin u sin v = e^(−(q+q′)/2) sinh c, cosh for cosines: both of order 1 at most, sums of rounded terms."""
    c = rho * math.sqrt(left * right)
    ends = [math.exp(sign * c - (left + right) / 2) / 2 for sign in (1, -1)]
    assert plane.mean(np.sin, left, right, c) == pytest.approx(ends[0] - ends[1], abs=1e-14)
    assert plane.mean(np.cos, left, right, c) == pytest.approx(ends[0] + ends[1], abs=1e-14)


class TestEvidence:
    @pytest.mark.slow
    @pytest.mark.usefixtures("small")
    def test_the_right_law(self) -> None:
        cells, far, rows = plan.sphere(SETTINGS), plan.deep(SETTINGS), plan.other(SETTINGS)
        long = [*far, *(cell for cell in cells if cell.norm and not cell.residual)]
        for piece in (
            limits.limits(LAW, SMALL.gates, SMALL.single),
            evidence.spectra(LAW, cells),
            evidence.gain(LAW, long),
            evidence.rows_of(LAW, rows),
            unnormed.unnormed(LAW, plan.unnormed(SETTINGS)),
        ):
            assert (piece.finding, piece.grade) == (Finding.SUPPORTS, Grade.NUMERICAL), piece.figures
            json.dumps(piece.figures, allow_nan=False)
        for chart in charts(cells, far, rows):
            assert chart.note
            assert all(min(series.y) > 0 for series in chart.series)

    @pytest.mark.long
    @pytest.mark.usefixtures("small")
    @pytest.mark.parametrize(
        ("label", "part"),
        [
            ("a block's own weights count once", "spectra"),
            ("a block weighs as much as the stream", "spectra"),
            ("plain and gated exchanged", "spectra"),
            ("with residuals as without", "spectra"),
            ("a gate adds two degrees", "other rows"),
            ("the kernel passes a block unchanged", "other rows"),
            ("the gain grows at every depth", "gain"),
            ("the gain has a maximum for every gate", "gain"),
            ("deep ReLU kernels share a third", "limits"),
            ("a gate leaves the slope at 1", "limits"),
            ("a gated map has the slope sqrt(mu) at 0", "limits"),
            ("norms do not matter", "without norms"),
            ("without norms a gate adds two powers", "without norms"),
            ("without norms bounded gates are like the others", "without norms"),
            ("without norms every gate loses", "without norms"),
            ("without norms no gate loses", "without norms"),
        ],
    )
    def test_wrong_laws_are_refuted_where_they_are_wrong(self, label: str, part: str) -> None:
        law = MUTANTS[label]
        cells = plan.sphere(SETTINGS)
        pieces = {
            "spectra": lambda: evidence.spectra(law, cells),
            "gain": lambda: evidence.gain(
                law, [*plan.deep(SETTINGS), *(c for c in cells if c.norm and not c.residual)]
            ),
            "limits": lambda: limits.limits(law, SMALL.gates, SMALL.single),
            "other rows": lambda: evidence.rows_of(law, plan.other(SETTINGS)),
            "without norms": lambda: unnormed.unnormed(law, plan.unnormed(SETTINGS)),
        }
        assert pieces[part]().finding is Finding.REFUTES

    @pytest.mark.long
    @pytest.mark.usefixtures("small")
    def test_matrices_of_the_partner_are_noticed(self, monkeypatch: pytest.MonkeyPatch) -> None:
        right = deep_spectra.measured

        def swapped(cell: Cell) -> tuple[deep_spectra.Ends, ...]:
            from dataclasses import replace

            return right(replace(cell, block=replace(cell.block, gated=not cell.block.gated)))

        monkeypatch.setattr(evidence, "measured", swapped)
        assert evidence.spectra(LAW, plan.sphere(SETTINGS)).finding is Finding.REFUTES
        assert evidence.rows_of(LAW, plan.other(SETTINGS)).finding is Finding.REFUTES

    def test_without_matrices_nothing_is_said(self) -> None:
        assert evidence.gain(LAW, ()).finding is Finding.UNDECIDED
        assert unnormed.unnormed(LAW, ()).finding is Finding.UNDECIDED


@pytest.mark.slow
@pytest.mark.parametrize("label", [name for name, law in MUTANTS.items() if law.rule != LAW.rule or law.exchanged])
def test_enclosures_refute_wrong_recursions(label: str) -> None:
    assert entries(MUTANTS[label], SETTINGS).finding is Finding.REFUTES


@pytest.mark.slow
def test_the_quick_profile() -> None:
    found = statement.run(SETTINGS)
    assert all(control.caught for control in found.controls), found.controls
    assert all(assumption.holds for assumption in found.assumptions), found.assumptions
    assert (found.verdict, found.grade) == (Verdict.HOLDS, "numerical")
    assert all(piece.finding is Finding.SUPPORTS for piece in found.evidence)
    assert math.isclose(found.false_alarm, 0.0)
