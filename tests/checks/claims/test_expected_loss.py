"""Prop. 4.1: its parts one by one against naive references, and the whole check (slow)."""

from __future__ import annotations

import json
from collections.abc import Iterator

import numpy as np
import pytest

from checks import runner
from checks.claims.expected_loss import loss_forms, statement, trained_losses
from checks.claims.expected_loss.initial_outputs import draw, second_moments, variances
from checks.claims.expected_loss.loss_forms import CORRECT, MUTANTS, counterpart, problem
from checks.claims.expected_loss.trained import train
from checks.claims.expected_loss.trained_losses import FAULTS, means, spread, tails, trajectories
from checks.settings import Settings
from checks.tools.roads import lecun, sample
from glutheory.claims import About, Finding, Verdict
from glutheory.dynamics import expected_loss as loss_curve

QUICK = Settings()
X = np.random.default_rng(0).standard_normal((5, 3))
Y = np.array([1.0, -1.0, 0.5, 2.0, 0.0])


class TestTraining:
    @pytest.mark.parametrize("name", ["relu", "swiglu", "geglu"])
    def test_one_step_and_the_kernel_by_finite_differences(self, name: str) -> None:
        """The loss after a tiny step falls by η ∇LᵀKe; the kernel is that of perturbed outputs."""
        rate = 1e-7
        found = train(name, X, Y, width=7, count=3, rate=rate, steps=1, seed=1)
        residual = found.outputs - Y
        assert found.losses[:, 0] == pytest.approx(np.sum(residual**2, axis=1))
        slope = -2 * np.einsum("ni,nij,nj->n", residual, found.kernels, residual)
        assert (found.losses[:, 1] - found.losses[:, 0]) / rate == pytest.approx(slope, rel=1e-4)

    def test_a_seed_is_a_network(self) -> None:
        first, second = (train("relu", X, Y, width=4, count=2, rate=0.01, steps=2, seed=5) for _ in range(2))
        assert np.array_equal(first.losses, second.losses)

    def test_wide_networks_follow_their_own_kernel(self) -> None:
        given = problem("relu", 512, X, Y, 0.4)
        found = train("relu", X, Y, width=512, count=2, rate=given.rate, steps=20, seed=2)
        for losses, f, kernel in zip(found.losses, found.outputs, found.kernels, strict=True):
            curve = loss_curve(kernel, None, Y - f).descent(np.arange(21), given.rate)
            assert losses == pytest.approx(curve, abs=1e-2 * losses[0])

    def test_the_spread_over_initialisations(self) -> None:
        """Against Gaussian outputs, 20000 of them."""
        given = problem("reglu", 64, X, Y, 0.4)
        rng, k = np.random.default_rng(3), np.array([0.0, 3.0])
        f = rng.multivariate_normal(np.zeros(5), given.sigma, size=20_000)
        power = np.linalg.matrix_power(np.eye(5) - given.rate * given.K, 3)
        losses = [np.sum((f - Y) ** 2, axis=1), np.sum(((f - Y) @ power) ** 2, axis=1)]
        assert spread(given, k) == pytest.approx([float(np.std(values)) for values in losses], rel=0.05)


