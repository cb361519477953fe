"""Claims measured on one's own rows: every claim has a measurement or a reason, and the numbers are right."""

from __future__ import annotations

import math
import warnings
from functools import lru_cache
from pathlib import Path
from typing import Any

import mpmath
import numpy as np
import pytest
from click.testing import CliRunner

import glutheory as glu
from checks.__main__ import main
from checks.catalog import choose, claims, modules
from checks.claims.decomposition.linear_errors import Law, errors
from checks.claims.depth_centred import four
from checks.claims.depth_centred.law import LAW as CENTRED
from checks.own import orders
from checks.own.measure import normed
from checks.own.page import MEASURES, WITHOUT, page
from checks.tools.deep_kernels import Block
from checks.tools.deep_spectra import Cell
from checks.tools.spectral_grid import inputs
from glutheory.commands.data import DataRows, draw_rows
from glutheory.errors import DomainError, GlutheoryError, UnknownNameError
from glutheory.layers import Stack
from glutheory.terminal import Terminal

X = np.random.default_rng(1).standard_normal((40, 7))
Y = np.random.default_rng(2).standard_normal(40)


def measured(name: str, rows: np.ndarray, y: np.ndarray | None = None) -> dict[str, tuple[Any, ...]]:
    """The table, by the names of its rows."""
    return {row[0]: row[1:] for row in MEASURES[name].rows(MEASURES[name].taken(rows), y)}


@lru_cache(maxsize=64)
def table(name: str) -> dict[str, tuple[Any, ...]]:
    """The measurement on these rows and targets."""
    return measured(name, X, Y)


def run(*arguments: str) -> tuple[int, str]:
    found = CliRunner().invoke(main, list(arguments))
    return found.exit_code, found.output


def values(name: str | Stack, rows: np.ndarray = X, **options: Any) -> np.ndarray:
    """Descending, of a kernel in the wide limit unless `options` say otherwise."""
    return np.linalg.eigvalsh(glu.gram(name, rows, **(options or {"kind": "nngp"})))[::-1]


def test_every_claim_has_a_measurement_or_a_reason() -> None:
    assert {*MEASURES} | {*WITHOUT} == {*claims()}
    assert not {*MEASURES} & {*WITHOUT}


@pytest.mark.long
def test_every_row_has_what_the_head_says() -> None:
    for name, measure in MEASURES.items():
        assert all(len(row) == len(measure.head) for row in table(name).values()), name


def test_the_ends_are_those_of_the_kernels() -> None:
    """Of NNGP matrices, the wide limit of K/m and K̃/m; within rounding of the largest."""
    for name, ends in zip(("relu", "reglu"), orders.ends(X), strict=True):
        own = values(name)
        assert (ends.largest, ends.second, ends.smallest) == pytest.approx((own[0], own[1], own[-1]), rel=1e-9)


def test_the_prediction_for_this_size_stands_beside_the_orders() -> None:
    """At n = 200, d = 20 the limit of d ≪ n ≪ d² is off 13-fold, the spectrum at this size by a few per cent."""
    found = measured("condition", draw_rows("gaussian", 200, 20, 0).X)
    seen, predicted, quotient, *_, corrected, over = found["cond K"]
    assert seen == pytest.approx(predicted * quotient)
    assert abs(quotient - 1) < 0.1 < abs(over - 1)
    assert corrected == pytest.approx(2 / (math.pi - 2) * 200)
    # below 50 rows and 10 features none is claimed
    assert all(math.isnan(row[1]) for row in table("condition").values())


@pytest.mark.parametrize("name", ["condition", "lambda-max", "lambda-min"])
def test_stated_and_corrected_orders(name: str) -> None:
    """What is corrected has a constant, what is stated is an order of the same end of the same kernel."""
    module = modules()[name]
    assert set(module.STATED) <= set(module.CORRECTED)
    for key, order in module.STATED.items():
        corrected = module.CORRECTED[key]
        assert (order.kernel, order.end, order.constant) == (corrected.kernel, corrected.end, 1)


