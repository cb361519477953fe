"""Where a hypothesis of a script fails, its sentence does: angles beyond a right one, parallel rows, a cap."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pytest

from checks.tools import deep_pairs
from checks.tools.deep_kernels import Block, flow
from checks.tools.deep_spectra import Cell
from derivations import catalog
from tests.data_sets import Array, beside, cap, even_parity, named

# ---------------------------------------------------------------- decorrelation: acute angles


def plain_and_gated(theta: float, slope: float = 0.0) -> tuple[float, float]:
    """K and K̃ over their diagonals, r = 1, of leaky ReLU: φ = αz + β|z|, its S and T by the arc-cosine kernels."""
    alpha, beta = (1 + slope) / 2, (1 - slope) / 2
    bend = 2 * beta**2 / (math.pi * (alpha**2 + beta**2))
    rho, T = math.cos(theta), 1 - bend * theta
    S = rho * T + bend * math.sin(theta)
    return (S + rho * T) / 2, rho * (2 * S + rho * T) / 3


@pytest.mark.parametrize("slope", [0.0, 0.2])
def test_beyond_the_exact_angle_pairs_move_apart_up_to_a_right_angle(slope: float) -> None:
    angles = np.radians(np.linspace(0.1, 90, 400))
    closer = np.array([gated > plain for plain, gated in (plain_and_gated(theta, slope) for theta in angles)])
    # closer up to θ*, apart from there on: one change
    assert closer[0]
    assert np.count_nonzero(np.diff(closer)) == 1
    if not slope:
        last = math.degrees(angles[np.flatnonzero(closer)[-1]])
        # θ* = 0.1078, and the grid is 0.23° wide
        assert last == pytest.approx(math.degrees(0.1078), abs=0.25)


def test_at_obtuse_angles_relu_brings_some_pairs_closer_again() -> None:
    found = {degrees: plain_and_gated(math.radians(degrees)) for degrees in (100, 125, 135, 150)}
    assert found[135] == pytest.approx((-0.0642, 0.0189), abs=1e-4)
    assert [gated > plain for plain, gated in found.values()] == [False, True, True, True]
    (step,) = [step for step in catalog.load("decorrelation").steps if step.name == "the exact angle"]
    assert "all others" not in step.rule
    assert r"(0, \tfrac\pi2)" in step.statement


# ---------------------------------------------------------------- depth: no two rows parallel or opposite


@dataclass(frozen=True)
class Fate:
    """Of the first row beside another in a deep stack without residuals: k over its diagonal.

    Attributes:
        block: the stack.
        parallel, opposite: the limit for such a pair.
        others: the limit for all other pairs.
    """

    block: Block
    parallel: float
    opposite: float
    others: float

    @property
    def name(self) -> str:
        return f"{self.block.title}"


#: By parity: f(−1) is −1 for odd φ, and F(−1) = −f(−1); ReLU's f(−1) is 0.
FATES = (
    Fate(Block("reglu", False), 1, 1 / 4, 1 / 4),
    Fate(Block("reglu", True), 1, 0, 0),
    Fate(Block("gtu", False), 1, -1, 0),
    Fate(Block("gtu", True), 1, 1, 0),
    Fate(Block("bilinear", True), 1, 1, 0),
    Fate(Block("swiglu", True), 1, 0, 0),
    Fate(Block("swiglu", False), 1, 0, 0),
    Fate(Block("reglu", False, True), 1, 0, 0),
)
#: Blocks, and what 1/4 is off by: less than 10/L.
BLOCKS = 600


def shares(block: Block, X: Array) -> Array:
    """K over its diagonal after many blocks without residuals."""
    U = X / np.linalg.norm(X, axis=1, keepdims=True)
    # the families have few cosines, each rounded a few times
    rho, places = np.unique(np.round(np.clip(U @ U.T, -1, 1), 12), return_inverse=True)
    ((_, deep),) = flow(block, rho, (BLOCKS,), residual=False)
    return np.asarray((deep.ntk / deep.ntk[-1])[places].reshape(len(U), -1))


@pytest.mark.parametrize("fate", FATES, ids=lambda fate: fate.name)
@pytest.mark.parametrize("rows", ["even parity", "simplex", "acute", "orthogonal"])
def test_limits_of_condition_numbers_need_rows_that_are_not_parallel(fate: Fate, rows: str) -> None:
    """On families without antipodes: the limit, and what one row more does to it that is a multiple of the first."""
    X = even_parity(5) if rows == "even parity" else named(rows, 4)
    n, tolerance = len(X), 10 / BLOCKS if fate.others else 1e-6
    found = shares(fate.block, X)
    assert found[~np.eye(n, dtype=bool)] == pytest.approx(fate.others, abs=tolerance)
    values = np.linalg.eigvalsh(found)
    limit = 1 + n * fate.others / (1 - fate.others)
    # entries off by e move eigenvalues by n e at most
    assert values[-1] / values[0] == pytest.approx(limit, rel=4 * n * tolerance)
    for factor, share in ((1.0, fate.parallel), (2.5, fate.parallel), (-1.0, fate.opposite)):
        more = shares(fate.block, beside(X, factor))
        assert more[0, -1] == pytest.approx(share, abs=tolerance)
        least = np.linalg.eigvalsh(more)[0]
        # singular up to rounding where the two are one up to sign, and else not
        assert (least < 1e-9) == (abs(share) == 1)


@pytest.mark.parametrize("name", ["cross-polytope", "polygon"])
def test_opposite_rows_leave_relu_its_limit_and_tanh_singular(name: str) -> None:
    X = named(name, 4)
    relu, tanh = (shares(Block(gate, False), X) for gate in ("reglu", "gtu"))
    assert relu[~np.eye(len(X), dtype=bool)] == pytest.approx(1 / 4, abs=10 / BLOCKS)
    assert np.min(tanh) == pytest.approx(-1, abs=1e-12)
    assert np.linalg.eigvalsh(tanh)[0] < 1e-9


@pytest.mark.parametrize(("factor", "holds"), [(1.0, False), (-1.0, False), (3.0, False), (None, True)])
def test_the_claims_on_depth_do_not_hold_their_assumption_on_parallel_rows(
    factor: float | None, holds: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    X = named("acute", 3)
    rows = X if factor is None else beside(X, factor)
    monkeypatch.setattr(Cell, "rows", lambda _: rows)
    cell = Cell("sphere", Block("reglu", False), len(rows), 3, 0, (1,))
    assert deep_pairs.distinct((cell,)).holds is holds


@pytest.mark.parametrize(
    ("script", "step"),
    [("depth", "ReLU: the marginal case"), ("depth_limit", "the NTK"), ("depth_limit", "ReLU's NTK")],
)
def test_the_sentences_say_so(script: str, step: str) -> None:
    (found,) = [one for one in catalog.load(script).steps if one.name == step]
    assert "no two rows parallel" in found.statement.replace("\n", " ")


# ---------------------------------------------------------------- phases: uniform directions


def top(U: Array) -> float:
    """λ_1(K)/λ_1(K̃) of ReLU in the wide limit on the sphere, κ and ρκ."""
    theta = np.arccos(np.clip(U @ U.T, -1, 1))
    kappa = (np.sin(theta) + (np.pi - theta) * np.cos(theta)) / (2 * np.pi)
    return float(np.linalg.eigvalsh(kappa)[-1] / np.linalg.eigvalsh(kappa * np.cos(theta))[-1])


@pytest.mark.parametrize("d", [3, 5])
def test_the_quotient_of_the_tops_needs_uniform_directions(d: int) -> None:
    """4d²m_d² for uniform directions; a cap has κ(1)/κ(1) = 1 as its width tends to 0."""
    rng, n = np.random.default_rng(5), 800
    mean = math.gamma(d / 2) / (2 * math.sqrt(math.pi) * math.gamma((d + 1) / 2))
    limit = 4 * d**2 * mean**2
    uniform = rng.standard_normal((n, d))
    # sampling moves the tops by a few times 1/√n
    assert top(uniform / np.linalg.norm(uniform, axis=1, keepdims=True)) == pytest.approx(limit, rel=4 / math.sqrt(n))
    for rows in (rng.standard_normal((n, d - 1)), named("hypercube", d - 1)):
        tight = cap(rows, 0.1)
        quotient = top(tight / np.linalg.norm(tight, axis=1, keepdims=True))
        # 1 + O(width²): all cosines are above 1 − 2 · 0.1²
        assert 1 <= quotient < 1 + 4 * 0.1**2
        assert quotient < limit / 2
    (step,) = [step for step in catalog.load("phase_boundary").steps if step.name == "the sphere"]
    assert "uniform" in step.statement
