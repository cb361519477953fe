"""Trained networks against the kernel's prediction: each of them, and their mean."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt

from checks.claims.expected_loss.loss_forms import CORRECT, LITERAL, Form, Problem, problem
from checks.claims.expected_loss.trained import Trained, train
from checks.settings import Settings
from checks.tools.exponents import power_law
from glutheory.claims import About, Assumption, Evidence, Figure, Finding, Grade
from glutheory.dynamics import expected_loss

Array = npt.NDArray[np.float64]
#: Of the largest stable rate: η λ_max = 0.9.
FRACTION = 0.45


@lru_cache(maxsize=64)
def experiment(name: str, width: int, count: int, thorough: bool, settings: Settings) -> tuple[Problem, Trained]:
    """Networks of one width, trained on Gaussian inputs with noisy linear targets."""
    n, d, steps = (40, 16, 80) if thorough else (16, 8, 40)
    rng = np.random.default_rng(settings.stream(f"expected-loss/data/{n}"))
    X = rng.standard_normal((n, d))
    Y = X @ rng.standard_normal(d) / np.sqrt(d) + 0.1 * rng.standard_normal(n)
    given = problem(name, width, X, Y, FRACTION)
    seed = settings.stream(f"expected-loss/{name}/{width}")
    found = train(name, X, Y, width=width, count=count, rate=given.rate, steps=steps, seed=seed, device=settings.device)
    return given, found


def experiments(name: str, settings: Settings) -> list[tuple[Problem, Trained]]:
    thorough = settings.profile.thorough
    widths, count = ((128, 256, 512, 1024, 2048, 4096), 32) if thorough else ((128, 256, 512, 1024), 48)
    return [experiment(name, width, count, thorough, settings) for width in widths]


def deviations(found: Trained, predicted: Array) -> Array:
    """For each network the largest |L − prediction| over the steps, relative to its initial loss."""
    return np.asarray(np.max(np.abs(found.losses - predicted), axis=1) / found.losses[:, 0])


def steps_of(found: Trained) -> Array:
    """0, 1, 2, …: the steps of the losses."""
    return np.arange(found.losses.shape[1], dtype=np.float64)


def from_own_kernel(given: Problem, found: Trained) -> Array:
    """The deviations from the prediction with each network's own kernel at initialisation."""
    pairs = zip(found.outputs, found.kernels, strict=True)
    curves = [expected_loss(kernel, None, given.Y - f).descent(steps_of(found), given.rate) for f, kernel in pairs]
    return deviations(found, np.stack(curves))


def trajectories(names: tuple[str, ...], settings: Settings, form: Form) -> Evidence:
    """Every trained network against the kernel's prediction from its own initial outputs: the error falls like m^-1/2.

    The kernel at initialisation deviates from its mean by c/√m, so the exponent is −1/2 up to corrections of relative
    order m^-1/2, here at most 1/√128.
    """
    rows, passed = dict[str, Figure](), True
    for name in names:
        widths, sizes, own = list[float](), list[float](), list[float]()
        for given, found in experiments(name, settings):
            values = deviations(found, form.single(given, found.outputs, steps_of(found)))
            widths += [given.width] * len(values)
            sizes += values.tolist()
            own += from_own_kernel(given, found).tolist()
        fit = power_law(sizes, m=widths)
        low, high = fit.interval("m")
        slack = 1 / np.sqrt(min(widths))
        passed = passed and low - slack <= -0.5 <= high + slack
        rows[name] = {
            "exponent": fit.exponent("m"),
            "low": low,
            "high": high,
            "error at the largest width": float(np.mean(sizes[-len(values) :])),
            "exponent with each network's own initial kernel": power_law(own, m=widths).exponent("m"),
        }
    what = f"each trained network against its kernel prediction: the exponent of its error in m ({', '.join(names)})"
    return Evidence(Grade.NUMERICAL, what, Finding.of(passed), About.CORRECTED, figures=rows)


def means(names: tuple[str, ...], settings: Settings, form: Form) -> Evidence:
    """The mean trained loss at the largest width against the form.

    Allowed are five standard errors, known in the limit (f₀ Gaussian: Var L = 2 Tr(AΣAΣ) + 4 YᵀAΣAY), and the mean
    effect of finite width, which `trajectories` measures and finds to vanish.
    """
    rows, worst = dict[str, Figure](), 0.0
    for name in names:
        given, found = experiments(name, settings)[-1]
        steps, count = steps_of(found), len(found.losses)
        effect = np.abs(np.mean(found.losses - CORRECT.single(given, found.outputs, steps), axis=0))
        allowed = 5 * spread(given, steps) / np.sqrt(count) + effect
        off = np.abs(found.losses.mean(axis=0) - form.mean(given, steps)) / allowed
        worst = max(worst, float(off.max()))
        printed = LITERAL.mean(given, steps) / found.losses.mean(axis=0)
        rows[name] = {
            "width": given.width,
            "networks": count,
            "largest deviation over what is allowed": float(off.max()),
            "printed form over measured loss": [float(printed[0]), float(printed[-1])],
        }
    what = f"the mean loss of trained networks against the form, at every step ({', '.join(names)})"
    return Evidence(Grade.NUMERICAL, what, Finding.of(worst <= 1), About.CORRECTED, figures=rows)


def spread(given: Problem, steps: Array) -> Array:
    """The standard deviation of the loss over initialisations, at each step."""
    Q, lam = given.modes.vectors, given.modes.values
    sigma, y = Q.T @ given.sigma @ Q, Q.T @ given.Y
    values = []
    for k in steps:
        a = (1 - given.rate * lam) ** (2 * k)
        product = a[:, None] * sigma
        values.append(2 * np.sum(product * product.T) + 4 * (a * y) @ sigma @ (a * y))
    return np.sqrt(values)


def regime(names: tuple[str, ...], settings: Settings) -> Assumption:
    """The widest networks follow the prediction of their own initial kernel: it hardly moves."""
    worst = 0.0
    for name in names:
        worst = max(worst, float(np.max(from_own_kernel(*experiments(name, settings)[-1]))))
    return Assumption(
        "kernel regime",
        "the widest networks follow their own initial kernel within 1 % of the initial loss",
        worst < 0.01,
        f"largest deviation {worst:.2g}",
    )


def stable(names: tuple[str, ...], settings: Settings) -> Assumption:
    """η λ_max < 2 in every experiment."""
    found = [given.rate * float(given.modes.values[-1]) for name in names for given, _ in experiments(name, settings)]
    statement = "the learning rate is below 2 over the largest eigenvalue"
    return Assumption("stable", statement, max(found) < 2, f"largest eta lambda_max {max(found):.3g}")