def test_the_nearest_recorded_size() -> None:
    assert [(c.n, c.d) for c in (orders.nearest(300, 40), orders.nearest(130, 200), orders.nearest(4000, 12))] == [
        (360, 56),
        (125, 120),
        (3000, 12),
    ]
    assert orders.nearest(1000, 1).n == 1040  # no larger one is measured beside smaller data


def test_spike_and_decomposition() -> None:
    size = float(np.mean(X * X))
    assert table("spike")["λ_1(K)/(mn)"][0] == pytest.approx(values("relu")[0] / 40 / size)
    assert table("spike")["λ_1(K̃)·d/(mn)"][0] == pytest.approx(values("reglu")[0] * 7 / 40 / size**2)
    rows = measured("decomposition", inputs(60, 20, 5))
    recorded = errors(60, 20, 5, False, Law())
    assert (rows["error of K"][0], rows["error of K̃"][0]) == pytest.approx((recorded.plain, recorded.gated))
    assert (rows["error of K"][2], rows["error of K̃"][2]) == pytest.approx(recorded.least)


def test_compact_and_majorisation() -> None:
    for name in ("relu", "swiglu"):
        own = values(name)
        shares = own / own.sum()
        wanted = (
            math.exp(-float(shares @ np.log(shares))),
            1 / float(shares @ shares),
            own[0] / own[-1],
            float(np.log(own).std()),
        )
        assert table("compact")[name][:4] == pytest.approx(wanted, rel=1e-7)
    K, G = glu.gram("silu", X, kind="nngp"), X @ X.T / 7
    q = np.diag(G)
    products = [np.linalg.cond(one) for one in (K, K * G / np.sqrt(np.outer(q, q)), K * G)]
    gap, first, second, bound = table("majorisation")["silu"]
    assert (first, second) == pytest.approx((products[1] / products[0], products[2] / products[0]), rel=1e-6)
    assert gap >= -1e-14
    assert bound == pytest.approx(q.max() / q.min())


def test_full_kernels_and_the_phase_diagram() -> None:
    own = [values(name, parametrization="standard", width=28) for name in ("gelu", "geglu")]
    plain, gated = (one[0] / one[-1] for one in own)
    assert table("not-always")["geglu, m = 28"][:3] == pytest.approx((plain, gated, gated / plain), rel=1e-7)
    assert all(row[2] <= row[3] for row in table("not-always").values())
    first, second = values("relu"), values("reglu")
    gain, _, certificate, _ = table("phase-diagram")["reglu"]
    assert gain == pytest.approx(first[0] / first[-1] / second[0] * second[-1], rel=1e-7)
    assert certificate == pytest.approx(first[0] / second[0] * float(np.min(np.sum(X * X, axis=1))) / 7)


def test_the_factors_of_the_mechanism() -> None:
    for gate, (mean, _, shift, _, gain, _, share) in table("mechanism").items():
        assert mean * shift == pytest.approx(gain), gate
        assert math.log(mean) / math.log(gain) == pytest.approx(share)
    # ReLU less its mean μ at the mean square of the rows: K − μ(m_i + m_j) + μ², m_i = ‖x_i‖/√(2πd)
    rows = np.linalg.norm(X, axis=1) / np.sqrt(7 * 2 * np.pi)
    mean = float(np.sqrt(np.mean(rows**2)))
    off = mean * (rows[:, None] + rows[None, :]) - mean**2
    wanted = np.linalg.cond(glu.gram("relu", X, kind="nngp")) / np.linalg.cond(glu.gram("relu", X, kind="nngp") - off)
    assert table("mechanism")["reglu"][0] == pytest.approx(wanted, rel=1e-6)


