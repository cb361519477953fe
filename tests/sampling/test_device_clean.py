"""That nothing but a few numbers goes to the host on the way: a double of a device refuses it, on the CPU.

While it stands, a tensor with more than a few entries cannot be copied to the host, read by numpy or made a list.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.overrides import TorchFunctionMode

import glutheory as glu
from glutheory import sampling
from glutheory.sampling.prepared import WORKSPACE, prepare

#: Numbers that may be read: flags, scales, places of rows; a matrix has 400.
FEW = 40
_AWAY = ("cpu", "numpy", "tolist", "__array__", "__dlpack__", "item")

rng = np.random.default_rng(0)
X = torch.as_tensor(rng.standard_normal((20, 6)))


class _Double(TorchFunctionMode):
    def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = getattr(function, "__name__", "")
        moved = name in _AWAY or (name == "to" and "cpu" in args[1:])
        if moved and isinstance(args[0], torch.Tensor) and args[0].numel() > FEW:
            raise AssertionError(f"{args[0].numel()} numbers go to the host by {name}")
        return function(*args, **(kwargs or {}))


@contextmanager
def device() -> Iterator[None]:
    with _Double():
        yield


def _prepared(network: Any, kind: str) -> Any:
    return prepare(
        network,
        X,
        width=32,
        device="cpu",
        dtype=torch.float64,
        parametrization="ntk",
        kind=kind,
        variances=None,
        trained=None,
        workspace=WORKSPACE,
    )


@pytest.mark.parametrize("kind", ["ntk", "nngp"])
@pytest.mark.parametrize("name", ["relu", "swiglu", "mish_glu", "stack"])
def test_draws_stay_on_the_device(name: str, kind: str) -> None:
    network = glu.stack("geglu", 2, norm="rms", residual=True) if name == "stack" else name
    ready = _prepared(network, kind)
    with device():
        found = list(ready.totals(3, range(2)))
    assert all(bool(torch.isfinite(K).all()) for K in found)
    assert torch.equal(
        found[1], sampling.empirical_ntk(network, X, width=32, seed=3, draw=1, dtype=torch.float64, kind=kind)
    )


def test_the_kernel_of_a_module_stays_on_the_device() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(6, 9), nn.GELU(), nn.Linear(9, 3)).double()
    with device():
        found = sampling.module_ntk(model, X)
    assert torch.equal(found, sampling.module_ntk(model, X))


def test_the_double_sees_what_it_should() -> None:
    """Its controls: each way to the host."""
    for way in (lambda t: t.cpu(), lambda t: t.numpy(), lambda t: t.tolist(), lambda t: t.to("cpu"), np.asarray):
        with device(), pytest.raises(AssertionError, match="go to the host"):
            way(X)
    with device():
        assert isinstance(X.sum().item(), float)
