"""A formula for a kernel on the three roads: exact duals of two kinds put into it, and sampled networks against it.

A formula takes the scales, x·x' and the branches' duals (S, T), in whatever kind of number, and gives one entry.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from fractions import Fraction
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
import sympy as sp
from flint import arb

from checks.setting import Scales, Setting
from checks.settings import Settings
from checks.tools.neuron_moments import neuron_fourth, neuron_variance
from glutheory.activations import Activation
from glutheory.ground.balls import Tape, precision
from glutheory.ground.exact import Point, ball
from glutheory.quadrature import enclose
from glutheory.symbolic.duals import dual
from glutheory.symbolic.evaluation import evaluate_balls
from glutheory.symbolic.kernels import d as _d
from glutheory.symbolic.kernels import g as _g
from glutheory.symbolic.kernels import kernels
from glutheory.symbolic.kernels import m as _m
from glutheory.symbolic.kernels import sigma_v as _sigma_v

Duals = Sequence[tuple[Any, Any]]
Formula = Callable[[Scales, Any, Duals], Any]
Road = Callable[[Activation, Point], tuple[arb, arb]]
Array = npt.NDArray[np.float64]
_DIGITS, _BITS = 20, 160


@lru_cache(maxsize=65536)
def symbolic(act: Activation, point: Point) -> tuple[arb, arb]:
    """(S, T) by road 1."""
    return evaluate_balls(dual(act), point, _DIGITS)


@lru_cache(maxsize=65536)
def quadrature(act: Activation, point: Point) -> tuple[arb, arb]:
    """(S, T) by road 2."""
    return enclose(act, point.a, point.b, point.c, digits=_DIGITS)


def entry(formula: Formula, setting: Setting, pair: tuple[int, int], road: Road) -> arb:
    """One entry of the formula's matrix, as a ball."""
    i, j = pair
    duals = [road(act, point) for act, point in zip(setting.network.branches, setting.points(i, j), strict=True)]
    with precision(_BITS):
        scales = Scales(
            ball(Fraction(setting.width)),
            ball(Fraction(setting.d)),
            ball(setting.readout),
            list(map(ball, setting.branches)),
        )
        return arb(formula(scales, ball(setting.gram[i][j]), duals))


def entries(formula: Formula, setting: Setting, road: Road) -> list[arb]:
    """The entries i ≤ j of the formula's matrix."""
    return [entry(formula, setting, pair, road) for pair in setting.pairs]


def derived(scales: Scales, inner: Any, duals: Duals, *, setting: Setting) -> Any:
    """What the engine derives for this network by differentiating it; a formula once the setting is given."""
    tape, symbols = _derived(setting)
    known = [
        scales.m,
        scales.d,
        scales.v.sqrt(),
        inner,
        *(w.sqrt() for w in scales.w),
        *(x for pair in duals for x in pair),
    ]
    assert len(known) == symbols
    return tape.bind()(known)[0]


@lru_cache(maxsize=256)
def _derived(setting: Setting) -> tuple[Tape, int]:
    found = kernels(setting.network, "standard")
    symbols = [_m, _d, _sigma_v, _g, *(branch.sigma for branch in found.branches)]
    symbols += [symbol for branch in found.branches for symbol in (branch.S, branch.T)]
    return Tape([sp.Add(*found.blocks.values())], symbols), len(symbols)


def floats(values: Sequence[arb]) -> Array:
    """The midpoints."""
    return np.array([float(value.mid()) for value in values])


def draws(setting: Setting, settings: Settings, name: str, count: int) -> Array:
    """Kernels of independent random networks by road 3, shape (count, number of pairs)."""
    from glutheory import sampling

    roles = ("readout", *setting.network.roles)
    variances = dict(zip(roles, map(float, (setting.readout, *setting.branches)), strict=True))
    rows, cols = map(list, zip(*setting.pairs, strict=True))
    X, seed = setting.array(), settings.stream(name)
    out = np.empty((count, len(rows)))
    with one_thread():
        for index in range(count):
            kernel = sampling.empirical_ntk(
                setting.network,
                X,
                width=setting.width,
                seed=seed,
                draw=index,
                device=settings.device,
                dtype=_float64(),
                parametrization="standard",
                variances=variances,
            )
            out[index] = kernel.cpu().numpy()[rows, cols]
    return out


def variance(setting: Setting) -> Array:
    """Upper bounds of the variance of each entry of one draw, m·Var k; a positive floor far below rounding."""
    bounds = np.array([float((setting.width * _neuron(setting, pair, 2)).upper()) for pair in setting.pairs])
    diagonal = np.array([bounds[setting.pairs.index((i, i))] for i in range(len(setting.X))])
    floor = np.array([1e-20 * np.sqrt(diagonal[i] * diagonal[j]) for i, j in setting.pairs])
    return np.asarray(np.maximum(bounds, floor))


def fourth(setting: Setting) -> Array:
    """The fourth central moment of each entry of one draw, upper bounds: m μ₄ + 3 m (m−1) σ⁴."""
    m = setting.width
    values = []
    for pair in setting.pairs:
        second = _neuron(setting, pair, 2)
        values.append(float((m * _neuron(setting, pair, 4) + 3 * m * (m - 1) * second * second).upper()))
    return np.array(values)


def _neuron(setting: Setting, pair: tuple[int, int], order: int) -> arb:
    moment = neuron_variance if order == 2 else neuron_fourth
    return moment(setting.network, setting.points(*pair), setting.readout * setting.gram[pair[0]][pair[1]])


def _float64() -> Any:
    import torch

    return torch.float64


def one_thread() -> AbstractContextManager[None]:
    """See `glutheory.sampling.sampler`; torch is imported only now."""
    from glutheory.sampling import sampler

    return sampler.one_thread()
