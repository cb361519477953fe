"""The race of two networks: its curves against matrix powers of textbook kernels, and against trained networks."""

from __future__ import annotations

import json
import math
import sys
from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest

from glutheory.dynamics import LossCurve, crossings
from glutheory.errors import DomainError, MissingDependencyError, UnknownNameError
from glutheory.figures.chart import Chart
from glutheory.networks import network, product
from glutheory.spectra import ConditionNumber
from glutheory.studies.dynamics.figure import charts
from glutheory.studies.dynamics.study import Dynamics, Side, dynamics_study, linear_targets, training_steps, unit
from glutheory.studies.dynamics.text import sentences, text
from glutheory.studies.dynamics.training import Trained, marks, train
from glutheory.studies.pairs import pair, written
from glutheory.terminal import Terminal

N, D, WIDTH = 24, 6, 500
X = np.random.default_rng(3).standard_normal((N, D))
Y = X @ np.ones(D)


@lru_cache(maxsize=4)
def found(normalised: bool = False, parametrization: str = "standard") -> Dynamics:
    width = WIDTH if parametrization == "standard" else None
    return dynamics_study(
        ("relu", "reglu"), X, Y, width=width, parametrization=parametrization, unit_targets=normalised
    )


def textbook(width: int | None) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """NTK and NNGP kernel of ReLU and ReGLU by Cho and Saul's formulas; width None: of the ntk parametrisation."""
    r = np.linalg.norm(X, axis=1)
    cosine = np.clip(X @ X.T / np.outer(r, r), -1, 1)
    np.fill_diagonal(cosine, 1)
    angle = np.arccos(cosine)
    S = np.outer(r, r) / D * (np.sin(angle) + (np.pi - angle) * cosine) / (2 * np.pi)
    T, c = (np.pi - angle) / (2 * np.pi), X @ X.T / D
    if width is None:
        return [S + c * T, 2 * c * S + c**2 * T], [S, c * S]
    m = width * (D + 1) // (2 * D + 1)
    v, w = 1 / width, 1 / m
    plain = width * (S + v * D * c * T)
    gated = m * ((1 / D + w) * D * c * S + w * D * c**2 * T)
    return [plain, gated], [S, c * S]


def naive(K: np.ndarray, sigma: np.ndarray, y: np.ndarray, k: int, rate: float) -> float:
    """The expected mean squared error, as it is written: matrix powers with η = 2·rate/n."""
    step = np.eye(N) - 2 * rate / N * K
    power = np.linalg.matrix_power(step, 2 * k)
    return float(np.trace(power @ sigma) + y @ power @ y) / N


@pytest.mark.parametrize("normalised", [False, True])
@pytest.mark.parametrize("parametrization", ["standard", "ntk"])
def test_the_losses_are_matrix_powers_of_the_textbook_kernels(normalised: bool, parametrization: str) -> None:
    race = found(normalised, parametrization)
    y = (Y - Y.mean()) / Y.std() if normalised else Y
    ntks, nngps = textbook(WIDTH if parametrization == "standard" else None)
    for side, K, sigma in zip(race.sides, ntks, nngps, strict=True):
        # arccos loses half of the digits at equal rows: 1e-8 of an entry
        for k in (0, 1, 2, 7, 40, 300):
            assert side.loss(k, race.rate) == pytest.approx(naive(K, sigma, y, k, race.rate), rel=1e-6), k
        assert side.limit == pytest.approx(N / np.linalg.eigvalsh(K)[-1], rel=1e-7)
        assert side.condition.value == pytest.approx(np.linalg.cond(K), rel=1e-5)
    assert race.rate == pytest.approx(min(side.limit for side in race.sides) / 2)


