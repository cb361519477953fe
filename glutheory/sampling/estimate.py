"""Mean and standard error of the sampled kernel over many draws, streaming and resumable."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Generator, Iterable, Iterator, Mapping
from concurrent.futures import Executor
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from glutheory.errors import DomainError
from glutheory.ground import store as checkpoints
from glutheory.ground.arguments import as_exact, integer
from glutheory.ground.executors import check_executor
from glutheory.ground.progress import bar
from glutheory.ground.workers import in_order
from glutheory.layers import Stack
from glutheory.networks import Network
from glutheory.sampling.prepared import WORKSPACE, Prepared, prepare

#: Raised whenever the weights of a given seed change, so that old checkpoints are refused.
FORMAT = 1
#: Seconds between checkpoints.
INTERVAL = 30.0
#: Of an executor: draws in its hands at most, and more of them while they fill less than so many bytes.
_AHEAD, _WAITING = 32, 2**28


@dataclass(frozen=True)
class Estimate:
    """A Monte Carlo mean with its error.

    Attributes:
        mean: shape (n, n), float64, exactly symmetric; its expectation is the infinite-width kernel, for a stack with
            two hidden layers or more up to O(1/width) (see `width_bias`).
        standard_error: shape (n, n): the sample standard deviation over draws, divided by √draws; inf for one draw.
        draws: the number of independent draws.
    """

    mean: npt.NDArray[np.float64]
    standard_error: npt.NDArray[np.float64]
    draws: int


@dataclass(frozen=True)
class _Moments:
    """Running mean and sum of squared deviations (Welford 1962), shape (n, n), float64, on the sampler's device."""

    count: int
    mean: torch.Tensor
    m2: torch.Tensor

    def push(self, sample: torch.Tensor) -> _Moments:
        """A new record: an interrupted run finds either the old one or the new one, never a half."""
        sample = sample.to(torch.float64)
        count = self.count + 1
        delta = sample - self.mean
        mean = self.mean + delta / count
        return _Moments(count, mean, torch.addcmul(self.m2, delta, sample - mean))


def monte_carlo(
    network: str | Network | Stack,
    X: Any,
    *,
    kind: str = "ntk",
    width: int,
    draws: int,
    seed: int,
    device: str | torch.device = "cpu",
    dtype: torch.dtype = torch.float64,
    parametrization: str = "ntk",
    variances: Mapping[str, float] | None = None,
    trained: str | Iterable[str] | None = None,
    workspace: int = WORKSPACE,
    progress: bool | None = None,
    checkpoint: str | os.PathLike[str] | None = None,
    executor: Executor | None = None,
) -> Estimate:
    """The mean of the kernels of `draws` independent random networks; fix their number before looking at any.

    Draw i is ``empirical_ntk(..., seed=seed, draw=i)``. The result depends on the seed and `draws`; chunks, threads and
    device change it by rounding only.

    Args:
        network: a `glutheory.Network` or a name of the zoo, or a `glutheory.Stack`.
        X: inputs, shape (n, d); (n, positions, d) for a stack with a mean over positions.
        kind: "ntk" or "nngp".
        width: hidden neurons m of each network; of a stack the units of every layer.
        draws: how many networks.
        seed: a non-negative integer.
        device: where to compute.
        dtype: of each draw; float32 is faster, but its rounding (1e-7 relative) is no random error and does not
            average out. Means are accumulated in float64 either way.
        parametrization: "ntk" or "standard".
        variances: as in `empirical_ntk`.
        trained: as in `empirical_ntk`.
        workspace: bytes of temporary arrays, as in `empirical_ntk`.
        progress: show a progress bar on stderr; by default where that is a terminal.
        checkpoint: a file (.npz) written every 30 seconds, at the end, and when the run is interrupted. If it exists,
            the run goes on from there, with the same result as if it had never stopped; more draws than before may be
            asked for.
        executor: any `concurrent.futures.Executor`, whose workers draw; each sends (n, n) numbers a draw, and computes
            on one thread, so that the result is the same, bit for bit, for any number of them.

    Raises:
        DomainError: a bad argument, or a checkpoint of other settings.
        ExpressionError: an activation that torch cannot compute.
        UnknownNameError: no such network or group of weights.
    """
    draws, seed = integer("draws", draws, 1), integer("seed", seed, 0)
    path = checkpoints.check_path(checkpoint)
    options: dict[str, Any] = {
        "width": width,
        "device": device,
        "dtype": dtype,
        "parametrization": parametrization,
        "kind": kind,
        "variances": variances,
        "trained": trained,
        "workspace": workspace,
    }
    if executor is not None:
        check_executor("executor", executor)
    prepared = prepare(network, X, **options)
    settings = _settings(prepared, kind, seed, parametrization, variances)
    moments = _start(prepared, draws, path, settings)
    saved = moments.count

    def save() -> None:
        nonlocal saved
        if path is not None and moments.count > saved:
            saved = moments.count
            mean, m2 = moments.mean.cpu().numpy(), moments.m2.cpu().numpy()
            checkpoints.save(path, settings, {"count": np.array(moments.count), "mean": mean, "m2": m2})

    due = time.monotonic() + INTERVAL
    try:
        left = range(moments.count, draws)
        samples: Iterator[torch.Tensor] = prepared.totals(seed, left)
        if executor is not None:
            samples = handed_out(executor, prepared, (network, options, seed), left)
        with bar(progress, "draws", draws, moments.count) as advance:
            for sample in samples:
                moments = moments.push(sample)
                advance(1)
                if time.monotonic() >= due:
                    save()
                    due = time.monotonic() + INTERVAL
    finally:
        # also when the user interrupts: nothing of what was computed is lost
        save()
    mean, m2 = moments.mean.cpu().numpy(), moments.m2.cpu().numpy()
    error = np.sqrt(m2 / (draws - 1) / draws) if draws > 1 else np.full_like(m2, np.inf)
    return Estimate(mean, error, draws)


