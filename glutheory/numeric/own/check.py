"""An independent look at the coefficients: the integral over the plane with the bivariate density itself.

With a rule on the line for each row, cut at the kinks, and the density p(x, x') of correlation ρ between them,

    S = ∫∫ φ(r x) φ(r' x') p dx dx'        c T = ρ ∂S/∂ρ = ∫∫ φ(r x) φ(r' x') ρ ∂p/∂ρ dx dx'

Nothing here knows of Hermite's functions, of interpolation, nor of φ' and its delta functions.
"""

from __future__ import annotations

import numpy as np

from glutheory.errors import DomainError
from glutheory.numeric.arrays import Array
from glutheory.numeric.own.curve import Curves
from glutheory.numeric.own.rule import panels
from glutheory.numeric.own.spectrum import HEAD, Spectrum

#: Width of a panel and its nodes: for |ρ| ≤ 0.8 the density turns on a scale of 0.6.
_PANEL, _GAUSS = 1.0, 14
#: The largest |ρ| that is tried.
_CLOSE = 0.8
#: What two ways of computing may differ by, of √(K(x,x) K(x',x')).
TOLERANCE = 2e-13


def plain(curves: Curves, r: float, q: float, rho: float, reach: float) -> tuple[float, float]:
    """S and c T for the standard deviations r, q > 0 and |ρ| ≤ 0.8."""
    (x, f), (y, g) = (_weighted(curves, size, reach) for size in (r, q))
    far = (1.0 - rho) * (1.0 + rho)
    product = x[:, None] * y
    squares = (x * x)[:, None] + y * y
    density = np.exp((rho * product - 0.5 * squares) / far) / (2 * np.pi * np.sqrt(far))
    slope = (rho + product - rho * (squares - 2.0 * rho * product) / far) / far
    return float(f @ density @ g), float(rho * (f @ (density * slope) @ g))


def _weighted(curves: Curves, r: float, reach: float) -> tuple[Array, Array]:
    """Nodes, and φ there times the weights."""
    breaks = curves.value.breaks(reach * r) / r
    base = np.linspace(-reach, reach, round(2 * reach / _PANEL) + 1)
    x, w = panels(np.unique(np.clip(np.concatenate([base, breaks]), -reach, reach)), _GAUSS)
    return x, w * curves.value.at(reach * r)(r * x)


def check(curves: Curves, spectrum: Spectrum, r: Array, found: Array, number: int = 1) -> None:
    """Hold the features of a few rows against `plain`: some of each interval of log r that `spectrum` tabulates.

    Args:
        curves: the activation.
        spectrum: its coefficients, for the reach of the integrals.
        r: the radii of the rows, shape (n,); with none of them > 0, or so small that φ is 0 there, nothing is asked.
        found: r, the head and the h_k of these rows, shape (1 + HEAD + K, n).
        number: of rows of each interval, drawn at random.

    Raises:
        DomainError: they do not agree.
    """
    rows = np.nonzero((r > 0) & (found[1] > 0))[0]
    if not len(rows):
        return
    places = spectrum.numbers(r[rows])
    draw = np.random.default_rng(len(r))
    chosen = [row for place in np.unique(places) for row in draw.choice(rows[places == place], number)]
    for i, j in zip(chosen, [*chosen[1:], draw.choice(rows)], strict=True):
        rho = float(draw.uniform(0.3, _CLOSE)) * float(draw.choice([-1.0, 1.0]))
        reach = max(spectrum.reach(float(r[i])), spectrum.reach(float(r[j])))
        wanted = plain(curves, float(r[i]), float(r[j]), rho, reach)
        products = found[1 + HEAD :, i] * found[1 + HEAD :, j]
        k = np.arange(len(products))
        powers = rho**k
        both = float(products @ powers), float(products @ (k * powers))
        scales = found[1, [i, j]], found[1, [i, j]] + found[2, [i, j]]
        error = max(
            abs(one - other) / float(np.sqrt(np.prod(scale)) + 1e-290)
            for one, other, scale in zip(both, wanted, scales, strict=True)
        )
        if not error <= TOLERANCE:
            raise DomainError(
                f"the kernel of {curves.value.expr} at the standard deviations {float(r[i]):.4g} and {float(r[j]):.4g} "
                f"cannot be had to 12 digits (two ways of computing it differ by {error:.1e} of the scale): use "
                "`evaluate` pair by pair."
            )