@pytest.mark.parametrize("normalised", [False, True])
def test_the_crossing_is_where_the_naive_difference_changes_sign(normalised: bool) -> None:
    race = found(normalised)
    y = (Y - Y.mean()) / Y.std() if normalised else Y
    ntks, nngps = textbook(WIDTH)

    def difference(k: int) -> float:
        first, second = (naive(K, s, y, k, race.rate) for K, s in zip(ntks, nngps, strict=True))
        return first - second

    (crossing,) = race.descent.found
    low, high = 1, 1 << 16
    assert difference(low) < 0 < difference(high)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if difference(middle) < 0 else (low, middle)
    assert math.ceil(crossing.step) == high
    assert race.descent.complete
    assert race.steps >= high
    # for small steps descent is the flow: time is rate × steps, and the two crossings differ by about the rate's share
    assert race.times[0] / race.rate == pytest.approx(crossing.step, rel=0.02)


@pytest.mark.parametrize("names", [("reglu",), ("swiglu",)])
@pytest.mark.parametrize("parametrization", ["standard", "ntk"])
@pytest.mark.parametrize("normalised", [False, True])
def test_the_crossings_are_the_changes_of_sign_at_whole_steps(
    names: tuple[str], parametrization: str, normalised: bool
) -> None:
    """Rows of equal norm make the losses start together: what rounding does there is no crossing."""
    rows = np.random.default_rng(0).standard_normal((20, 6))
    if normalised:
        rows *= math.sqrt(6) / np.linalg.norm(rows, axis=1, keepdims=True)
    race = dynamics_study(names, rows, parametrization=parametrization)
    steps = np.arange(race.steps + 1)
    first, second = (side.loss(steps, race.rate) for side in race.sides)
    tied = abs(first[0] - second[0]) < 1e-13 * first[0]
    assert tied == normalised
    signs = np.sign(first - second)[1 if tied else 0 :]
    changes = np.nonzero(signs[1:] != signs[:-1])[0] + (2 if tied else 1)
    assert [math.ceil(item.step) for item in race.changes] == changes.tolist()
    assert [row["from_step"] for row in race.as_json()["leads"]] == changes.tolist()
    hidden = len(race.descent) - len(changes)
    assert (f"{hidden} of these cancel" in " ".join(sentences(race))) == (hidden > 0)
    assert race.descent.start == signs[0]
    assert race.descent.complete


def test_the_flow_is_the_exponential() -> None:
    from scipy.linalg import expm

    race = found()
    ntks, nngps = textbook(WIDTH)
    time = race.times[0]
    losses = []
    for K, sigma in zip(ntks, nngps, strict=True):
        power = expm(-4 * time / N * K)
        losses.append(np.trace(power @ sigma) + Y @ power @ Y)
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)


def test_the_targets_are_those_of_the_task() -> None:
    large = np.random.default_rng(0).standard_normal((20_000, 3))
    y = linear_targets(large, 4)
    w, rest, *_ = np.linalg.lstsq(large, y, rcond=None)
    # 0.1 noise: its variance within 4 standard deviations √(2/n); the seed decides w and the noise
    assert math.sqrt(rest[0] / 20_000) == pytest.approx(0.1, rel=4 / math.sqrt(2 * 20_000))
    assert np.array_equal(y, linear_targets(large, 4))
    assert not np.allclose(w, np.linalg.lstsq(large, linear_targets(large, 5), rcond=None)[0], atol=0.1)
    scaled = unit(y)
    assert (scaled.mean(), scaled.std()) == (pytest.approx(0, abs=1e-12), pytest.approx(1))
    race = dynamics_study(("reglu",), X)
    assert race.plain.curve.initial == pytest.approx(np.sum(linear_targets(X, 0) ** 2) + np.trace(textbook(1000)[1][0]))


# ---------------------------------------------------------------- pairs and steps


@pytest.mark.parametrize(
    ("names", "wanted"),
    [
        (("reglu",), ("relu", "reglu")),
        (("silu",), ("silu", "swiglu")),
        (("bilinear",), ("identity", "bilinear")),
        (("swiglu", "gelu"), ("gelu", "swiglu")),
        (("softplus", "gtu"), ("softplus", "gtu")),
    ],
)
def test_pairs(names: tuple[str, ...], wanted: tuple[str, str]) -> None:
    assert tuple(net.name for net in pair(names)) == wanted