def test_entries() -> None:
    """By the formulas of Eqs. 5 and of the angles, with ReLU's arc-cosine kernels written out."""
    d, m = 7, 28
    sets = normed(X)
    rho = sets @ sets.T / d
    theta = np.arccos(np.clip(rho, -1, 1))
    r = d / m
    found = measured("angle", sets)
    upper = np.triu_indices(40, 1)
    off = np.abs(r**2 * np.cos(theta) * np.sin(theta) / (math.pi * (1 + r) * (1 + 2 * r)))[upper]
    assert found["reglu, m = 28"][:2] == pytest.approx((float(np.median(off)), float(off.max())), rel=1e-9)
    S = (np.sin(theta) + (math.pi - theta) * rho) / (2 * math.pi)
    K, wider = (S + share * rho * (math.pi - theta) / (2 * math.pi) for share in (r, d / (m + d)))
    gated = wider * (m + d) / m * rho
    product = measured("hadamard", sets)
    exact = product["reglu, m = 28"]
    size = gated[0, 0]
    assert exact[1] == pytest.approx(float(np.max(np.abs(gated - K * rho))) / size, rel=1e-6)
    assert all(row[-1] < 1e-14 for row in product.values())
    correlation = measured("diagonal", sets)["relu, m = 28"][0]
    assert correlation == pytest.approx(float(np.mean(np.abs(K / K[0, 0])[upper])), rel=1e-9)


def test_a_gate_brings_close_inputs_closer() -> None:
    """ReLU, d = m: within 6.18 degrees the inequality fails (the claim's own figure); other gates keep it there."""
    near = np.array([[1.0, 0.0], [math.cos(0.05), math.sin(0.05)], [math.cos(0.2), math.sin(0.2)]])
    found = measured("decorrelation", near)
    assert found["relu → reglu"][:2] == (3, 1)
    assert found["relu → reglu"][2] == pytest.approx(math.degrees(0.05))
    assert found["gelu → geglu"][1] == 0


def test_steps_by_taking_them() -> None:
    data = {name: glu.gram(name, X, kind="nngp") for name in ("relu", "reglu")}
    tops = {name: np.linalg.eigvalsh(K)[-1] for name, K in data.items()}
    counts = {}
    for rate in ("own", "shared"):
        for name, K in data.items():
            error, k = Y.copy(), 0
            while np.linalg.norm(error) > 0.1 * np.linalg.norm(Y):
                error, k = error - K @ error / (tops[name] if rate == "own" else max(tops.values())), k + 1
            counts[rate, name] = k
    own, cond, shared, least = table("steps")["relu/reglu, yours"]
    assert own == pytest.approx(counts["own", "relu"] / counts["own", "reglu"])
    assert shared == pytest.approx(counts["shared", "relu"] / counts["shared", "reglu"])
    ends = [values(name) for name in ("relu", "reglu")]
    assert cond == pytest.approx(ends[0][0] / ends[0][-1] / ends[1][0] * ends[1][-1], rel=1e-7)
    assert least == pytest.approx(ends[1][-1] / ends[0][-1], rel=1e-7)


def test_losses_by_powers_of_the_kernels() -> None:
    """E L(k) = Tr[(I − ηK)^2k Σ] + Yᵀ(I − ηK)^2k Y, Σ = K/m in the wide limit."""
    kernels = [glu.gram(name, X, kind="nngp") for name in ("silu", "swiglu")]
    rate = min(1 / float(np.linalg.eigvalsh(K)[-1]) for K in kernels)
    leads = []
    for k in (0, 10**8):
        losses = []
        for K in kernels:
            power = np.linalg.matrix_power(np.eye(40) - rate * K, 2 * k)
            losses.append(float(np.trace(power @ (K + np.outer(Y, Y)))))
        leads.append("non-gated" if losses[0] < losses[1] else "gated")
    early, late = (table(name)["silu/swiglu, yours"] for name in ("crossing-early", "crossing-late"))
    assert early[:2] == pytest.approx([float(np.trace(K)) / 40 for K in kernels])
    assert early[2] == ("yes" if Y @ kernels[0] @ Y >= Y @ kernels[1] @ Y else "no")
    assert (early[3], early[4]) == (leads[0], leads[0])
    assert (late[2], late[3]) == (leads[1], leads[1])


