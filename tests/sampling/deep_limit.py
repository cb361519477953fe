"""The wide limit of a stack by brute force: the recursion written down once more, with integrals by product rules.

Nothing here comes from the other roads. Activations are given as functions with their derivatives; expectations over
pairs of Gaussian units are sums over a tensor grid of Gauss-Hermite nodes, for ReLU the arc-cosine formulas.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import scipy.special

from glutheory.layers import Stack, run
from glutheory.layers import records as layers

Array = np.ndarray[Any, Any]
NODES, WEIGHTS = np.polynomial.hermite_e.hermegauss(100)
WEIGHTS = WEIGHTS / np.sqrt(2 * np.pi)


def _silu(z: Array) -> Any:
    return z * scipy.special.expit(z)


def _silu_slope(z: Array) -> Any:
    s = scipy.special.expit(z)
    return s + z * s * (1 - s)


def _gelu_slope(z: Array) -> Any:
    return scipy.special.ndtr(z) + z * np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi)


#: φ and φ', smooth.
SMOOTH: dict[str, tuple[Callable[[Array], Any], Callable[[Array], Any]]] = {
    "identity": (lambda z: z, np.ones_like),
    "silu": (_silu, _silu_slope),
    "gelu": (lambda z: z * scipy.special.ndtr(z), _gelu_slope),
    "tanh": (np.tanh, lambda z: 1 / np.cosh(z) ** 2),
    "sigmoid": (scipy.special.expit, lambda z: scipy.special.expit(z) * scipy.special.expit(-z)),
}


def duals(name: str, sigma: Array) -> tuple[Array, Array, Array]:
    """E φ(u)φ(v), E φ'(u)φ'(v) for every pair of rows, shape (r, r), and E φ(u), shape (r,)."""
    a = np.diag(sigma)
    if name == "relu":
        root = np.sqrt(np.outer(a, a))
        angle = np.arccos(np.clip(sigma / root, -1, 1))
        T = (np.pi - angle) / (2 * np.pi)
        return root * np.sin(angle) / (2 * np.pi) + sigma * T, T, np.sqrt(a / (2 * np.pi))
    phi, slope = SMOOTH[name]
    S, T = np.empty_like(sigma), np.empty_like(sigma)
    pair = np.outer(WEIGHTS, WEIGHTS)
    for i in range(len(a)):
        u = np.sqrt(a[i]) * NODES[:, None]
        for j in range(i + 1):
            along = sigma[i, j] / np.sqrt(a[i])
            v = along * NODES[:, None] + np.sqrt(max(a[j] - along**2, 0)) * NODES[None, :]
            S[i, j] = S[j, i] = np.sum(pair * phi(u) * phi(v))
            T[i, j] = T[j, i] = np.sum(pair * slope(u) * slope(v))
    return S, T, np.array([np.sum(WEIGHTS * phi(np.sqrt(own) * NODES)) for own in a])


@dataclass(frozen=True)
class Limit:
    """Σ, shape (r, r); the parts of Θ by groups of weights; the mean of a unit, shape (r,)."""

    sigma: Array
    theta: dict[str, Array]
    mean: Array

    @property
    def ntk(self) -> Array:
        return sum(self.theta.values(), np.zeros_like(self.sigma))


class Recursion:
    """Rules for `layers.run`; `inputs` is the number of inputs, for the mean over positions.

    Mistakes, for the tests of the tests: "gain", a gain adds nothing; "scale", a factor is not squared in Θ; "slope",
    the branches' own derivatives are left out; "residual", the stream's own NTK is lost; "norm", Θ is not divided.
    """

    def __init__(self, inputs: int, mistake: str = "") -> None:
        self.inputs, self.mistake = inputs, mistake

    def dense(self, state: Limit, layer: layers.Dense, group: str) -> Limit:
        sigma = float(layer.variance) * state.sigma + float(layer.bias)
        theta = {name: float(layer.variance) * part for name, part in state.theta.items()}
        if layer.trained:
            theta[group] = sigma
        return Limit(sigma, theta, np.zeros_like(state.mean))

    def product(self, state: Limit, layer: layers.Product, groups: tuple[str, ...]) -> Limit:
        branches = [self.dense(state, own, group) for own, group in zip(layer.branches, groups, strict=True)]
        found = [duals(act.name, own.sigma) for act, own in zip(layer.activations, branches, strict=True)]
        sigma = np.prod([S for S, _, _ in found], axis=0)
        theta: dict[str, Array] = {}
        for i, own in enumerate(branches):
            others = np.prod([S for j, (S, _, _) in enumerate(found) if j != i], axis=0) * np.ones_like(sigma)
            slope = others if self.mistake == "slope" else found[i][1] * others
            for name, part in own.theta.items():
                theta[name] = theta.get(name, 0) + slope * part
        return Limit(sigma, theta, np.prod([mean for _, _, mean in found], axis=0))

    def norm(self, state: Limit, layer: layers.Norm, group: str) -> Limit:
        sigma = state.sigma - np.outer(state.mean, state.mean) if layer.centred else state.sigma
        root = np.sqrt(np.diag(sigma))
        outer = np.outer(root, root)
        theta = {name: part if self.mistake == "norm" else part / outer for name, part in state.theta.items()}
        sigma = sigma / outer
        if group:
            gain = 0 * sigma if self.mistake == "gain" else layer.gain * sigma
            theta[group] = gain + layer.shift * np.ones_like(sigma)
        return Limit(sigma, theta, 0 * root if layer.centred else state.mean / root)

    def scale(self, state: Limit, layer: layers.Scale) -> Limit:
        factor = float(layer.factor)
        squared = factor if self.mistake == "scale" else factor**2
        return Limit(
            factor**2 * state.sigma, {name: squared * part for name, part in state.theta.items()}, factor * state.mean
        )

    def add(self, state: Limit, other: Limit) -> Limit:
        before = {} if self.mistake == "residual" else state.theta
        none = np.zeros_like(state.sigma)
        names = {**before, **other.theta}
        theta = {name: before.get(name, none) + other.theta.get(name, none) for name in names}
        return Limit(state.sigma + other.sigma, theta, state.mean + other.mean)

    def positions(self, state: Limit, layer: layers.Positions) -> Limit:  # noqa: ARG002
        n = self.inputs

        def mean(part: Array) -> Any:
            return part.reshape(n, len(part) // n, n, len(part) // n).mean(axis=(1, 3))

        return Limit(
            mean(state.sigma),
            {name: mean(part) for name, part in state.theta.items()},
            state.mean.reshape(n, -1).mean(1),
        )


def limit(stack: Stack, X: Array, mistake: str = "") -> Limit:
    """The kernels in the limit, in the ntk parametrisation, for X of shape (n, d) or (n, positions, d)."""
    rows = X.reshape(-1, X.shape[-1])
    start = Limit(rows @ rows.T / X.shape[-1], {}, np.zeros(len(rows)))
    found = run(stack.layers, start, Recursion(len(X), mistake))
    return replace(found, theta={name: found.theta[name] for name in stack.groups})
