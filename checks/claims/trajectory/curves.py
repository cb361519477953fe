"""The curves of two residuals: those of a kernel, how far a trained path leaves them, and how straight they are."""

from __future__ import annotations

import numpy as np

from checks.claims.trajectory.paths import RATE, STEPS, Array, Paths

#: Points on a path of `straightness_of`; its polygon is shorter than the curve by less than 1e-6 of it.
_POINTS = 1000


def follow(kernels: Array, start: Array) -> Array:
    """The residuals (I − ηK)^k e_0, shape (steps + 1, sets, 2)."""
    values, vectors = np.linalg.eigh(kernels)
    parts = np.einsum("pji,pj->pi", vectors, start)
    k = np.arange(STEPS + 1)[:, None, None]
    return np.asarray(np.einsum("pij,kpj->kpi", vectors, (1 - RATE * values) ** k * parts))


def deviation(paths: Paths, kernels: Array) -> Array:
    """The largest distance, over the steps, from the path of these kernels from −Y, relative to |Y|; shape (sets,)."""
    distance = np.linalg.norm(paths.residuals - follow(kernels, paths.start), axis=2)
    return np.asarray(distance.max(axis=0) / np.linalg.norm(paths.targets))


def straightness(path: Array) -> Array:
    """Of paths of residuals, shape (points, sets, 2), ended by a straight line to 0: |e_0| over the length."""
    length = np.linalg.norm(np.diff(path, axis=0), axis=2).sum(axis=0) + np.linalg.norm(path[-1], axis=1)
    return np.asarray(np.linalg.norm(path[0], axis=1) / length)


def straightness_of(kernels: Array, start: Array) -> Array:
    """Of the whole path of the gradient flow ė = −Ke; in the eigenbasis it is the curve y = y_0 (x/x_0)^κ."""
    values, vectors = np.linalg.eigh(kernels)
    slow, fast = np.einsum("pji,pj->ip", vectors, start)
    x = np.linspace(1, 0, _POINTS + 1)[:, None]
    return straightness(np.stack((slow * x, fast * x ** (values[:, 1] / values[:, 0])), axis=2))


def initial_cosine(kernels: Array, start: Array) -> Array:
    """The cosine between the first step, −Ke, and the direction to the target, −e."""
    step = np.einsum("pij,pj->pi", kernels, start)
    lengths = np.linalg.norm(step, axis=1) * np.linalg.norm(start, axis=1)
    return np.asarray(np.sum(step * start, axis=1) / lengths)
