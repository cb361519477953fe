"""Claims about the entries of kernels: what a gate does to the correlation of two gradients."""

from __future__ import annotations

import math

import numpy as np

from checks.claims.diagonal.kernels import correlations, dominance
from checks.own.measure import Array, Measure, Row, normed, pairs, sized
from glutheory import gram
from glutheory.networks import GATES

_SHOWN = ("reglu", "geglu", "swiglu")
#: Widths in multiples of d.
_WIDTHS = (1, 4, 16)


def _kernel(name: str, X: Array, width: int) -> Array:
    """The NTK over m of this width, LeCun's variances."""
    return np.asarray(gram(name, X, parametrization="standard", width=width) / width)


def hadamard(X: Array, _: Array | None) -> list[Row]:
    """K̃ against the product of K with XXᵀ/d, entry by entry, and against that of the exact width."""
    n, d = X.shape
    G, upper = X @ X.T / d, pairs(n) | np.eye(n, dtype=bool)
    table: list[Row] = []
    for gate in _SHOWN:
        for times in _WIDTHS:
            m = times * d
            gated = _kernel(gate, X, m)
            scale = np.sqrt(np.outer(np.diag(gated), np.diag(gated)))
            same = np.abs(gated - _kernel(GATES[gate], X, m) * G)
            # K of width m + d over m, as all are
            wider = np.abs(gated - _kernel(GATES[gate], X, m + d) * (m + d) / m * G) / scale
            relative = float(np.median(same[upper] / np.abs(gated)[upper]))
            table.append((f"{gate}, m = {m}", relative, float(np.max(same / scale)), 1 / times, float(wider.max())))
    return table


def angle(X: Array, _: Array | None) -> list[Row]:
    """The cosine of gated gradients less the product that is claimed, for pairs of rows."""
    n, d = X.shape
    upper = pairs(n)
    alpha = correlations(X @ X.T)
    table: list[Row] = []
    for gate in _SHOWN:
        for times in _WIDTHS:
            m = times * d
            gated = correlations(_kernel(gate, X, m))
            same, wider = (gated - correlations(_kernel(GATES[gate], X, width)) * alpha for width in (m, m + d))
            off = np.abs(same[upper])
            acute = upper & (alpha > 0)
            closer = (
                float(np.mean(gated[acute] > correlations(_kernel(GATES[gate], X, m))[acute])) if acute.any() else 0.0
            )
            table.append(
                (f"{gate}, m = {m}", float(np.median(off)), float(off.max()), float(np.abs(wider[upper]).max()), closer)
            )
    return table


def diagonal(X: Array, _: Array | None) -> list[Row]:
    """How diagonally dominant expected kernels are: non-gated, gated, and non-gated wider by d."""
    d = X.shape[1]
    m = 4 * d
    table: list[Row] = []
    for gate in _SHOWN:
        for name, width in ((GATES[gate], m), (gate, m), (GATES[gate], m + d)):
            found = dominance(_kernel(name, X, width))
            table.append(
                (
                    f"{name}, m = {width}",
                    *(float(x) for x in (found.correlation, found.rows, found.worst, found.dominant)),
                )
            )
    return table


def decorrelation(X: Array, _: Array | None) -> list[Row]:
    """Both kernels scaled to 1 at equal inputs, on pairs at acute angles."""
    rho = correlations(X @ X.T)
    acute = pairs(len(X)) & (rho > 0)
    angles = np.degrees(np.arccos(np.clip(rho[acute], -1, 1)))
    table: list[Row] = []
    for gate, alone in GATES.items():
        plain, gated = (correlations(gram(net, X))[acute] for net in (alone, gate))
        above = gated > plain + 1e-13  # the rounding of two quotients
        most = float(angles[above].max()) if above.any() else math.nan
        mean = float(np.mean(gated)) / float(np.mean(plain)) if len(plain) else math.nan
        table.append((f"{alone} → {gate}", int(acute.sum()), int(above.sum()), most, mean))
    return table


_LECUN = "NTK with LeCun's variances, of several widths"
_HADAMARD = Measure(
    _LECUN,
    ("median error", "largest", "d/m", "with width m + d"),
    hadamard,
    "Errors of K ⊙ XXᵀ/d are relative to the entry of K̃ (median) or to √(K̃_ii K̃_jj) (largest); with the width m + d in "
    "K there is none but rounding. The recorded run has other data and widths, sampled networks, and ball arithmetic.",
    sized("gaussian", 60, 20),
)
MEASURES = {
    "hadamard": _HADAMARD,
    "hadamard-exact": _HADAMARD,
    "angle": Measure(
        _LECUN,
        ("median error", "largest", "with width m + d", "acute pairs closer"),
        angle,
        "Errors are |cos φ̃ − cos φ·cos α|, of order (d/m)². The last column is the share of pairs at acute angles "
        "whose gradients the gate brings closer. The recorded run has d = 75 and m = 1000, and the inequality as "
        "balls.",
        sized("gaussian", 100, 75),
    ),
    "diagonal": Measure(
        "expected NTK with LeCun's variances, m = 4d",
        ("mean |correlation|", "mean row sum", "largest", "rows below 1"),
        diagonal,
        "Row sums are those off the diagonal, over the diagonal. The recorded run has n = 50, d = 100, m = 400, up to "
        "512 data sets, and sampled networks with biases.",
        sized("gaussian", 50, 100),
    ),
    "decorrelation": Measure(
        "NTK in the ntk parametrisation (that of d = m), rows scaled to norm √d, kernels scaled to 1 at equal inputs",
        ("acute pairs", "gated above", "up to degrees", "mean, gated/plain"),
        decorrelation,
        "The recorded run decides the inequality for every angle and for ranges of variances; here are the angles of "
        "the rows alone.",
        sized("normalised", 200, 10),
        taken=normed,
    ),
}  # fmt: skip
