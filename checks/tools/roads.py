"""A formula for a kernel on the three roads: exact duals of two kinds put into it, and sampled networks against it.

A formula takes the scales, x·x' and the branches' duals (S, T), in whatever kind of number, and gives one entry. Where
the roads are to agree is a `Setting`: a network with its data and variances, in exact numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
import sympy as sp
from flint import arb

from checks.settings import Settings
from checks.tools.neuron_moments import neuron_fourth, neuron_variance
from glutheory.activations import Activation
from glutheory.ground.balls import Tape, precision
from glutheory.ground.exact import Point, ball
from glutheory.networks import Network, network
from glutheory.quadrature import enclose
from glutheory.symbolic.duals import dual
from glutheory.symbolic.evaluation import evaluate_balls
from glutheory.symbolic.kernels import d as _d
from glutheory.symbolic.kernels import g as _g
from glutheory.symbolic.kernels import kernels
from glutheory.symbolic.kernels import m as _m
from glutheory.symbolic.kernels import sigma_v as _sigma_v

Inputs = tuple[tuple[Fraction, ...], ...]
#: Numbers with denominator 16 are exact in binary and keep every exact computation short.
_GRID = 16
Duals = Sequence[tuple[Any, Any]]
Road = Callable[[Activation, Point], tuple[arb, arb]]
Array = npt.NDArray[np.float64]
_DIGITS, _BITS = 20, 160


@dataclass(frozen=True)
class Constants:
    """The numbers of a formula: SymPy symbols, balls or floats alike.

    Attributes:
        m: hidden width.
        d: input dimension.
        v: σ_v², the variance of the readout weights.
        w: the variances of the branches' weights, in the order of the branches (gated: σ_p², σ_w²).
    """

    m: Any
    d: Any
    v: Any
    w: Sequence[Any]


@dataclass(frozen=True)
class Setting:
    """A network in the standard parametrisation, with inputs.

    Attributes:
        network: its branches.
        X: the inputs, n rows of d exact numbers.
        width: m.
        readout: σ_v².
        branches: σ² of each branch.
    """

    network: Network
    X: Inputs
    width: int
    readout: Fraction
    branches: tuple[Fraction, ...]

    @property
    def d(self) -> int:
        return len(self.X[0])

    @cached_property
    def gram(self) -> tuple[tuple[Fraction, ...], ...]:
        """X Xᵀ."""
        return tuple(
            tuple(sum((s * t for s, t in zip(x, y, strict=True)), Fraction(0)) for y in self.X) for x in self.X
        )

    @property
    def pairs(self) -> tuple[tuple[int, int], ...]:
        """(i, j) with i ≤ j, row by row: the order of all lists of entries."""
        return tuple((i, j) for i in range(len(self.X)) for j in range(i, len(self.X)))

    def points(self, i: int, j: int) -> tuple[Point, ...]:
        """The covariance of the pre-activations at x_i, x_j, for each branch."""
        a, b, c = self.gram[i][i], self.gram[j][j], self.gram[i][j]
        return tuple(Point(variance * a, variance * b, variance * c) for variance in self.branches)

    def array(self) -> npt.NDArray[np.float64]:
        """X in double precision, exactly."""
        return np.array([[float(value) for value in row] for row in self.X])


def generic(name: str | Network, X: Inputs, width: int) -> Setting:
    """Variances without any relation: no block of the kernel is negligible, and no two factors can be confused."""
    found = network(name)
    d, count = len(X[0]), len(found.branches)
    return Setting(found, X, width, Fraction(3, 4), tuple(Fraction(5 + 2 * i, 4 * d) for i in range(count)))


def lecun(name: str | Network, X: Inputs, width: int) -> Setting:
    """σ_v² = 1/m and 1/d for every branch."""
    found = network(name)
    return Setting(found, X, width, Fraction(1, width), (Fraction(1, len(X[0])),) * len(found.branches))


def sample(seed: int, d: int, *, extremes: bool = True) -> Inputs:
    """Four rounded Gaussian inputs; with `extremes` the third is next to the first, the fourth opposite the second.

    The first two have moderate norms, d/4 ≤ ‖x‖² ≤ 3d/4, so that no kernel entry dwarfs the others whatever the seed.
    """
    rng = np.random.default_rng(seed)
    rows: list[npt.NDArray[np.int_]] = []
    while len(rows) < (2 if extremes else 4):
        row = np.rint(0.75 * _GRID * rng.standard_normal(d)).astype(int)
        if d * _GRID**2 <= 4 * int((row**2).sum()) <= 3 * d * _GRID**2:
            rows.append(row)
    if extremes:
        rows += [rows[0] + np.eye(d, dtype=int)[0], -2 * rows[1]]
    return tuple(tuple(Fraction(int(value), _GRID) for value in row) for row in rows)


def entries(formula: Formula, setting: Setting, road: Road) -> list[arb]:
    """The entries i ≤ j of the formula's matrix."""
    return [entry(formula, setting, pair, road) for pair in setting.pairs]


def entry(formula: Formula, setting: Setting, pair: tuple[int, int], road: Road) -> arb:
    """One entry of the formula's matrix, as a ball."""
    i, j = pair
    duals = [road(act, point) for act, point in zip(setting.network.branches, setting.points(i, j), strict=True)]
    with precision(_BITS):
        scales = Constants(
            ball(Fraction(setting.width)),
            ball(Fraction(setting.d)),
            ball(setting.readout),
            list(map(ball, setting.branches)),
        )
        return arb(formula(scales, ball(setting.gram[i][j]), duals))


@lru_cache(maxsize=65536)
def symbolic(act: Activation, point: Point) -> tuple[arb, arb]:
    """(S, T) by road 1."""
    return evaluate_balls(dual(act), point, _DIGITS)


@lru_cache(maxsize=65536)
def quadrature(act: Activation, point: Point) -> tuple[arb, arb]:
    """(S, T) by road 2."""
    return enclose(act, point.a, point.b, point.c, digits=_DIGITS)


def derived(scales: Constants, inner: Any, duals: Duals, *, setting: Setting) -> Any:
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


def one_thread() -> AbstractContextManager[None]:
    """See `glutheory.sampling.sampler`; torch is imported only now."""
    from glutheory.sampling import sampler

    return sampler.one_thread()


def _float64() -> Any:
    import torch

    return torch.float64


Formula = Callable[[Constants, Any, Duals], Any]