def handed_out(
    executor: Executor, prepared: Prepared, arguments: tuple[Any, ...], draws: range
) -> Generator[torch.Tensor, None, None]:
    """The kernels of some draws, in their order, from the executor's workers.

    Args:
        executor: whose.
        prepared: what is drawn from here.
        arguments: what `prepare` made it of but for the inputs: network and options; and the seed.
        draws: their numbers.
    """
    X = prepared.inputs
    ahead = max(_AHEAD, _WAITING // (8 * len(X) ** 2))
    given = (*arguments[:1], X.cpu().numpy(), *arguments[1:])
    with closing(in_order(_draw, draws, executor, _ready, given, ahead)) as found:
        for sample in found:
            yield torch.from_numpy(sample).to(X.device)


def _ready(
    network: str | Network | Stack, X: npt.NDArray[Any], options: dict[str, Any], seed: int
) -> tuple[Prepared, int]:
    return prepare(network, X, **options), seed


def _draw(draw: int, given: tuple[Prepared, int]) -> npt.NDArray[Any]:
    prepared, seed = given
    (sample,) = prepared.totals(seed, range(draw, draw + 1))
    found: npt.NDArray[Any] = sample.cpu().numpy()
    return found


def _settings(
    prepared: Prepared, kind: str, seed: int, parametrization: str, variances: Mapping[str, float] | None
) -> dict[str, Any]:
    """All that the draws depend on beyond rounding, as JSON."""
    X = prepared.inputs.cpu().numpy()
    return {
        "format": FORMAT,
        **prepared.settings(),
        "kind": kind,
        "X": [list(X.shape), hashlib.sha256(X.tobytes()).hexdigest()],
        "width": prepared.width,
        "seed": seed,
        "dtype": str(prepared.inputs.dtype),
        "parametrization": parametrization,
        "variances": {name: float(as_exact(name, value)) for name, value in (variances or {}).items()},
    }


def _start(prepared: Prepared, draws: int, path: Path | None, settings: dict[str, Any]) -> _Moments:
    """The moments to go on from: those of the checkpoint, or none."""
    X = prepared.inputs
    saved = None if path is None else checkpoints.load(path, settings)
    if saved is None:
        zero = X.new_zeros(len(X), len(X), dtype=torch.float64)
        return _Moments(0, zero, zero)
    try:
        count, mean, m2 = int(saved["count"]), saved["mean"], saved["m2"]
    except (KeyError, TypeError, ValueError):
        raise DomainError(f"checkpoint {str(path)!r} is not readable as one: delete it or give another.") from None
    if count > draws:
        raise DomainError(f"draws is {draws}, but checkpoint {str(path)!r} holds {count}: give at least as many.")
    return _Moments(count, torch.from_numpy(mean).to(X.device), torch.from_numpy(m2).to(X.device))