def test_a_mode_that_carries_no_loss_does_not_decide_the_end() -> None:
    """Opposite rows, more than dimensions: φ(z) − φ(−z) = z, so K is singular; and equal targets on opposite rows.

    The null vectors of K are odd and the targets even: w_1 = 0 but for rounding. K̃ is not singular.
    """
    half = np.random.default_rng(0).standard_normal((5, 3))
    rows, targets = np.concatenate([half, -half]), np.tile(np.arange(1.0, 6.0), 2)
    for name, row in measured("crossing-late", rows, targets).items():
        assert abs(row[0]) < 1e-14 < 1e-4 < row[1], name
        assert row[2:4] == ("not resolved", "not resolved"), name


@pytest.mark.parametrize("seed", range(3))
def test_rows_that_are_there_twice_leave_the_end_open(seed: int) -> None:
    """Their order changes what rounding makes of the modes of eigenvalue 0, and once who was "found" in the end."""
    half, order = np.random.default_rng(0).standard_normal((10, 5)), np.random.default_rng(seed).permutation(20)
    targets = np.tile(half @ np.ones(5), 2)[order]
    for name, row in measured("crossing-late", np.concatenate([half, half])[order], targets).items():
        assert row[2:4] == ("not resolved", "not resolved"), name
        assert math.isnan(row[4]), name


@pytest.mark.parametrize("seed", range(4))
def test_traces_that_are_equal_but_for_rounding_name_no_leader(seed: int) -> None:
    """On rows of norm √d the variances of all units agree, hence the traces: n·S(1, 1, 1), computed in two ways."""
    rows = normed(np.random.default_rng(seed).standard_normal((30, 6)))
    for name, row in measured("crossing-early", rows).items():
        assert row[0] == pytest.approx(row[1], rel=1e-14), name
        assert row[3] == "neither", name
    # and they do name one where the norms differ
    assert {row[3] for row in measured("crossing-early", 1.001 * rows).values()} == {"non-gated"}


def test_the_first_term_of_the_expected_loss() -> None:
    """Exactly d/m and 2d/m for ReLU and ReGLU, whose c T and S agree where u = v."""
    for name, times in (("relu", 1), ("reglu", 2)):
        for width in (4, 64):
            off, ratio = table("expected-loss")[f"{name}, m = {7 * width}"][2:]
            assert (off, ratio) == pytest.approx((times / width, 1 / width), rel=1e-12)


def test_straightness_by_small_steps() -> None:
    """Two samples, the flow ė = −Ke in steps of 1e-3 of the fastest mode; the length is right within that."""
    from checks.tools.biased import matrices

    two = X[:2]
    found = measured("trajectory", two)["targets 0.03, 0.008"]
    for name, width, curved in (("relu", 28, found[2]), ("reglu", 14 * 8 // 15, found[3])):
        width = glu.networks.matched_width(name, 28, 7) if name == "reglu" else width
        K = matrices(name, two, width)[0]
        error, length = -np.array([0.03, 0.008]), 0.0
        step = 1e-3 / float(np.linalg.eigvalsh(K)[-1])
        start = float(np.linalg.norm(error))
        while np.linalg.norm(error) > 1e-6 * start:
            move = step * K @ error
            error, length = error - move, length + float(np.linalg.norm(move))
        assert 1 - start / length == pytest.approx(curved, abs=2e-3)


@pytest.mark.long
def test_stacks_by_gram() -> None:
    for depth in (1, 16):
        plain, gated = (values(glu.stack(name, depth), kind="ntk") for name in ("silu", "swiglu"))
        gain = table("depth")["silu → swiglu, measured"][(1, 4, 16, 64).index(depth)]
        assert gain == pytest.approx(plain[0] / plain[-1] / gated[0] * gated[-1], rel=1e-6)
    cell = Cell("sphere", Block("reglu", False), 40, 7, 3, (1, 4, 16, 64))
    shares = [one.share for _, one in four.seen(cell, CENTRED)]
    found = measured("depth-centred", cell.rows())
    assert found["relu → reglu, measured"] == pytest.approx(shares, abs=1e-9)


def test_correlations_and_variances() -> None:
    for name in ("silu", "reglu"):
        K = glu.gram(glu.stack(name, 4, residual=False), X, kind="nngp")
        wanted = np.mean((K / np.sqrt(np.outer(np.diag(K), np.diag(K))))[np.triu_indices(40, 1)])
        assert table("depth-limit")[name][1] == pytest.approx(float(wanted), abs=1e-12)
    assert [table("depth-limit")[name][-1] for name in ("relu", "reglu")] == [1, 0]
    assert table("depth-limit")["silu"][-1] == pytest.approx(0.6587, abs=5e-5)
    start = float(np.median(np.sum(X * X, axis=1) / 7))
    # E relu² = 1/2: halved by each plain block, q ↦ q²/2 by each gated one
    assert table("signal")["relu, median q"] == pytest.approx([start / 2**k for k in range(6)])
    assert table("signal")["reglu, median q predicted"] == pytest.approx([2 * (start / 2) ** 2**k for k in range(6)])


ODD = {
    "three rows of one feature": X[:3, :1],
    "rows twice": np.vstack([X[:6], X[:2]]),
    "one row again and again": np.ones((6, 2)),
    "a row of zeros": np.vstack([X[:6], 0 * X[:1]]),
    "large": 1e6 * X[:12],
    "small": 1e-6 * X[:12],
    "a feature of zeros": np.hstack([X[:12], 0 * X[:12, :1]]),
    "right angles": np.eye(5),
}


@pytest.mark.long
@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.slow) if name == "mechanism" else name for name in MEASURES]
)
def test_odd_rows_are_measured_or_refused(name: str) -> None:
    """By one sentence; what is not known is a dash."""
    for rows in ODD.values():
        for y in (None, 0 * rows[:, 0]) if name in ("steps", "crossing-early", "crossing-late") else (None,):
            lines = measured_or_refused(name, DataRows(rows, y, "odd"))
            assert not any("nan" in line for line in lines)


