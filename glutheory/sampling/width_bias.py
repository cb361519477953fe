"""How far the kernels of finite deep networks are from their limit: the bias, its law in the width, and its size.

The mean kernel of networks of two layers is the limit at every width. From two hidden layers on it differs by A/m to
first order, m the width (Hanin & Nica 2020; Dyer & Gur-Ari 2020). Here A and the exponent are measured: a contrast of
the kernel, one number, is averaged over draws at several widths, and the power law that fits best is found with an
interval that follows from the draws alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from glutheory.errors import DomainError
from glutheory.ground.arguments import integer, real
from glutheory.ground.executors import check_executor
from glutheory.ground.progress import bar
from glutheory.layers import Stack
from glutheory.sampling.estimate import handed_out
from glutheory.sampling.power_law import power_law
from glutheory.sampling.prepared import WORKSPACE, prepare

_Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class WidthBias:
    """The bias of the kernels of finite networks, and the power of the width that it follows.

    Attributes:
        widths: m, increasing.
        draws: the number of independent networks of each width.
        bias: per width, of the contrast: its mean over draws less its limit.
        standard_error: of each.
        slope: s of the law bias = constant·m^s that fits best (least squares, weighted by the errors).
        interval: of the slope, at the level asked for; an end at −6 or 3 is none: the bias is not resolved.
        level: the probability with which the interval holds the slope, where there is such a law.
        p_value: the probability of so bad a fit, or a worse one, where there is such a law; 1 for two widths.
        coefficient: A of bias ≈ A/m, fitted entry by entry, shape (n, n).
        coefficient_error: its standard error, shape (n, n).
    """

    widths: tuple[int, ...]
    draws: tuple[int, ...]
    bias: tuple[float, ...]
    standard_error: tuple[float, ...]
    slope: float
    interval: tuple[float, float]
    level: float
    p_value: float
    coefficient: _Array
    coefficient_error: _Array


def width_bias(
    stack: Stack,
    X: Any,
    limit: Any,
    *,
    widths: Sequence[int],
    draws: int | Sequence[int],
    seed: int,
    kind: str = "ntk",
    contrast: Any = None,
    level: float = 0.999,
    trained: str | Iterable[str] | None = None,
    device: str | torch.device = "cpu",
    dtype: torch.dtype = torch.float64,
    workspace: int = WORKSPACE,
    progress: bool | None = None,
    executor: Executor | None = None,
) -> WidthBias:
    """Measure the bias at several widths, in the ntk parametrisation.

    Fix widths, draws and contrast before looking at any.

    Args:
        stack: a `glutheory.Stack`.
        X: inputs, shape (n, d) or (n, positions, d).
        limit: the kernel in the limit of infinite width, shape (n, n), e.g. ``glutheory.gram(stack, X)``.
        widths: at least two, increasing; a decade shows a power.
        draws: networks of each width, one number or one for each; for like relative errors they grow as the width.
        seed: a non-negative integer; no two networks share their weights.
        kind: "ntk" or "nngp".
        contrast: C of the number Σ_ij C_ij K_ij that is averaged, shape (n, n); left out, the mean over all entries
            of K_ij/√(limit_ii limit_jj).
        level: of the interval.
        trained: as in `empirical_ntk`.
        device: as in `monte_carlo`.
        dtype: as in `monte_carlo`.
        workspace: as in `monte_carlo`.
        progress: as in `monte_carlo`.
        executor: as in `monte_carlo`.

    Raises:
        DomainError: a bad argument, or a stack whose kernel is not random.
        ExpressionError: an activation that torch cannot compute.
        UnknownNameError: no such group of weights.
    """
    if not isinstance(stack, Stack):
        raise DomainError(f"stack is {repr(stack)[:60]}: give a glutheory.Stack; networks of two layers have no bias.")
    sizes = _increasing(widths)
    counts = _counts(draws, len(sizes))
    seed, level = integer("seed", seed, 0), real("level", level, above=0, below=1)
    if executor is not None:
        check_executor("executor", executor)
    common: dict[str, Any] = {
        "kind": kind,
        "trained": trained,
        "parametrization": "ntk",
        "device": device,
        "dtype": dtype,
        "variances": None,
        "workspace": workspace,
    }
    options = [{"width": width, **common} for width in sizes]
    prepared = [prepare(stack, X, **own) for own in options]
    n = len(prepared[0].inputs)
    exact = _matrix("limit", limit, n)
    if contrast is None:
        if np.any(np.diag(exact) <= 0):
            raise DomainError("limit has a diagonal that is not positive: give contrast.")
        root = np.sqrt(np.diag(exact))
        weight = 1 / (n**2 * np.outer(root, root))
    else:
        weight = _matrix("contrast", contrast, n)
    means, errors, biases, deviations = [], [], [], []
    start = 0
    with bar(progress, "draws", sum(counts), 0) as advance:
        for own, given, count in zip(prepared, options, counts, strict=True):
            total, square, numbers = np.zeros((n, n)), np.zeros((n, n)), np.empty(count)
            drawn = range(start, start + count)
            samples: Iterator[torch.Tensor] = own.totals(seed, drawn)
            if executor is not None:
                samples = handed_out(executor, own, (stack, given, seed), drawn)
            for i, sample in enumerate(samples):
                # deviations from the limit, so that squares do not cancel
                apart = sample.to(torch.float64).cpu().numpy() - exact
                total += apart
                square += apart**2
                numbers[i] = np.sum(weight * apart)
                advance(1)
            start += count
            means.append(total / count)
            errors.append(np.sqrt(np.maximum(square - total**2 / count, 0) / (count - 1) / count))
            biases.append(float(numbers.mean()))
            deviations.append(float(numbers.std(ddof=1) / count**0.5))
    if min(deviations) <= 1e-13 * np.sum(np.abs(weight * exact)):
        raise DomainError("stack has the same kernel in all draws: there is no bias to measure, compare it with limit.")
    slope, interval, p_value = power_law(sizes, biases, deviations, level)
    coefficient, error = _first_order(np.array(sizes), np.stack(means), np.stack(errors))
    return WidthBias(
        sizes, counts, tuple(biases), tuple(deviations), slope, interval, level, p_value, coefficient, error
    )


def _first_order(widths: npt.NDArray[np.int64], bias: _Array, error: _Array) -> tuple[_Array, _Array]:
    """A of bias ≈ A/m by weighted least squares over the first axis, and its standard error."""
    law = 1 / widths.astype(float)[:, None, None]
    # an entry without spread (a fixed kernel) counts alike at all widths
    weight = 1 / np.where(error > 0, error, 1.0) ** 2
    normal = np.sum(weight * law**2, axis=0)
    return np.sum(weight * law * bias, axis=0) / normal, np.sqrt(np.sum((weight * law * error) ** 2, axis=0)) / normal


def _increasing(widths: Any) -> tuple[int, ...]:
    try:
        found = tuple(integer("widths", width, 1) for width in widths)
    except TypeError:
        raise DomainError(f"widths is {widths!r}: give at least two widths, increasing.") from None
    if len(found) < 2 or any(one >= two for one, two in pairwise(found)):
        raise DomainError(f"widths is {widths!r}: give at least two widths, increasing.")
    return found


def _counts(draws: Any, count: int) -> tuple[int, ...]:
    if not isinstance(draws, Sequence):
        return (integer("draws", draws, 2),) * count
    if len(draws) != count:
        raise DomainError(f"draws has {len(draws)} entries: give one number, or one for each of the {count} widths.")
    return tuple(integer("draws", entry, 2) for entry in draws)


def _matrix(name: str, value: Any, n: int) -> _Array:
    found = np.asarray(value.detach().cpu() if isinstance(value, torch.Tensor) else value, dtype=float)
    if found.shape != (n, n):
        raise DomainError(f"{name} has the shape {found.shape}: give a matrix of shape {(n, n)}.")
    if (wrong := found[~np.isfinite(found)]).size:
        raise DomainError(f"{name} has the entry {wrong[0]:g}: give finite numbers.")
    return found