@pytest.mark.parametrize(
    ("call", "error", "hint"),
    [
        (lambda: pair(()), DomainError, "0 networks are given"),
        (lambda: pair(("relu", "reglu", "glu")), DomainError, "3 networks are given"),
        (lambda: pair(("relu", "gelu")), DomainError, "both non-gated"),
        (lambda: pair(("reglu", "glu")), DomainError, "both gated"),
        (lambda: pair((product("relu", "gelu"),)), DomainError, "a product of 2 branches"),
        (lambda: pair(("relux",)), UnknownNameError, "did you mean"),
        (lambda: dynamics_study(("step", "reglu"), X), DomainError, "NTK of 'step' is infinite, since an activation"),
        (lambda: dynamics_study(("relu",), X, parametrization="ntk", width=3), DomainError, "need 'standard'"),
        (lambda: dynamics_study(("relu",), X, parametrization="ntk", seeds=1), DomainError, "need 'standard'"),
        (lambda: dynamics_study(("relu",), X, rate=0.0), DomainError, "rate is 0.0"),
        (lambda: dynamics_study(("relu",), X, rate=1e308), DomainError, r"rate is 1e\+308: give a finite number"),
        (lambda: dynamics_study(("relu",), X, rate=5e-324), DomainError, "rate is 5e-324: give a finite number"),
        (
            lambda: dynamics_study(("relu",), X, np.full(N, 1e200)),
            DomainError,
            r"the targets reach 1e\+200: scale them to at most",
        ),
        (lambda: dynamics_study(("relu",), X, steps=0), DomainError, "steps is 0"),
        (lambda: dynamics_study(("relu",), X, width=1), DomainError, "width is 1"),
        (lambda: dynamics_study(("relu",), X, np.ones(N), unit_targets=True), DomainError, "give targets that differ"),
        (lambda: dynamics_study(("relu",), X, seeds=1, steps=400, rate=1.0), DomainError, "diverge"),
    ],
)
def test_wrong_input_is_one_sentence(call: object, error: type[Exception], hint: str) -> None:
    with pytest.raises(error, match=hint):
        call()  # type: ignore[operator] # a table of lambdas


def test_names_are_written_as_papers_do() -> None:
    assert (written("swiglu"), written("softplus")) == ("SwiGLU", "softplus")


@pytest.mark.parametrize("last", [1, 2, 9, 100, 12345])
def test_marks_reach_from_the_start_to_the_end(last: int) -> None:
    steps = marks(last, 5)
    assert (steps[0], steps[-1]) == (0, last)
    assert np.all(np.diff(steps) >= 1)
    assert np.array_equal(steps, np.round(steps))


# ---------------------------------------------------------------- trained networks


@pytest.mark.parametrize(
    "names", [("relu", "reglu"), pytest.param(("silu", "swiglu"), marks=pytest.mark.slow)], ids=["relu", "silu"]
)
def test_wide_networks_follow_the_expected_curves(names: tuple[str, str]) -> None:
    """The mean of 48 wide networks lies within 4.5 standard errors (about 5 % each): kernels move by 1/m only."""
    few = X[:16]
    race = dynamics_study(names, few, unit(few @ np.ones(D)), width=2048, seeds=48, steps=60)
    assert race.trained is not None
    looks = [0, 1, 2, 5, 10, 20, 40, 60]
    for side, losses in zip(race.sides, race.trained.losses[:, :, looks], strict=True):
        expected = side.loss(looks, race.rate)
        error = losses.std(axis=0, ddof=1) / math.sqrt(48)
        assert np.all(error < 0.1 * expected)
        assert np.all(np.abs(losses.mean(axis=0) - expected) < 4.5 * error)
        # and it would be seen if a term were missing: without the outputs at the start the loss would begin at 1
        assert losses.mean(axis=0)[0] - 1 > 4.5 * error[0]