def measured_or_refused(name: str, rows: DataRows) -> list[str]:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            return MEASURES[name].table(rows, Terminal(100))
        except GlutheoryError as error:
            return [str(error)]


@pytest.mark.parametrize("name", MEASURES)
def test_rows_beyond_what_float64_holds_are_refused(name: str) -> None:
    """Before any kernel is computed: no number from underflow, no traceback from overflow."""
    for exponent, words in (
        (-155, "below what float64 can hold"),
        (-80, "below what"),
        (80, "beyond"),
        (150, "beyond"),
    ):
        (said,) = measured_or_refused(name, DataRows(10.0**exponent * X, None, "odd"))
        assert words in said, (name, exponent)
        assert said.endswith(("scale them up.", "scale them down."))


COLLINEAR = np.outer(np.arange(1.0, 13.0), [1.0, 2.0, -0.5])


def test_what_is_within_its_error_is_a_dash() -> None:
    """Multiples of one row: both kernels have the rank 2 of two rays, and rank 1 on one of them."""
    for row in ("λ_2/m, K", "λ_2/m, K̃"):
        assert math.isnan(table_of("lambda-max", COLLINEAR)[row][0])
    assert table_of("lambda-max", COLLINEAR)["λ_1/m, K"][0] == pytest.approx(float(np.sum(COLLINEAR**2)) / 6)
    assert all(math.isnan(one[0]) for one in table_of("condition", COLLINEAR).values())


def table_of(name: str, rows: np.ndarray, y: np.ndarray | None = None) -> dict[str, tuple[Any, ...]]:
    with np.errstate(all="ignore"):
        return measured(name, rows, y)


@pytest.mark.parametrize("apart", [1e-1, 1e-4, 1e-7, 1e-10, 1e-12, 1e-13])
def test_condition_numbers_are_shown_where_entries_let_them_be_known(apart: float) -> None:
    """Two close rows among five: shown is what is within a quarter of the value by 40 digits, if anything."""
    rows = X[:5].copy()
    rows[4] = rows[3] + apart * rows[2]
    found = table_of("not-always", rows)["reglu, m = 28"]
    with mpmath.workdps(40):
        G = mpmath.matrix(rows.tolist()) * mpmath.matrix(rows.T.tolist()) / 7
        K = mpmath.matrix(5, 5)
        for i in range(5):
            for j in range(5):
                size = mpmath.sqrt(G[i, i] * G[j, j])
                # the cosine of a row with itself is 1
                angle = mpmath.acos(G[i, j] / size) if i != j else mpmath.mpf(0)
                K[i, j] = size * (mpmath.sin(angle) + (mpmath.pi - angle) * mpmath.cos(angle) * (1 + mpmath.mpf(1) / 4))
        values = mpmath.eigsy(K, eigvals_only=True)
        exact = float(values[4] / values[0])
    assert math.isnan(found[0]) or found[0] == pytest.approx(exact, rel=0.25)
    assert math.isnan(found[0]) == (apart <= 1e-12)


