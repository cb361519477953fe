"""The wide limit beside real modules: the modules and the theory by other roads, cells made by hand, the check."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np
import pytest

import glutheory as glu
from checks.claims.prediction import cells, evidence, statement
from checks.claims.prediction.cells import INPUTS, QUICK, Cell, Seen, Sizes, log_condition
from checks.claims.prediction.law import LAW, MUTANTS, RIGHT, THEORIES, Theory
from checks.claims.prediction.theory import hidden_of, kernel
from checks.settings import Settings
from glutheory.claims import Evidence, Finding, Outcome, Verdict

torch = pytest.importorskip("torch")
from checks.claims.prediction.modules import Stream, initialised, measured  # noqa: E402 (only where torch is)

SETTINGS = Settings()


@lru_cache(maxsize=1)
def outcome() -> Outcome:
    return statement.run(SETTINGS)


def sphere(n: int, seed: int = 0) -> np.ndarray:
    X = np.random.default_rng(seed).standard_normal((n, INPUTS))
    return np.asarray(X * (math.sqrt(INPUTS) / np.linalg.norm(X, axis=1, keepdims=True)))


# the modules and the theory


@pytest.mark.parametrize("gated", [False, True])
def test_a_stream_is_its_formula(gated: bool) -> None:
    model: Any = initialised(Stream(INPUTS, 6, 9, 2, "silu", gated=gated), 1)
    x = torch.as_tensor(sphere(4))

    def norm(h: Any) -> Any:
        return h / torch.sqrt(torch.mean(h * h, dim=1, keepdim=True) + 1e-6)

    h = x @ model.embedding.weight.T
    for block in model.blocks:
        u = norm(h)
        up = u @ block.up.weight.T
        inner = up * torch.nn.functional.silu(u @ block.gate.weight.T) if gated else torch.nn.functional.silu(up)
        h = h + inner @ block.down.weight.T
    wanted = norm(h) @ model.head.weight[0]
    torch.testing.assert_close(model(x), wanted, rtol=1e-12, atol=1e-14)
    names = {name.split(".")[-2] for name, _ in model.named_parameters()}
    assert names == {"embedding", "norm", "up", "down", "head"} | ({"gate"} if gated else set())


def test_weights_have_variance_one_over_the_fan_in() -> None:
    model: Any = initialised(Stream(INPUTS, 300, 800, 1, "relu", gated=True), 2)
    for layer, fan in ((model.embedding, INPUTS), (model.blocks[0].down, 800), (model.head, 300)):
        weights = layer.weight.detach().numpy()
        # five standard deviations of the mean of squares
        assert np.mean(weights**2) * fan == pytest.approx(1, abs=5 * math.sqrt(2 / weights.size))
    again: Any = initialised(Stream(INPUTS, 300, 800, 1, "relu", gated=True), 2)
    assert torch.equal(model.head.weight, again.head.weight)


@pytest.mark.parametrize("gated", [False, True])
def test_one_width_everywhere_is_the_standard_parametrisation(gated: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("checks.claims.prediction.theory.hidden_of", lambda width, *, gated: width)  # noqa: ARG005
    X = sphere(10)
    found = kernel(X, "swiglu", 3, 48, gated=gated, theory=RIGHT)
    stack = glu.stack("swiglu" if gated else "silu", 3, gain=True)
    wanted = glu.gram(stack, X, parametrization="standard", width=48)
    np.testing.assert_allclose(found, wanted, rtol=1e-12, atol=1e-12 * wanted.max())


@pytest.mark.slow
def test_the_mean_of_wide_modules_is_the_predicted_kernel() -> None:
    """Eight networks of width 256 and one block: their mean against the theory, to its own error."""
    X = sphere(6)
    hidden = hidden_of(256, gated=True)
    found = np.array([measured(Stream(INPUTS, 256, hidden, 1, "silu", gated=True), X, seed) for seed in range(8)])
    wanted = kernel(X, "swiglu", 1, 256, gated=True, theory=RIGHT)
    error = found.std(axis=0, ddof=1) / math.sqrt(8)
    # six standard errors and, of a bias of the order 1/w, ten of these
    assert np.all(np.abs(found.mean(axis=0) - wanted) < 6 * error + 10 / 256 * np.diag(wanted).mean())


@pytest.mark.parametrize("name", THEORIES)
def test_another_theory_is_another_kernel(name: str) -> None:
    X = sphere(8)
    own, other = (kernel(X, "swiglu", 2, 64, gated=True, theory=theory) for theory in (RIGHT, THEORIES[name]))
    assert np.linalg.norm(own - other) > 0.02 * np.linalg.norm(own)


def test_log_condition() -> None:
    assert log_condition(np.diag([2.0, 10.0, 5.0])) == pytest.approx(math.log(5))


# the evidence on cells made by hand


def made(monkeypatch: pytest.MonkeyPatch, error: Any, *, apart: float = 1.0, noise: float = 0.05) -> tuple[Cell, ...]:
    """Cells whose ln cond_w/cond_∞ is this function of a cell and "plain" or "gated", but for a factor near 1."""
    chosen = QUICK.cells
    plan = Sizes(chosen, {1: 12, 8: 12})

    def seen(cell: Cell, settings: Settings) -> Seen:  # noqa: ARG001
        rng = np.random.default_rng([cell.n, cell.depth, cell.width])
        factor = np.exp(noise * rng.standard_normal((12, 2)))
        errors = np.stack([np.full(12, error(cell, name)) for name in ("plain", "gated")], axis=1) * factor
        predicted = np.tile([4.0, 1.0], (12, 1))
        distance = apart * (cell.width**-0.5 * np.ones((12, 2))) * factor
        return Seen(predicted + errors, predicted, distance, np.zeros((12, 2, 1, 1)))

    for module in (evidence, cells):
        monkeypatch.setattr(module, "seen", seen)
    monkeypatch.setattr(cells, "sizes", lambda _: plan)
    return chosen


def as_claimed(cell: Cell, name: str) -> float:
    own: float = 2.0 * cell.n**0.3 * cell.depth**0.4 * cell.width**-0.8
    return own if name == "gated" else 0.3 * own


ALL = {
    "bound": evidence.bound,
    "sign": evidence.sign,
    "rates": evidence.rates,
    "entries": evidence.entries,
    "gain": evidence.gain,
}


def judged(name: str, chosen: tuple[Cell, ...]) -> Evidence:
    return ALL[name](LAW, chosen, SETTINGS)


@pytest.mark.parametrize("name", ALL)
def test_cells_as_claimed_support(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert judged(name, made(monkeypatch, as_claimed)).finding is Finding.SUPPORTS


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("bound", lambda cell, _: 2 * math.sqrt(cell.ratio)),
        ("sign", lambda cell, name: -as_claimed(cell, name)),
        ("rates", lambda cell, _: 0.5 * cell.n**0.9 * (cell.depth / cell.width) ** 0.6),
        ("rates", lambda cell, _: 2 * cell.depth**0.4 * cell.width**-0.2),
        ("gain", lambda cell, name: 4.0 if name == "gated" else 0.1 + 0 * cell.n),
    ],
)
def test_cells_that_are_otherwise_refute(name: str, error: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    assert judged(name, made(monkeypatch, error)).finding is Finding.REFUTES


def test_where_it_breaks(monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = made(monkeypatch, lambda *_: 0.7)
    assert evidence.broken(LAW, chosen, SETTINGS).finding is Finding.SUPPORTS
    assert evidence.broken(replace(LAW, broken=3.0), chosen, SETTINGS).finding is Finding.REFUTES


def test_few_and_noisy_networks_decide_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = made(monkeypatch, lambda cell, _: LAW.allowed(cell.n, cell.depth, cell.width), noise=0.4)
    assert judged("bound", chosen).finding is Finding.UNDECIDED


def test_data_are_of_the_seed_and_normalised() -> None:
    cell = QUICK.cells[0]
    X = cells.rows(cell, SETTINGS, 0)
    np.testing.assert_allclose(np.sum(X**2, axis=1), INPUTS, rtol=1e-12)
    assert not np.array_equal(X, cells.rows(cell, SETTINGS, 1))
    assert not np.array_equal(X, cells.rows(cell, Settings(seed=1), 0))


def test_every_mutant_differs_in_one_thing() -> None:
    for law in MUTANTS.values():
        assert sum(getattr(law, name) != getattr(LAW, name) for name in LAW.__dataclass_fields__) == 1
    assert all(theory != Theory() for theory in THEORIES.values())


@pytest.mark.slow
def test_the_check() -> None:
    found = outcome()
    assert found.verdict is Verdict.HOLDS
    assert all(item.holds for item in found.assumptions)
    assert [control.altered for control in found.controls if not control.caught] == []


@pytest.mark.slow
def test_a_wrong_law_fails() -> None:
    _ = outcome()  # its networks are kept for all
    for name in ("n counts as 1/w does", "no residual"):
        assert statement.run(SETTINGS, MUTANTS[name]).verdict is Verdict.FAILS
