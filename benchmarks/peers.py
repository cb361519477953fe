"""The same kernels by what one would use otherwise: a plain formula in numpy, that by torch.compile, neural-tangents.

The plain formulas are written once for numpy and torch, as one would write them, without a thought for nearly parallel
rows: closed forms, and for SiLU a Hermite series of 30 terms. neural-tangents has no closed form for SiLU either; its
`ElementwiseNumerical` with the 25 nodes of its documentation takes 625 numbers an entry, so here up to 300 rows only.
"""

from __future__ import annotations

import math
import shutil
import warnings
from collections.abc import Callable
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.polynomial import hermite_e

PEERS = ("numpy", "torch.compile", "neural-tangents")
#: NNGP and NTK.
Pair = tuple[Any, Any]

_TERMS, _NODES = 30, 100
_DEGREE, _MOST = 25, 300
_ACTIVATIONS = {"relu": "relu", "reglu": "relu", "gelu": "gelu", "geglu": "gelu", "silu": "silu", "swiglu": "silu"}
_GATED = {"reglu", "geglu", "swiglu"}


def missing() -> dict[str, str]:
    """The peers that cannot run here, each with the reason."""
    found = {}
    if find_spec("torch") is None:
        found["torch.compile"] = "torch is not installed"
    elif shutil.which("g++") is None and shutil.which("clang++") is None:
        found["torch.compile"] = "there is no C++ compiler"
    if find_spec("neural_tangents") is None:
        found["neural-tangents"] = "it is not installed"
    else:
        try:
            import_module("neural_tangents")
        except (ImportError, AttributeError) as error:  # what an old package meets in a new JAX
            reason = f"{type(error).__name__}: {error}".splitlines()[0]
            found["neural-tangents"] = f"it does not import here ({reason[:100]})"
    return found


def task(peer: str, name: str, X: np.ndarray, Y: np.ndarray | None) -> Callable[[], Pair] | None:
    """NNGP and NTK of a network by this peer, as a call without arguments; None where that would be no comparison.

    Raises:
        KeyError: a network that no peer has here, or no peer of that name.
    """
    if peer == "neural-tangents":
        return _neural_tangents(name, X, Y)
    if peer == "torch.compile":
        torch = import_module("torch")
        torch._dynamo.reset()
        data = [torch.from_numpy(X), torch.from_numpy(X if Y is None else Y)]
        return partial(torch.compile(partial(plain, torch, name), dynamic=False), *data)
    return partial(plain, {"numpy": np}[peer], name, X, X if Y is None else Y)


def plain(xp: Any, name: str, X: Any, Y: Any) -> Pair:
    """By the formula; arrays of numpy or torch of one type, `Y` may be `X`."""
    d = X.shape[1]
    c = X @ Y.T / d
    a, b = (X * X).sum(-1)[:, None] / d, (Y * Y).sum(-1)[None, :] / d
    S, cT = _DUALS[_ACTIVATIONS[name]](xp, a, b, c)
    return (S * c, 2 * S * c + c * cT) if name in _GATED else (S, S + cT)


def _relu(xp: Any, a: Any, b: Any, c: Any) -> Pair:
    norms = xp.sqrt(a) * xp.sqrt(b)
    rho = xp.clip(c / norms, -1, 1)
    angle = xp.arcsin(rho) + math.pi / 2
    return (norms * xp.sqrt(1 - rho * rho) + c * angle) / (2 * math.pi), c * angle / (2 * math.pi)


def _gelu(xp: Any, a: Any, b: Any, c: Any) -> Pair:
    grown = (1 + a) * (1 + b)
    rest = grown - c * c
    both = xp.sqrt(rest) * (2 * math.pi)
    sums = 1 / (1 + a) + 1 / (1 + b)
    P = xp.arcsin(c / xp.sqrt(grown)) / (2 * math.pi) + 0.25
    return c * P + (a * b - c * c + c * c * sums) / both, c * (P + c * (sums + 1 / rest) / both)


def _silu(xp: Any, a: Any, b: Any, c: Any) -> Pair:
    nodes, weights = hermite_e.hermegauss(_NODES)
    norms = [1 / math.sqrt(math.sqrt(2 * math.pi) * math.factorial(k)) for k in range(_TERMS)]
    polynomials = hermite_e.hermevander(nodes, _TERMS - 1) * norms * weights[:, None] / (2 * math.pi) ** 0.25
    nodes, polynomials = (xp.asarray(part, dtype=c.dtype) for part in (nodes, polynomials))

    def coefficients(variance: Any) -> Any:
        z = xp.sqrt(variance).reshape(-1, 1) * nodes
        return (z / (1 + xp.exp(-z))) @ polynomials

    left, right = coefficients(a), coefficients(b)
    rho = c / (xp.sqrt(a) * xp.sqrt(b))
    power = rho
    S, cT = xp.outer(left[:, 0], right[:, 0]), 0 * rho
    for k in range(1, _TERMS):
        term = xp.outer(left[:, k], right[:, k]) * power
        S, cT, power = S + term, cT + k * term, power * rho
    return S, cT


_DUALS: dict[str, Callable[[Any, Any, Any, Any], Pair]] = {"relu": _relu, "gelu": _gelu, "silu": _silu}


def _neural_tangents(name: str, X: np.ndarray, Y: np.ndarray | None) -> Callable[[], Pair] | None:
    if _ACTIVATIONS[name] == "silu" and max(len(X), 0 if Y is None else len(Y)) > _MOST:
        return None
    jax, nt = import_module("jax"), import_module("neural_tangents")
    jax.config.update("jax_enable_x64", True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that a layer is numerical, and that it takes branches for independent
        *_, kernel = _layers(name, jax, nt.stax)
        compiled = jax.jit(partial(kernel, get=("nngp", "ntk")))
        data = jax.numpy.asarray(X), None if Y is None else jax.numpy.asarray(Y)
        compiled(*data)
    return lambda: tuple(jax.block_until_ready(compiled(*data)))


def _layers(name: str, jax: Any, stax: Any) -> Any:
    activation = {
        "relu": stax.Relu,
        "gelu": stax.Gelu,
        "silu": partial(stax.ElementwiseNumerical, jax.nn.silu, deg=_DEGREE),
    }[_ACTIVATIONS[name]]()
    gate = stax.serial(stax.Dense(1), activation)
    if name in _GATED:
        gate = stax.serial(stax.FanOut(2), stax.parallel(stax.Dense(1), gate), stax.FanInProd())
    return stax.serial(gate, stax.Dense(1))
