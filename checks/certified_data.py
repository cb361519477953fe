"""Small data sets in exact numbers: certified ends of the spectra of ReLU and ReGLU on them."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import numpy.typing as npt
from flint import arb, arb_mat

from checks import roads
from checks.ntk_gated import equation as gated_equation
from checks.ntk_plain import equation as plain_equation
from checks.roads import Formula
from checks.setting import Inputs, Setting, lecun
from glutheory.spectra import certified_extremes

Integers = npt.NDArray[np.int_]
#: Denominator of the inputs: exact in binary.
GRID = 16


def rounded(rng: np.random.Generator, n: int, d: int) -> Integers:
    """Standard Gaussian inputs in sixteenths, shape (n, d)."""
    return np.asarray(np.rint(GRID * rng.standard_normal((n, d))).astype(int))


def exact(data: Integers) -> Inputs:
    """The inputs of these sixteenths."""
    return tuple(tuple(Fraction(int(value), GRID) for value in line) for line in data)


def ball_matrix(formula: Formula, setting: Setting) -> arb_mat:
    """The kernel of the formula on the setting's inputs, as balls."""
    size = len(setting.X)
    matrix = arb_mat(size, size)
    for (i, j), value in zip(setting.pairs, roads.entries(formula, setting, roads.symbolic), strict=True):
        matrix[i, j] = matrix[j, i] = value
    return matrix


def ends(X: Inputs, width: int) -> tuple[tuple[arb, arb], tuple[arb, arb]]:
    """Certified (λ_min, λ_max) of K and K̃, LeCun variances."""
    rows = ((plain_equation, "relu"), (gated_equation, "reglu"))
    first, second = (certified_extremes(ball_matrix(formula, lecun(net, X, width))) for formula, net in rows)
    return first, second