def test_ties_of_straightness_are_no_order() -> None:
    """Equal rows: both outputs move alike, in a straight line for targets that are alike."""
    rows = np.repeat(X[:5], 2, axis=0)
    for name, (count, share, plain, gated) in table_of("trajectory", rows).items():
        assert (count, math.isnan(share)) == (5, True), name
        assert plain == pytest.approx(gated, abs=1e-12)
    assert table_of("trajectory", rows)["targets 0.022, 0.022"][2:] == (0, 0)


@pytest.mark.parametrize("name", ["steps", "crossing-early", "crossing-late"])
def test_targets_that_leave_float64_are_refused(name: str) -> None:
    for size, words in (
        (1e-200, "the targets reach 2.4e-200 only"),
        (1e200, "the targets reach 2.4e+200: scale them to at most"),
    ):
        (said,) = measured_or_refused(name, DataRows(X, size * Y * 2.4 / np.abs(Y).max(), "odd"))
        assert words in said


def test_variances_that_leave_float64_are_dashes() -> None:
    """That of ReGLU squares with every block, from 1e-20 to 1e-640."""
    start = normed(X) * 1e-10
    found = table_of("signal", start)
    for row in ("reglu, median q", "reglu, median q predicted"):
        assert found[row][1:4] == pytest.approx([2 * (0.5e-20) ** 2**k for k in (1, 2, 3)], rel=1e-9), row
        assert np.isnan(found[row][4:]).tolist() == [True] * 2, row


#: Figures that do not change with the scale of the rows: of claims, in rows of the table, the columns.
HOMOGENEOUS: dict[str, dict[str, tuple[int, ...]]] = {
    "condition": {"cond K": (0,), "cond K̃": (0,), "cond K / K̃": (0,)},
    "spike": {"λ_1(K)/(mn)": (0,), "λ_1(K̃)·d/(mn)": (0,)},
    "decomposition": {"error of K": (3,), "error of K̃": (3,)},
    "compact": {"reglu": (0, 1, 2, 3)},
    "majorisation": {"relu": (0, 1, 2, 3)},
    "not-always": {"reglu, m = 20": (0, 1, 2, 3)},
    "phase-diagram": {"reglu": (0,)},
    "hadamard": {"reglu, m = 20": (0, 1)},
    "angle": {"reglu, m = 20": (0, 1, 3)},
    "diagonal": {"reglu, m = 20": (0, 1, 2, 3)},
    "expected-loss": {"reglu, m = 20": (2, 3)},
    "steps": {"relu/reglu, random": (0, 1)},
}


@pytest.mark.parametrize("name", HOMOGENEOUS)
@pytest.mark.parametrize("exponent", [-45, 45])
def test_what_is_homogeneous_does_not_know_the_scale(name: str, exponent: int) -> None:
    """Within the bounds: kernels of ReLU and ReGLU are powers of the norms, and powers of two are exact."""
    rows = X[:20, :5]
    own, other = measured(name, rows), measured(name, np.ldexp(rows, exponent))
    for label, places in HOMOGENEOUS[name].items():
        for place in places:
            one, two = own[label][place], other[label][place]
            assert two == one if isinstance(one, str) else two == pytest.approx(one, rel=1e-6, nan_ok=True), label