class TestTrainedLosses:
    """What is allowed comes from nothing that is judged."""

    @pytest.fixture
    def small(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
        made = []
        for width in (64, 256, 1024):
            given = problem("relu", width, X, Y, 0.45)
            made.append((given, train("relu", X, Y, width=width, count=32, rate=given.rate, steps=12, seed=width)))
        monkeypatch.setattr(trained_losses, "experiments", lambda *_: made)
        trained_losses.untrained.cache_clear()
        yield
        trained_losses.untrained.cache_clear()

    @pytest.mark.usefixtures("small")
    def test_right_losses_pass_and_wrong_ones_do_not(self) -> None:
        for judge in (trajectories, means):
            assert judge(("relu",), QUICK, CORRECT).finding is Finding.SUPPORTS
            for label, fault in FAULTS.items():
                assert judge(("relu",), QUICK, CORRECT, fault).finding is Finding.REFUTES, (judge, label)
        assert means(("relu",), QUICK, CORRECT).figures["false_alarm"] == 1e-8

    def test_the_tails_of_a_mean(self) -> None:
        """Against Gaussian outputs: 20000 means of 8 losses, each bound exceeded with probability below e^-3."""
        given, k = problem("reglu", 64, X, Y, 0.45), np.array([0.0, 4.0])
        f = np.random.default_rng(3).multivariate_normal(np.zeros(5), given.sigma, size=(20_000, 8))
        power = np.linalg.matrix_power(np.eye(5) - given.rate * given.K, 4)
        losses = [np.sum(((f - Y) @ matrix) ** 2, axis=2).mean(axis=1) for matrix in (np.eye(5), power)]
        up, down = tails(given, k, 8, 3.0)
        for values, above, below, true in zip(losses, up, down, CORRECT.mean(given, k), strict=True):
            # e^-3 = 0.0498, and five standard errors of a share of 20000
            assert np.mean(values > true + above) <= 0.0498 + 0.008
            assert np.mean(values < true - below) <= 0.0498 + 0.008


class TestOutputs:
    @pytest.mark.parametrize("name", ["relu", "geglu"])
    def test_the_variances_are_those_of_the_samples(self, name: str) -> None:
        setting = lecun(name, sample(1, 4, extremes=False)[:2], 16)
        f = draw(setting, 7, 60_000)
        first, second = variances(setting)
        assert np.var(f, axis=0) == pytest.approx(first, rel=0.05)
        found = [np.var(f[:, i] * f[:, j]) for i, j in setting.pairs]
        assert found == pytest.approx(second.tolist(), rel=0.3)

    def test_the_covariance_is_accepted_and_wrong_ones_are_not(self) -> None:
        chosen = (lecun("relu", sample(2, 4, extremes=False), 16),)
        for form in (CORRECT, *MUTANTS.values()):
            found = second_moments(form.entry, chosen, QUICK, 1 << 14, About.CORRECTED)
            right = form.entry is loss_forms.nngp
            assert found.finding is (Finding.SUPPORTS if right else Finding.REFUTES)
            assert found.figures["false_alarm"] == 1e-8


class TestForms:
    @pytest.mark.parametrize("label", MUTANTS)
    def test_every_wrong_form_differs(self, label: str) -> None:
        given, steps = problem("reglu", 64, X, Y, 0.4), np.array([0.0, 1.0, 10.0])
        right, wrong = CORRECT.mean(given, steps), MUTANTS[label].mean(given, steps)
        assert np.max(np.abs(wrong / right - 1)) > 0.02

    def test_the_right_form_is_the_mean_over_starts(self) -> None:
        given, steps = problem("relu", 64, X, Y, 0.4), np.array([0.0, 2.0])
        f = np.linalg.cholesky(given.sigma).T * np.sqrt(5)
        both = np.concatenate([f, -f])
        assert CORRECT.single(given, both, steps).mean(axis=0) == pytest.approx(CORRECT.mean(given, steps))

    def test_counterparts(self) -> None:
        assert [counterpart(name) for name in ("relu", "geglu", "silu")] == ["reglu", "gelu", "swiglu"]

    def test_what_is_printed_has_no_common_factor(self) -> None:
        found = statement.literal(QUICK.stream("x"))
        assert found.finding is Finding.REFUTES
        assert found.figures["certainly not zero"] == found.figures["differences"]

    def test_divided_by_the_width(self) -> None:
        assert statement.divided(3).finding is Finding.SUPPORTS


@pytest.mark.slow
def test_the_check_end_to_end() -> None:
    found = statement.run(QUICK)
    assert all(control.caught for control in found.controls), found.controls
    assert all(assumption.holds for assumption in found.assumptions), found.assumptions
    assert (found.verdict, found.grade) == (Verdict.CORRECTED, "proof")
    assert found.false_alarm <= 1e-7
    assert len(found.charts) == 2
    json.dumps(runner.document([found], QUICK), allow_nan=False)
    for form in MUTANTS.values():
        assert statement.run(QUICK, form).verdict is Verdict.FAILS
