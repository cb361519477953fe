"""The variance of a small network's NTK by brute force: every weight a variable, exact rational moments, no theory.

For polynomial activations the NTK of one random network is a polynomial in its Gaussian weights; its mean and its
second moment are sums of moments of independent Gaussians.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from itertools import product
from typing import Any

import sympy as sp
from sympy.polys.rings import PolyRing

from checks.tools.roads import Setting
from glutheory.activations import Z


def _mean(element: Any, variances: Sequence[Fraction]) -> Fraction:
    """E of a polynomial in independent Gaussians: E w^n = (n−1)!! variance^(n/2)."""
    total = Fraction(0)
    for powers, coefficient in element.terms():
        if any(n % 2 for n in powers):
            continue
        term = Fraction(int(coefficient.numerator), int(coefficient.denominator))
        for n, variance in zip(powers, variances, strict=True):
            term *= math.prod(range(1, n, 2)) * variance ** (n // 2)
        total += term
    return total


def moments(setting: Setting, pair: tuple[int, int]) -> tuple[Fraction, Fraction]:
    """Mean and variance of one entry of the NTK of a random network, exactly.

    Args:
        setting: a network of small width and dimension with polynomial activations.
        pair: the entry.
    """
    m, d, branches = setting.width, setting.d, setting.network.branches
    labels = [f"v{r}" for r in range(m)]
    labels += [f"w{r}_{i}_{j}" for r, i, j in product(range(m), range(len(branches)), range(d))]
    variances = [setting.readout] * m + [variance for _ in range(m) for variance in setting.branches for _ in range(d)]
    ring = PolyRing(labels, sp.QQ)
    weights = dict(zip(labels, ring.gens, strict=True))
    outputs = []
    for row in (setting.X[index] for index in pair):
        total = ring.zero
        for r in range(m):
            neuron = weights[f"v{r}"]
            for i, act in enumerate(branches):
                inner = sum(
                    (weights[f"w{r}_{i}_{j}"] * sp.QQ(x.numerator, x.denominator) for j, x in enumerate(row)), ring.zero
                )
                neuron *= _polynomial(act.expr, inner, ring)
            total += neuron
        outputs.append(total)
    kernel = sum((outputs[0].diff(w) * outputs[1].diff(w) for w in ring.gens), ring.zero)
    mean = _mean(kernel, variances)
    return mean, _mean(kernel * kernel, variances) - mean**2


def _polynomial(expr: sp.Expr, inner: Any, ring: Any) -> Any:
    """φ(inner) for a polynomial φ."""
    coefficients = sp.Poly(expr, Z).all_coeffs()
    result = ring.zero
    for coefficient in coefficients:
        result = result * inner + ring.domain_new(sp.QQ(int(coefficient.p), int(coefficient.q)))
    return result