@pytest.mark.parametrize("name", ["condition", "steps", "hadamard"])
@pytest.mark.parametrize("terminal", [Terminal(100), Terminal(100, unicode=False)])
def test_the_page(name: str, terminal: Terminal) -> None:
    text = page(name, draw_rows("gaussian", 60, 10, 3), terminal)
    assert terminal.unicode or text.isascii()
    assert all(len(line) <= 100 for line in text.splitlines())
    for words in (
        "60 standard normal rows of 10 features, seed 3",
        "The same on ",
        "The recorded run: ",
        "decides no verdict",
    ):
        assert words in " ".join(text.split())


def test_rows_that_are_equal_or_zero_are_named() -> None:
    rows = np.vstack([X, X[3:4]])
    said = " ".join(page("condition", DataRows(rows, None, "odd"), Terminal(100)).split())
    assert "Rows 3 and 40 (counted from 0) are equal: every kernel is singular" in said
    assert "are equal" not in page("condition", DataRows(X, None, "odd"), Terminal(100))
    with pytest.raises(DomainError, match=r"row 7 \(counted from 0\) is zero"):
        page("condition", DataRows(np.vstack([X[:7], 0 * X[:1]]), None, "odd"), Terminal(100))


def test_on_the_command_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    np.save("rows.npy", X)
    for option in ("--explain", "--only"):
        code, text = run(option, "lambda-max", "--data", "rows.npy")
        assert (code, "rows.npy" in text, "λ_1/m, K" in text) == (0, True, True)
    np.savetxt("rows.csv", 1000 * X, delimiter=",", header=",".join(f"f{i}" for i in range(X.shape[1])), comments="")
    table = ("--explain", "lambda-max", "--data", "rows.csv", "--columns", "f0,f2,f3", "--normalise", "standard")
    code, text = run(*table)
    assert (code, "3 features (f0, f2, f3)" in text, "mean 0 and variance 1" in " ".join(text.split())) == (
        0,
        True,
        True,
    )
    for arguments, words in (
        (("--explain", "condition", "--normalise", "rms"), "--normalise scales your own rows: give --data as well"),
        (("--data", "rows.csv", "--normalise", "rms"), "give --explain or --only"),
        (("--explain", "ntk-plain", "--n", "50"), "not for ntk-plain: it is an identity on every data set"),
        (("--explain", "training", "--n", "50"), "not for training: it trains networks"),
        (("--n", "50"), "give --explain"),
        (("--explain", "condition", "--n", "50", "--full"), "only measure: leave out --full"),
        (("--explain", "condition", "--n", "5000"), "n is 5000"),
        (("--explain", "depth", "--n", "1600"), "n is 1600: give 3 to 1,500 rows"),
        (("--explain", "condition", "--n", "50", "--data", "rows.npy"), "leave out one of the two"),
        (("--list", "--n", "50"), "--list runs nothing: leave out --n"),
        (("--full",), "--full is about --explain"),
    ):
        code, text = run(*arguments)
        assert (code, words in text) == (2, True), (arguments, text)


def test_claims_by_their_source() -> None:
    assert choose(["Thm 3.1"]) == choose(["thm 3.1"]) == ("lambda-max", "lambda-min", "condition")
    assert choose(["Eq. 3", "hadamard"]) == ("ntk-plain", "hadamard")
    assert choose(["Prop. 4.1"]) == choose(["proposition 4.1"]) == ("expected-loss",)
    assert choose(["Theorem 3.1"]) == choose(["Thm 3.1"])
    assert choose(["Corollary 4.2"]) == ("crossing-early", "crossing-late")
    assert choose(["Figure 3"]) == ("architectures",)
    for wrong in ("Thm 3", "Theorem 3", "Thm 3.10", "3.1", "Eq"):
        with pytest.raises(UnknownNameError):
            choose([wrong] if wrong != "Eq" else ["Equation"])


def test_a_claim_that_a_run_does_not_have_is_told_from_one_that_is_none() -> None:
    known = {name: claim for name, claim in claims().items() if name != "depth"}
    with pytest.raises(UnknownNameError, match="the claim depth is not in this run: leave out --from"):
        choose(["depth"], known)
    with pytest.raises(UnknownNameError, match="unknown claim 'depthh'"):
        choose(["depthh"], known)