def test_a_step_is_that_of_automatic_differentiation_without_biases() -> None:
    torch = pytest.importorskip("torch")
    from glutheory.sampling.training import Ensemble

    nets, rate, steps = (network("silu"), network("swiglu")), 0.05, 5
    seen: list[int] = []
    losses = train(nets, (8, 5), X, Y, rate=rate, steps=steps, seeds=2, seed=9, progress=seen.append).losses
    assert sum(seen) == 2 * 2 * steps
    for side, (net, width) in enumerate(zip(nets, (8, 5), strict=True)):
        for draw in range(2):
            start = Ensemble(net, inputs=D, width=width, seed=9, draws=(draw,), dtype=torch.float64)
            weights = [weight[0].clone().requires_grad_() for weight in (*start.weights, start.readout)]
            inputs, targets = torch.as_tensor(X), torch.as_tensor(Y)
            for k in range(steps + 1):
                *hidden, readout = weights
                unit_ = torch.nn.functional.silu(inputs @ hidden[-1])
                if net.gated:
                    unit_ = (inputs @ hidden[0]) * unit_
                loss = ((unit_ @ readout[0] - targets) ** 2).mean()
                # float32 against float64, over a few steps
                assert losses[side, draw, k] == pytest.approx(loss.item(), rel=2e-5)
                with torch.no_grad():
                    for weight, slope in zip(weights, torch.autograd.grad(loss, weights), strict=True):
                        weight -= rate * slope


LOSSES = np.array(
    [
        [[4.0, 3.0, 2.0, 1.5, 1.0], [4.0, 3.0, 2.0, 1.5, 1.0], [4.0, 3.0, 2.0, 1.5, 1.0]],
        [[4.5, 3.5, 2.5, 1.0, 0.5], [4.5, 3.5, 2.5, 2.0, 1.5], [3.0, 2.0, 1.0, 0.5, 0.1]],
    ]
)


def test_crossings_of_trained_losses() -> None:
    seen = Trained(LOSSES)
    assert (seen.seeds, seen.steps) == (3, 4)
    assert seen.crossings == (3, None, 0)
    assert seen.mean_crossings == ()
    assert Trained(LOSSES[:, :1]).mean_crossings == (3,)
    assert training_steps(None) == 1000
    record = seen.as_json()
    assert record["networks"][1]["low"] == LOSSES[1].min(axis=0).tolist()
    assert record["crossings"] == [3, None, 0]


def test_without_torch_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(MissingDependencyError, match=r"glutheory\[torch\]"):
        dynamics_study(("relu",), X, seeds=1)


# ---------------------------------------------------------------- what is printed, drawn and written


def race_of(plain: tuple[list[float], list[float]], gated: tuple[list[float], list[float]], rate: float) -> Dynamics:
    """A race of two curves given by eigenvalues and weights."""
    curves = [LossCurve(np.array(side[0]), np.array(side[1])) for side in (plain, gated)]
    first, second = (
        Side(net, None, curve, ConditionNumber(2.0, 2.0, 2.0), 1e-14)
        for net, curve in zip(pair(("relu",)), curves, strict=True)
    )
    descent, flow = crossings(*curves, rate=rate), crossings(*curves)
    return Dynamics(first, second, "rows", "targets", 2, 1, "ntk", rate, True, 30, descent, flow)


