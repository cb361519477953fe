"""Residual branches without norms: below which scale the variance stays finite, gated and plain."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np

from checks.claims.signal.law import KAPPA, Law
from checks.claims.signal.scales import block
from glutheory.claims import Evidence, Figure, Finding, Grade
from glutheory.errors import DomainError
from glutheory.layers import stack
from glutheory.numeric import gram

#: cκq_0 with s² = c/L; the blocks.
SHARES, BLOCKS = (0.25, 0.5, 0.75, 1.25, 1.5), (256, 1024)
#: Blocks of the gate whose variances are all different: each is an integral of its own.
_FEW = 128
#: Relative, at the last number of blocks: the limit is approached like ln L/L.
_OFF = 0.01
#: By how much q has grown where it is said to diverge.
_GROWN = 1e3


def growth(net: str, blocks: int, c: float, start: float) -> float:
    """Q_L/q_0 of a stack of residual blocks without norms, s² = c/L; inf where it leaves float64."""
    X = np.array([[math.sqrt(start)]])
    own = stack(net, blocks, norm=None, residual=True, scale=Fraction(math.sqrt(c / blocks)))
    try:
        value = float(gram(own, X, kind="nngp")[0, 0])
    except DomainError:
        return math.inf
    return value / start if math.isfinite(value) else math.inf


def bounded(net: str, blocks: int, c: float, start: float) -> float:
    """The same for a gate without degree, block by block."""
    q = start
    for _ in range(blocks):
        q += c / blocks * block(net, q, 1.0, 1.0)
    return q / start


def branches(law: Law) -> Evidence:
    """ReGLU's threshold from both sides, at two norms of the input; plain ReLU and GLU have none."""
    wrong: list[str] = []
    rows: dict[str, Figure] = {}
    for share in SHARES:
        for start in (1.0, 4.0):
            c = share / KAPPA / start
            found = [growth("reglu", blocks, c, start) for blocks in BLOCKS]
            claimed = law.residual(share)
            good = found[-1] > _GROWN if math.isinf(claimed) else abs(found[-1] / claimed - 1) <= _OFF
            if not good:
                wrong.append(f"reglu, {share}, {start}")
            rows[f"ReGLU, c κ q_0 = {share}, q_0 = {start}"] = [f"{claimed:.4g}", *(f"{value:.5g}" for value in found)]
    for c in (1.0, 4.0):
        pairs = (("relu", KAPPA, growth("relu", BLOCKS[0], c, 4.0)), ("glu", 1.0, bounded("glu", _FEW, c, 4.0)))
        for net, bound, grown in pairs:
            if grown > math.exp(bound * c) * (1 + 1e-9):
                wrong.append(f"{net}, {c}")
            rows[f"{net}, c = {c}"] = [f"at most {math.exp(bound * c):.4g}", f"{grown:.5g}"]
    figures: dict[str, Figure] = {"blocks": list(BLOCKS), "limit, and q_L/q_0": rows, "not as claimed": wrong}
    what = "residual branches without norms, s² = c/L: q_L/q_0 against 1/(1 − cκq_0), and divergence beyond"
    return Evidence(Grade.NUMERICAL, what, Finding.of(not wrong), part="residuals", figures=figures)
