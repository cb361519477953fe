"""`gram` on the arrays of array-api-strict: what leaves the standard raises there, and so does mixing devices.

So that what runs here on a device of its own has no silent way over the host: numpy cannot read from that device, and
arrays made without naming it cannot be added to those on it. One thing is allowed that the standard lacks and that
numpy, torch and CuPy have: assignment to places given by integer arrays.
"""

from __future__ import annotations

import math
from typing import Any

import array_api_compat
import numpy as np
import pytest

import glutheory as glu
from glutheory.errors import DomainError
from glutheory.layers import dense, layernorm, product, readout

xp = pytest.importorskip("array_api_strict")

DEVICE, HOST = xp.Device("device1"), xp.Device("CPU_DEVICE")
RNG = np.random.default_rng(0)
#: Far, near, same, opposite and zero rows, of several norms.
X = RNG.standard_normal((24, 5)) * np.geomspace(0.1, 10, 24)[:, None]
X[3], X[4], X[5], X[6] = X[2] * (1 + 1e-9), X[2], -X[2], 0
X[7] = X[8] + 1e-7
Y = np.concatenate([X[:5] + 1e-8, RNG.standard_normal((6, 5))])
#: One of every family of evaluators, gated and not, and stacks.
NETWORKS: dict[str, Any] = {
    **{name: name for name in ("relu", "reglu", "gelu", "geglu", "erf", "sigmoid", "swiglu", "tanh", "softplus")},
    **{name: name for name in ("silu", "sine", "cos", "exp", "identity", "leaky_relu", "monomial2")},
    "stack": glu.stack("reglu", 3, norm="rms", residual=True),
    "deep swiglu": glu.stack("swiglu", 2, norm="rms", residual=True),
    "without norms": glu.stack("reglu", 2, norm=None, residual=True),
    "means taken away": glu.composed(
        product("relu"), dense(bias=1), product("relu"), layernorm(), product("relu"), readout()
    ),
}


@pytest.fixture(autouse=True)
def _assignment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Assignment to integer indices, and to them beside slices."""
    strict = type(xp.asarray(0.0))
    usual = strict.__setitem__

    def assign(self: Any, key: Any, value: Any) -> None:
        parts = key if isinstance(key, tuple) else (key,)
        if not any(isinstance(part, strict) and "int" in str(part.dtype) for part in parts):
            usual(self, key, value)
            return
        for other in (*parts, value):
            if isinstance(other, strict) and other.device != self.device:
                raise ValueError(f"assignment from {other.device} to {self.device}")
        own = tuple(part._array if isinstance(part, strict) else part for part in parts)
        self._array[own] = value._array if isinstance(value, strict) else value

    monkeypatch.setattr(strict, "__setitem__", assign)


@pytest.fixture(autouse=True)
def moved(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The sizes of what goes to the host by `numeric.arrays.host`, the one way there."""
    sizes: list[int] = []

    def to_device(array: Any, _: str) -> Any:
        sizes.append(math.prod(array.shape))
        return array.to_device(HOST)

    monkeypatch.setattr(array_api_compat, "to_device", to_device)
    return sizes


def _host(array: Any) -> np.ndarray:
    assert array.device == DEVICE
    return np.asarray(xp.asarray(array, device=HOST))


@pytest.mark.parametrize("other", [None, Y], ids=["symmetric", "rectangular"])
@pytest.mark.parametrize("name", NETWORKS)
def test_the_same_numbers_without_leaving_the_device(name: str, other: Any, moved: list[int]) -> None:
    rows = X if isinstance(NETWORKS[name], str) else X[np.any(X != 0, axis=1)]
    first, second = (None if part is None else xp.asarray(part, device=DEVICE) for part in (rows, other))
    found = glu.gram(NETWORKS[name], first, second, kind="both")
    # numbers of rows, of terms or of pairs that are nearly parallel, never whole matrices
    assert max(moved, default=0) < found[0].shape[0] * found[0].shape[1] / 2
    for K, right in zip(found, glu.gram(NETWORKS[name], rows, other, kind="both"), strict=True):
        scale = np.sqrt(np.outer(*(np.diag(right) if other is None else np.abs(right).max(axis) for axis in (1, 0))))
        # sums of products in another order, at most
        assert np.max(np.abs(_host(K) - right) / (scale + 1e-300)) < 1e-13


def test_the_double_sees_what_it_should() -> None:
    """Its controls: arrays on two devices, a silent copy to the host, and what only numpy can index."""
    array = xp.asarray(X, device=DEVICE)
    with pytest.raises(ValueError, match="device"):
        array + xp.asarray(X)
    with pytest.raises(RuntimeError, match="Can't convert"):
        np.asarray(array)
    with pytest.raises(IndexError):
        array[0]
    with pytest.raises(ValueError, match="assignment from"):
        array[xp.asarray([0], device=DEVICE), xp.asarray([0], device=DEVICE)] = xp.asarray([1.0])


def test_what_numpy_alone_computes_is_a_sentence() -> None:
    with pytest.raises(DomainError, match="give X on the CPU"):
        glu.gram(glu.stack("geglu", 2, norm=None), xp.asarray(X, device=DEVICE))


def test_two_devices_are_a_sentence() -> None:
    with pytest.raises(DomainError, match="move them to one device"):
        glu.gram("relu", xp.asarray(X, device=DEVICE), xp.asarray(Y, device=HOST))
