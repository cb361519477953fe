"""Activations that are not of the zoo, by kind, and how `gram` is held against their enclosed integrals."""

from __future__ import annotations

import math
from typing import NamedTuple

import sympy as sp

import glutheory as glu
from glutheory.activations import Z
from glutheory.networks import Network
from glutheory.numeric import gram
from tests.numeric.cases import Pair

_HALF = sp.Rational(1, 2)

#: Analytic ones; among them formulas that cancel near 0, overflow far out, grow, oscillate and have a narrow peak.
SMOOTH: dict[str, sp.Expr] = {
    "mish": Z * sp.tanh(sp.log(1 + sp.exp(Z))),
    "log_cosh": sp.log(sp.cosh(Z)),
    "cancelling": sp.cos(Z) - 1,
    "arctan": Z * sp.atan(Z),
    "wave": sp.sin(10 * Z) + Z / 4,
    "polynomial": Z**3 - 3 * Z + sp.tanh(Z),
    "peak": sp.exp(-50 * (Z - 1) ** 2),
}
#: With kinks at 0 and elsewhere, one or several; with jumps of φ and of φ', exponentials, a root, slow decay.
KINKED: dict[str, sp.Expr] = {
    "elu": sp.Max(0, Z) + sp.exp(sp.Min(0, Z)) - 1,
    "shifted": sp.Max(0, Z - _HALF),
    "hard_tanh": sp.Max(-1, sp.Min(1, Z)),
    "hard_swish": Z * sp.Min(6, sp.Max(0, Z + 3)) / 6,
    "jump": Z * sp.Heaviside(Z - _HALF),
    "softsign": Z / (1 + sp.Abs(Z)),
    "laplace": sp.exp(-sp.Abs(Z)),
    "root": sp.Max(0, Z) ** sp.Rational(3, 2),
    "growing": sp.Max(0, Z) * sp.exp(Z / 4),
}
OWN = SMOOTH | KINKED
#: What is promised, of √(K(x,x) K(x',x')).
PROMISED = 1e-12


def activation(name: str) -> glu.Activation:
    """One of `OWN`."""
    return glu.Activation(name, OWN[name])


def network(name: str) -> Network:
    """Its non-gated network."""
    return Network(name, (activation(name),))


class Errors(NamedTuple):
    """Of NNGP and NTK, over √(K(x,x) K(x',x'))."""

    nngp: float
    ntk: float


def errors(name: str, points: Pair) -> Errors:
    """Those of `gram` against the integral enclosed by road 2, which knows no float64."""
    net = network(name)
    a, b, c = points.inner()
    x, y = points.x[None, :], points.y[None, :]
    S, T = (float(ball.mid()) for ball in glu.enclose(net.gate, a, b, c, digits=14))
    wanted = S, S + float(c) * T
    found = [float(part[0, 0]) for part in gram(net, x, y, kind="both")]
    sizes = [[float(part[0, 0]) for part in gram(net, z, kind="both")] for z in (x, y)]
    return Errors(*(abs(f - w) / math.sqrt(p * q) for f, w, p, q in zip(found, wanted, *sizes, strict=True)))