@pytest.mark.parametrize(
    ("race", "hints"),
    [
        (race_of(([1.0, 0.1], [1.0, 1.0]), ([0.5, 0.3], [1.1, 1.0]), 0.1), ["ReLU leads first, ReGLU from step"]),
        (race_of(([1.0, 0.5], [1.0, 1.0]), ([0.5, 0.3], [2.0, 1.0]), 0.1), ["ReLU leads at every step."]),
        (race_of(([1.0, 0.5], [1.0, 1.0]), ([1.0, 0.5], [1.0, 1.0]), 0.1), ["the two losses are the same"]),
        (race_of(([1.0, 0.1], [1.0, 1.0]), ([0.5, 0.3], [1.1, 1.0]), 3.0), ["too large for ReLU,", "smaller --rate"]),
    ],
)
def test_sentences(race: Dynamics, hints: list[str]) -> None:
    said = " ".join(sentences(race))
    assert all(hint in said for hint in hints), said
    assert text(race, Terminal(unicode=False)).isascii()


@pytest.mark.parametrize("seed", range(4))
def test_who_leads_in_the_noise_is_not_said(seed: int) -> None:
    """Rows that are there twice, with the same targets: what never falls is 0, and rounding where it is not.

    The order of the rows alone made crossings of it. The truth is that of the distinct rows: both losses twice.
    """
    few, y = np.random.default_rng(5).standard_normal((6, 5)), np.arange(1.0, 7.0)
    order = np.random.default_rng(seed).permutation(12)
    race = dynamics_study(("geglu",), np.concatenate([few, few])[order], np.tile(y, 2)[order], steps=10**6)
    truth = dynamics_study(("geglu",), few, y, rate=race.rate)
    assert truth.hidden_from == math.inf
    assert [math.ceil(item.step) for item in race.changes] == [
        math.ceil(item.step) for item in truth.changes if item.step < race.hidden_from
    ]
    assert 100 < race.hidden_from < 10**6
    assert all(row["from_step"] < race.hidden_from for row in race.as_json()["leads"])
    assert all(time < 2 * race.hidden_from * race.rate for time in race.times)
    said = " ".join(sentences(race))
    assert "errors of the kernels hide who leads" in said
    assert "at every" not in said.split("With ")[0]
    assert text(race, Terminal(width=100)).count("not known") >= 1
    assert not race.told([10**6])
    assert race.told([0, 1, 10]).all()


def test_what_is_trained_is_told() -> None:
    seen = Trained(LOSSES)
    base = found()
    race = Dynamics(**{**vars(base), "trained": seen})
    said = " ".join(sentences(race))
    assert "3 networks of each kind" in said
    assert "ReLU 1 (1–1) and ReGLU 0.7 (0.1–1.5)" in said
    assert "ReGLU leads to the end from steps 0 to 3 on in 2 of 3 pairs" in said
    assert "cross at step 3" in " ".join(sentences(Dynamics(**{**vars(base), "trained": Trained(LOSSES[:, :1])})))
    assert "in none of 1 pairs" in " ".join(sentences(Dynamics(**{**vars(base), "trained": Trained(LOSSES[:, 1:2])})))
    drawn = charts(race)
    assert [len(chart.series) for chart in drawn] == [5, 2]
    band = drawn[0].series[3]
    assert band.dashed
    assert (band.low[-1], band.y[-1], band.high[-1]) == pytest.approx((0.1, 0.7, 1.5))


def test_the_table_holds_the_losses() -> None:
    race = found()
    lines = text(race, Terminal(width=100)).splitlines()
    assert max(map(len, lines)) <= 100
    row = next(line for line in lines if line.split()[:1] == ["10"]).split()
    expected = [float(side.loss(10, race.rate)) for side in race.sides]
    assert [float(cell) for cell in row[1:3]] == pytest.approx(expected, rel=1e-3)
    assert row[-1] == "ReLU"
    assert any(line.split()[:1] == [str(race.steps)] for line in lines)


