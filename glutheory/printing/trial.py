"""The rule of a printed quadrature, run in numpy against the derived values before anything is printed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache

import numpy as np
import sympy as sp

from glutheory.activations import Activation, Z
from glutheory.errors import DerivationError, GlutheoryError
from glutheory.numeric.arrays import Array
from glutheory.printing.panels import Grid, grid
from glutheory.printing.quadrature import FINEST, WIDEST, rule
from glutheory.quadrature import enclose
from glutheory.symbolic import evaluate

#: Corners of the variances that are promised, and their middle.
_POINTS = (("2", "0.5", "0.3"), ("100", "100", "99"), ("0.01", "0.01", "0.005"), ("0.01", "100", "-0.5"))
_PROMISED, _LEAST = 1e-12, 1e-280
_PASSING = np.array([-9, -6, -4, -2.5, -1.2, 0, 1.2, 2.5, 4, 6, 9])
_STEPS = FINEST * 4.0 ** np.arange(15)
Function = Callable[[Array], Array]


@lru_cache(maxsize=64)
def tried(act: Activation, language: str) -> None:
    """Hold the rule against `evaluate`.

    S at a few points of the range that the program promises, and T where φ does not jump.

    Raises:
        DerivationError: the rule has not the accuracy that the program states, or could not be held against anything.
    """
    own = grid(act)
    functions = [_function(branches, own) for branches in (own.found.branches, own.found.derivative())]
    if own.jumps:
        functions.pop()
    for point in _POINTS:
        a, b, c = map(float, point)
        wanted = _derived(act, point, language)
        ends = [_derived(act, (v, v, v), language) for v in point[:2]]
        for i, function in enumerate(functions):
            scale = abs(ends[0][i] * ends[1][i]) ** 0.5
            error = abs(pair(function, own, a, b, c) - wanted[i])
            if scale > _LEAST and not error <= _PROMISED * scale:
                raise DerivationError(
                    f"no {language} code for {act.name!r}: at a = {point[0]}, b = {point[1]}, c = {point[2]} its "
                    f"quadrature would err by {error / scale:.1e} of the scale of {'ST'[i]}; use `evaluate` or "
                    "`enclose` for values."
                )


@lru_cache(maxsize=256)
def _derived(act: Activation, point: tuple[str, str, str], language: str) -> tuple[float, float]:
    for road in (evaluate, enclose):
        try:
            S, T = road(act, *point, digits=15)
            return float(S), float(T)
        except GlutheoryError as error:
            told = str(error).rstrip(".")
    raise DerivationError(
        f"no {language} code for {act.name!r}: its quadrature could not be tried at a = {point[0]}, b = {point[1]}, "
        f"c = {point[2]}, for {told}."
    )


def _function(branches: Sequence[sp.Expr], own: Grid) -> Function:
    """φ or φ' as it is printed: branch by branch in float64."""
    written = [sp.lambdify(Z, branch, ["scipy", "numpy"]) for branch in branches]
    kinks = np.array(own.kinks)

    def function(z: Array) -> Array:
        place, found = np.searchsorted(kinks, z, side="right"), np.empty_like(z)
        for i, branch in enumerate(written):
            some = place == i
            # exponentials overflow far out, where the value is finite; a NaN is told by what the trial misses
            with np.errstate(all="ignore"):
                found[some] = branch(z[some])
        return found

    return function


def pair(f: Function, own: Grid, a: float, b: float, c: float) -> float:
    """E[f(u) f(v)] by the rule that is printed."""
    p, q = a**0.5, b**0.5
    rho = c / (p * q)
    r = max(0.0, a * b - c * c) ** 0.5 / (p * q)
    places, kinks, branches = map(np.array, (own.places, own.kinks, own.branches))
    reach, slope = max(_reach(f, p), _reach(f, q)), q * rho
    cuts = [places / p, places / slope, *((kink / q + r * _PASSING) / rho for kink in kinks)]
    cuts += [z / p + sign * _STEPS for z in branches for sign in (-1, 1)]
    cuts += [z / slope + sign * max(1.0, 9 * r / abs(rho) / FINEST) * _STEPS for z in branches for sign in (-1, 1)]
    x, weights = _nodes(np.concatenate(cuts), reach)
    outer = weights * f(p * x)
    total = 0.0
    for place, weight in zip(x[outer != 0], outer[outer != 0], strict=True):
        start, root = slope * place, q * r
        ends = [(places - start) / root, *((z - start) / root + s * _STEPS for z in branches for s in (-1, 1))]
        y, inner = _nodes(np.concatenate(ends), reach)
        total += weight * float(inner @ f(start + root * y))
    return total


def _reach(f: Function, spread: float) -> float:
    reach = np.arange(0.0, 48.5, 0.5)
    sizes = (abs(f(-spread * reach)) + abs(f(spread * reach))) * np.exp(-reach * reach / 4)
    largest = np.maximum.accumulate(np.concatenate([[0.0], sizes[:-1]]))
    done = (reach >= 9) & (sizes <= 1e-7 * largest) & (largest > 0)
    return float(reach[np.argmax(done)]) if done.any() else (48.0 if largest[-1] > 0 else 9.0)


def _nodes(places: Array, reach: float) -> tuple[Array, Array]:
    """Nodes, and their weights times the normal density."""
    cuts = np.concatenate([[-reach], np.sort(places[abs(places) < reach]), [reach]])
    ends = np.concatenate([[-reach], cuts[1:][np.diff(cuts) > 1e-14]])
    counts = np.ceil(np.diff(ends) / WIDEST).astype(int)
    half = np.repeat(np.diff(ends) / (2 * counts), counts)
    low = np.repeat(ends[:-1], counts) + 2 * half * (
        np.arange(counts.sum()) - np.repeat(counts.cumsum() - counts, counts)
    )
    nodes, weights = np.array(rule()).T
    x = (low[:, None] + half[:, None] * (1 + nodes)).ravel()
    return x, (half[:, None] * weights).ravel() * np.exp(-x * x / 2) / np.sqrt(2 * np.pi)
