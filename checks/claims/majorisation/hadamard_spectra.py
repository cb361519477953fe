"""Spectra of Hadamard products in balls: three inputs whose whole majorisation is certified, and the sharp cases."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

from flint import arb, arb_mat

from checks.tools import roads
from checks.tools.evidence import equal
from checks.tools.extremal_sets import EXAMPLES, kernel, stated, turned
from glutheory.claims import Evidence, Figure, Finding, Grade
from glutheory.ground.balls import precision
from glutheory.ground.exact import ball
from glutheory.spectra import certified_extremes


def _ends(K: arb_mat) -> tuple[arb, arb]:
    with precision(160):
        low, high = certified_extremes(K, digits=12)
    return low, high


def certified() -> Evidence:
    """Three inputs, in balls: λ_max falls, λ_min grows, the traces are equal; for n = 3 that is all of ≺."""
    rational = tuple(tuple(Fraction(x, s) for x in row) for row, s in (((1, 2, 2), 3), ((2, 3, 6), 7), ((4, -4, 7), 9)))
    triangle = turned(Fraction(0), Fraction(1, 2), Fraction(3))
    with precision(160):
        given = arb_mat([[4, 1, 2], [1, 3, -1], [2, -1, 5]])
        found = {"integers, rational cosines": (given, _cosines(rational, Fraction(1)))}
        for gate in ("reglu", "swiglu"):
            example = replace(EXAMPLES[0], gate=gate, X=triangle, width=4)
            K = kernel(example, False, stated(example, False), roads.quadrature)
            found[f"NTK of {example.setting(False).network.name}"] = (K, _cosines(triangle, Fraction(2)))
    rows: dict[str, Figure] = {}
    strict = True
    for name, (K, C) in found.items():
        with precision(160):
            product = _hadamard(K, C)
        before, after = _ends(K), _ends(product)
        with precision(160):
            same = bool((K.trace() - product.trace()).contains(0))
            strict = strict and same and bool(after[0] > before[0]) and bool(after[1] < before[1])
        rows[name] = {
            "K": [value.str(10, radius=False) for value in before],
            "K⊙C": [value.str(10, radius=False) for value in after],
        }
    what = (
        "three inputs: both ends of the spectrum strictly inside those of K, equal traces; for n = 3 all partial sums"
    )
    return Evidence(Grade.CERTIFICATE, what, Finding.of(strict), figures={"smallest and largest eigenvalue": rows})


def _cosines(X: Sequence[Sequence[Fraction]], square: Fraction) -> arb_mat:
    return arb_mat(
        [[ball(sum((s * t for s, t in zip(x, y, strict=True)), Fraction(0)) / square) for y in X] for x in X]
    )


def _hadamard(K: arb_mat, C: arb_mat) -> arb_mat:
    n = K.nrows()
    return arb_mat([[K[i, j] * C[i, j] for j in range(n)] for i in range(n)])


def sharpness() -> Evidence:
    """The bound for any norms is attained by orthogonal inputs, and nearly so by a short and a long one."""
    values, rows = [], {}
    chosen = {example.name: example for example in EXAMPLES[:4]}
    for name in ("orthogonal pair", "short and long"):
        example = chosen[name]
        K = kernel(example, False, stated(example, False), roads.quadrature)
        gram, norms_ = example.setting(False).gram, [example.setting(False).gram[i][i] for i in range(2)]
        with precision(160):
            product = _hadamard(K, arb_mat([[ball(value) for value in row] for row in gram]))
        (low, high), (first, last) = _ends(K), _ends(product)
        with precision(160):
            share = (last / first) / (high / low) / ball(max(norms_) / min(norms_))
        rows[example.where] = float(share.mid())
        if name == "orthogonal pair":
            values.append(share - 1)
    figures: dict[str, Figure] = {"cond(K⊙G) over its bound": dict(rows)}
    return equal("cond(K⊙G) = cond(K) max g/min g for orthogonal inputs, linear network", values, figures=figures)
