"""The four kernels of a gate: plain and gated, each with the activation as it is and with the centred one.

The centred activation is φ − μ, μ = E[φ(√q z)] with q the mean of ‖x‖²/d over the inputs: one number, which can be
subtracted in a network. Only S changes, to S_ij − μ(m_i + m_j) + μ² with m_i = E[φ(u_i)], because φ' is what it was.
The exact mean of every row, S_ij − m_i m_j, is a device for kernels: no activation has it unless all norms are equal.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from checks.tools.centred_gains import Logs
from glutheory.networks import GATES, network
from glutheory.numeric import gram
from glutheory.spectra import ConditionNumber, condition_number

Array = npt.NDArray[np.float64]
#: LeCun's kernels over m in the wide limit; full kernels of the ntk parametrisation; and these in a residual block
#: whose branch has mean square 1, on a stream whose own kernel is XXᵀ/d (rows of norm √d).
SETTINGS = ("wide", "ntk", "block")
#: Entries of `gram` are within 1e-14 of the diagonal. Five such add up, and the centred diagonal is the smaller one, by
#: a factor of 7 at most in the zoo (GLU).
_ENTRY_ERROR = 4e-13
_network = lru_cache(maxsize=32)(network)


@dataclass(frozen=True)
class Centre:
    """What is subtracted from the activation.

    Attributes:
        multiple: of the mean; 1 centres.
        rows: whether every row has its own mean, a device for kernels.
    """

    multiple: float = 1.0
    rows: bool = False


@dataclass(frozen=True, eq=False)
class Grams:
    """What all settings and centres are made from.

    Attributes:
        nngp, ntk: of the plain network, ntk parametrisation, shape (n, n).
        gated_nngp, gated_ntk: of the gated network.
        inner: XXᵀ/d.
        column, square: μ m_i, shape (n,), and μ².
        variance: E[φ(z)²].
    """

    nngp: Array
    ntk: Array
    gated_nngp: Array
    gated_ntk: Array
    inner: Array
    column: Array
    square: float
    variance: float


def grams(gate: str, X: Array) -> Grams:
    """Of this gate on the rows of X, shape (n, d)."""
    plain, gated = _network(GATES[gate]), _network(gate)
    G = X @ X.T / X.shape[1]
    q = np.sum(X * X, axis=1) / X.shape[1]
    # S at c = 0: there u and v are independent, and S(a, b, 0) = E[φ(u)] E[φ(v)]
    typical = float(np.mean(q))
    sides = np.zeros((len(q) + 2, 2))
    sides[:-1, 0] = np.sqrt(2 * np.append(q, typical))
    sides[-1, 1] = math.sqrt(2 * typical)
    means = gram(plain, sides, sides[-1:], kind="nngp", threads=1)[:-1, 0]
    variance = float(gram(plain, np.array([[1.0]]), kind="nngp", threads=1)[0, 0])
    (nngp, ntk), (gated_nngp, gated_ntk) = (gram(net, X, kind="both", threads=1) for net in (plain, gated))
    return Grams(nngp, ntk, gated_nngp, gated_ntk, (G + G.T) / 2, means[:-1], float(means[-1]), variance)


@dataclass(frozen=True, eq=False)
class Four:
    """The kernels, shape (n, n) each."""

    plain: Array
    centred: Array
    gated: Array
    centred_gated: Array

    @property
    def all(self) -> tuple[Array, Array, Array, Array]:
        return self.plain, self.centred, self.gated, self.centred_gated


def removed(found: Grams, centre: Centre) -> Array:
    """S − S_c, shape (n, n)."""
    column, square, times = found.column, found.square, centre.multiple
    if square == 0:
        return np.zeros_like(found.nngp)
    if centre.rows:
        return np.outer(column, column) / square * (2 * times - times**2)
    return np.asarray(times * (column[:, None] + column[None, :]) - times**2 * square)


def four(found: Grams, setting: str, centre: Centre) -> Four:
    """The four kernels in one of the `SETTINGS`."""
    off = removed(found, centre)
    if setting == "wide":
        return Four(found.nngp, found.nngp - off, found.gated_nngp, found.gated_nngp - found.inner * off)
    # 2cS + c²T has S twice
    full = found.ntk, found.ntk - off, found.gated_ntk, found.gated_ntk - 2 * found.inner * off
    if setting == "ntk":
        return Four(*full)
    left = found.variance - (2 * centre.multiple - centre.multiple**2) * found.square
    sizes = found.variance, left, found.variance, left
    return Four(*(kernel / size + found.inner for kernel, size in zip(full, sizes, strict=True)))


def conditions(kernels: Four) -> tuple[ConditionNumber, ...]:
    """Of the four, with their intervals."""
    return tuple(condition_number((K + K.T) / 2, entry_error=_ENTRY_ERROR) for K in kernels.all)


def logs(values: Sequence[float | ConditionNumber]) -> Logs:
    """Of four condition numbers."""
    return Logs(*(math.log(float(value)) for value in values))
