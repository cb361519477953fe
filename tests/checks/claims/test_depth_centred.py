"""The claim on centred stacks: two of the four kernels by hand, evidence on small stacks, and wrong laws."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from checks.claims.depth_centred import evidence, four, limits, statement
from checks.claims.depth_centred.figure import charts
from checks.claims.depth_centred.four import Sizes
from checks.claims.depth_centred.law import LAW, MUTANTS
from checks.settings import Settings
from checks.tools.centred_gains import Logs
from checks.tools.deep_kernels import Block, flow
from glutheory.claims import Finding, Grade, Verdict

SETTINGS = Settings()
SMALL = Sizes(((24, 12), (181, 32)), ("reglu", "swiglu"), (1, 8), (1, 16), (40, 12), 400)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(four, "QUICK", SMALL)


def test_one_centred_relu_block_by_hand() -> None:
    """K_c = (S − 1/(2π) + ρT)·2/(1/2 − 1/(2π)), with the arc-cosine kernels of Cho and Saul."""
    rho = np.array([-0.4, 0.1, 0.8])
    theta = np.arccos(rho)
    S = (np.sin(theta) + (np.pi - theta) * rho) / (2 * np.pi)
    T = (np.pi - theta) / (2 * np.pi)
    mean = 1 / (2 * np.pi)
    ((_, deep),) = flow(Block("reglu", False, True), rho, (1,), residual=False)
    assert deep.ntk == pytest.approx(2 / (0.5 - mean) * (S - mean + rho * T), rel=1e-13)


def test_the_parts_add_up() -> None:
    logs = Logs(*map(math.log, (100.0, 20.0, 5.0, 4.0)))
    assert logs.mean + logs.shift == pytest.approx(logs.gain, rel=1e-14)
    assert logs.share == pytest.approx(math.log(5) / math.log(20), rel=1e-14)


@pytest.mark.long
def test_centred_pairs_lose_each_other_later_than_gated_ones() -> None:
    pairs = np.array([0.5, 1.0])
    for gate in four.GATES_SHOWN:
        blocks = (Block(gate, False, True), Block(gate, True))
        centred, gated = (
            [float(d.ntk[0] / d.ntk[1]) for _, d in flow(block, pairs, (20, 400), residual=False)] for block in blocks
        )
        assert centred[0] > gated[0]
        assert centred[1] < 1e-6


def test_the_share_of_the_sigmoid_is_looked_at() -> None:
    """Below χ = 1 the plain condition number grows by 1/χ a block; 1 − share falls like the inverse of the depth."""
    wrong = MUTANTS["half of the gain is the mean in the limit"]
    for law, said in ((LAW, True), (wrong, False)):
        (row,) = limits._shares(law, "glu", 332, 48)
        assert row[0].startswith("sigmoid")
        assert (abs(row[1] - row[2]) <= row[3]) is said


class TestEvidence:
    @pytest.mark.slow
    @pytest.mark.usefixtures("small")
    def test_the_right_law(self) -> None:
        cells, rows = four.sphere(SETTINGS), four.other(SETTINGS)
        for piece in (
            limits.limits(LAW, SMALL.gates, SMALL.single, SMALL.sphere[-1]),
            limits.one_block(LAW, rows),
            evidence.shares(LAW, cells),
            evidence.rows_of(LAW, rows),
        ):
            assert (piece.finding, piece.grade) == (Finding.SUPPORTS, Grade.NUMERICAL), piece.figures
            json.dumps(piece.figures, allow_nan=False)
        parts = evidence.parts(LAW, cells)
        # the margin is for n of 300 and more: here only that they are near
        worst = parts.figures["worst at the largest size"]
        assert isinstance(worst, list)
        assert max(map(abs, worst[1:])) < 0.3
        for chart in charts(cells, rows):
            assert chart.note

    @pytest.mark.long
    @pytest.mark.usefixtures("small")
    @pytest.mark.parametrize(
        ("label", "part"),
        [
            ("half of the mean subtracted", "other rows"),
            ("twice the mean subtracted", "other rows"),
            ("nothing subtracted", "two layers"),
            ("a kernel with the mean taken for the centred one", "other rows"),
            ("a block's own weights count once", "parts"),
            ("plain and gated exchanged", "parts"),
            ("the two parts exchanged", "parts"),
            ("centring leaves the slope at 1", "limits"),
            ("half of the gain is the mean in the limit", "limits"),
            ("centring gains on all data", "other rows"),
            ("one block has its own weights once", "two layers"),
        ],
    )
    def test_wrong_laws_are_refuted_where_they_are_wrong(self, label: str, part: str) -> None:
        law = MUTANTS[label]
        cells, rows = four.sphere(SETTINGS), four.other(SETTINGS)
        pieces = {
            "limits": lambda: limits.limits(law, SMALL.gates, SMALL.single, SMALL.sphere[-1]),
            "two layers": lambda: limits.one_block(law, rows[:1]),
            "parts": lambda: evidence.parts(law, cells),
            "other rows": lambda: evidence.rows_of(law, rows),
        }
        found = pieces[part]()
        assert found.finding is Finding.REFUTES
        if part == "parts":
            worst = found.figures["worst at the largest size"]
            assert isinstance(worst, list)
            # not the small size, but the law: beyond what the right one is off by
            assert max(map(abs, worst[1:])) > 0.3


@pytest.mark.slow
@pytest.mark.parametrize("label", [name for name, law in MUTANTS.items() if not law.usual])
def test_enclosures_refute_wrong_recursions(label: str) -> None:
    assert limits.entries(MUTANTS[label], SETTINGS).finding is Finding.REFUTES


@pytest.mark.slow
def test_the_quick_profile() -> None:
    found = statement.run(SETTINGS)
    assert all(control.caught for control in found.controls), found.controls
    assert all(assumption.holds for assumption in found.assumptions), found.assumptions
    assert (found.verdict, found.grade) == (Verdict.HOLDS, "numerical")
    assert all(piece.finding is Finding.SUPPORTS for piece in found.evidence)