def test_the_figure_and_the_record() -> None:
    race = found()
    first, second = charts(race)
    assert isinstance(first, Chart)
    assert [series.role for series in first.series] == ["plain", "gated", "theory"]
    assert first.series[2].x[0] == race.descent.found[0].step
    assert [a / b for a, b in zip(first.series[0].y, first.series[1].y, strict=True)] == pytest.approx(
        list(second.series[0].y)
    )
    record = race.as_json(charts(race))
    assert (record["schema"], record["schema_version"]) == ("glutheory.dynamics", 1)
    json.dumps(record, allow_nan=False)
    plain, gated = record["networks"]
    assert (plain["width"], gated["width"]) == (WIDTH, WIDTH * 7 // 13)
    assert record["crossings"]["found"][0]["then_lower"] == "gated"
    assert plain["loss"][0] == pytest.approx(race.plain.curve.initial / N)
    times = np.array(record["steps"]) * race.rate
    assert plain["flow_loss"] == pytest.approx((race.plain.curve.flow(times * 2 / N) / N).tolist())


@pytest.mark.parametrize("rate", [1.0, 1e9])
def test_losses_that_diverge_are_not_drawn_to_the_end(rate: float, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    from glutheory.figures.draw import save

    race = dynamics_study(("relu",), X, Y, rate=rate)
    assert not race.stable
    first = charts(race)[0]
    drawn = [value for series in first.series for value in series.y if math.isfinite(value)]
    assert max(drawn, default=0.0) <= 1e6 * race.gated.curve.initial
    assert "Left out" in first.note
    save(charts(race), tmp_path / "x.svg")


def test_a_crossing_beyond_the_steps_is_said_to_be_there() -> None:
    race = dynamics_study(("relu", "reglu"), X, Y, width=WIDTH, steps=20)
    assert "A crossing lies beyond" in charts(race)[0].note
    assert len(charts(race)[0].series) == 2


@pytest.mark.parametrize(
    ("size", "words"),
    [
        (1e-155, "'relu', with powers of it up to 5, is below what float64 can hold on these rows: scale them up"),
        (1e-80, "'relu', with powers of it up to 5, is below what float64 can hold on these rows: scale them up"),
        (1e-25, "'reglu', with powers of it up to 5, is below what float64 can hold on these rows: scale them up"),
        (1e25, "'reglu', with powers of it up to 5, is beyond float64 on these rows: scale them down"),
        (1e80, "'relu', with powers of it up to 5, is beyond float64 on these rows: scale them down"),
    ],
)
def test_rows_whose_kernels_leave_float64_are_refused(size: float, words: str) -> None:
    with pytest.raises(DomainError, match=f"the NTK of {words}"):
        dynamics_study(("relu", "reglu"), size * X)


def test_one_row_that_is_nearly_zero_is_taken() -> None:
    """Its kernel is 1e-80 of the others', and of powers the largest counts."""
    rows = X * np.where(np.arange(N) == 1, 1e-20, 1.0)[:, None]
    assert dynamics_study(("relu", "reglu"), rows, np.ones(N)).plain.condition.is_bound
    with pytest.raises(DomainError, match="below what float64 can hold"):
        dynamics_study(("relu", "reglu"), rows * np.where(np.arange(N) == 1, 1e-60, 1.0)[:, None], np.ones(N))


@pytest.mark.parametrize("exponent", [-1020, -600, 600, 1000])
def test_unit_targets_do_not_know_their_scale(exponent: int) -> None:
    """Powers of two are exact, but for what 2^−1020 leaves below the normal numbers."""
    y = np.random.default_rng(0).standard_normal(12) + 3
    assert unit(np.ldexp(y, exponent)) == pytest.approx(unit(y), rel=1e-9 if exponent == -1020 else 1e-14)


@pytest.mark.parametrize("size", [2.0**-40, 2.0**40])
def test_condition_numbers_do_not_know_the_scale_of_the_rows(size: float) -> None:
    """ReLU and ReGLU are homogeneous, and powers of two exact."""
    targets = np.ones(N)
    sides = zip(*(dynamics_study(("relu", "reglu"), rows, targets).sides for rows in (X, size * X)), strict=True)
    for own, other in sides:
        assert other.condition.value == pytest.approx(own.condition.value, rel=1e-9)
