"""Claims about whole spectra: of ReLU and ReGLU, and of the gates of the zoo."""

from __future__ import annotations

import math
from functools import partial

import numpy as np

from checks.claims.compact.measures import clipped
from checks.claims.decomposition.linear_errors import Law, norms
from checks.claims.mechanism.kernels import Centre, conditions, four, grams, logs
from checks.claims.mechanism.theory import predicted as predicted_parts
from checks.claims.spike import LAW as SPIKE
from checks.own.measure import MOST, Array, Measure, Row, over, sized, sure
from checks.own.orders import ends, predicted
from checks.tools.centred_gains import Logs
from checks.tools.spectral_grid import ENTRY_ERROR, kernels
from glutheory import gram
from glutheory.errors import GlutheoryError
from glutheory.networks import GATES, network
from glutheory.spectra import (
    ConditionNumber,
    condition_number,
    effective_rank,
    log_spread,
    majorisation_gap,
    participation_ratio,
    spectrum,
)
from glutheory.studies.phase.boundary import reach
from glutheory.studies.spectrum.predictions import predict

_WIDE = partial(gram, kind="nngp")
_SHOWN = ("reglu", "geglu", "swiglu")


def known(found: ConditionNumber) -> float:
    """Its value; nan where it is not known within a quarter, as where the smallest eigenvalue is not told from 0."""
    return found.value if found.high <= 1.25 * found.low < math.inf else math.nan


def condition(K: Array, factors: int = 1) -> float:
    """The condition number of a kernel, or nan; times an inner product of so many factors, whose rounding counts."""
    return known(condition_number(K, entry_error=ENTRY_ERROR + 2.0**-52 * (factors + 1)))


def spike(X: Array, _: Array | None) -> list[Row]:
    """λ_1 over n, and times d/n for the gated kernel, over the mean ‖x‖²/d and its square."""
    (n, d), size = X.shape, float(np.mean(X * X))
    found, limits = ends(X), predicted(X)
    units = (n * size, n / d * size**2)
    names = ("λ_1(K)/(mn)", "λ_1(K̃)·d/(mn)")
    table: list[Row] = [
        (name, one.largest / unit, other.largest / unit, limit)
        for name, one, other, unit, limit in zip(names, found, limits, units, (SPIKE.plain, SPIKE.gated), strict=True)
    ]
    return [*table, (f"n/d; an outlier of K̃ from {SPIKE.threshold:.2f} on", n / d, math.nan, math.nan)]


def decomposition(X: Array, _: Array | None) -> list[Row]:
    """The operator norms of the two errors, beside what they are to be and the least eigenvalues."""
    n, d = X.shape
    K, law = kernels(X), Law()
    found, least = norms(X, *K, law), [one.smallest for one in ends(X)]
    return [
        (f"error of {name}", found[gated], law.error(bool(gated), n, d), least[gated], over(found[gated], least[gated]))
        for gated, name in enumerate(("K", "K̃"))
    ]


def compact(X: Array, _: Array | None) -> list[Row]:
    """How compact the spectra of the pairs are."""
    table: list[Row] = []
    for gate in _SHOWN:
        both = [spectrum(_WIDE(net, X), entry_error=ENTRY_ERROR) for net in (GATES[gate], gate)]
        for name, one in zip((GATES[gate], gate), both, strict=True):
            regular = not math.isnan(sure(one.smallest, one.error))
            values = clipped(one)
            table.append(
                (name, effective_rank(values), participation_ratio(values))
                + ((one.largest / one.smallest, log_spread(one.values)) if regular else (math.nan, math.nan))
                + (majorisation_gap(*map(clipped, both)) if name == gate else math.nan,)
            )
    return table


def majorisation(X: Array, _: Array | None) -> list[Row]:
    """K against its Hadamard products with the correlations of the rows, and with XXᵀ/d."""
    G = X @ X.T / X.shape[1]
    size = np.sqrt(np.diag(G))
    C = G / size[:, None] / size[None, :]
    table: list[Row] = []
    for gate in _SHOWN:
        K = _WIDE(GATES[gate], X)
        plain, product, gated = (condition(one, X.shape[1]) for one in (K, K * C, K * G))
        gap = majorisation_gap(*(clipped(spectrum(one)) for one in (K, K * C)))
        bound = float(size.max() / size.min()) ** 2
        table.append((GATES[gate], gap, product / plain, gated / plain, bound))
    return table


def not_always(X: Array, _: Array | None) -> list[Row]:
    """Full kernels of several widths."""
    d = X.shape[1]
    q = np.sum(X * X, axis=1)
    table: list[Row] = []
    for gate in _SHOWN:
        for times in (1, 4, 16):
            own = partial(gram, parametrization="standard", width=times * d)
            plain, gated = (condition(own(net, X)) for net in (GATES[gate], gate))
            bound = (1 + 1 / times) * float(q.max() / q.min())
            table.append((f"{gate}, m = {times * d}", plain, gated, gated / plain, bound))
    return table


def phase(X: Array, _: Array | None) -> list[Row]:
    """What gating does to the condition number, certified or not."""
    d, lengths = X.shape[1], np.linalg.norm(X, axis=1)
    table: list[Row] = []
    for gate in _SHOWN:
        both = [_WIDE(net, X) for net in (GATES[gate], gate)]
        first, second = (spectrum(one) for one in both)
        certificate = first.largest / second.largest * float(np.min(lengths**2)) / d
        limits = [predict(network(net), X, "nngp", "standard", None) for net in (GATES[gate], gate)]
        foreseen = [one.condition for one in limits if not isinstance(one, str)]
        limit = over(*foreseen) if len(foreseen) == 2 else math.nan
        table.append(
            (
                gate,
                condition(both[0]) / condition(both[1]),
                limit,
                certificate,
                "helps for certain" if certificate > 1 else "not certified",
            )
        )
    return [*table, ("n*(d), ReGLU", reach(d), math.nan, math.nan, "")]


def mechanism(X: Array, _: Array | None) -> list[Row]:
    """The two parts of the gain, measured and of the limiting spectra."""
    (n, d), lengths = X.shape, np.linalg.norm(X, axis=1)
    table: list[Row] = []
    for gate in _SHOWN:
        values = conditions(four(grams(gate, X), "wide", Centre()))
        measured = logs([known(value) for value in values])
        try:
            limit = Logs(*map(math.log, predicted_parts(gate, "wide", n, d, lengths)))
        except (GlutheoryError, ValueError):
            limit = Logs(*[math.nan] * 4)
        parts = [
            math.exp(part)
            for name in ("mean", "shift", "gain")
            for part in (getattr(measured, name), getattr(limit, name))
        ]
        table.append((gate, *[*parts, measured.share]))
    return table


MEASURES = {
    "decomposition": Measure(
        "operator norms of what the linear kernel leaves of ReLU's and ReGLU's, over m, wide limit",
        ("measured", "claimed", "λ_n", "error/λ_n"),
        decomposition,
        "The recorded run has data sets of n = 2d, 4d, 10d and d², up to n = 2400, Gaussian and of norm √d; the "
        "claimed norms are for rows of about that norm.",
        sized("normalised", 400, 100),
        most=MOST,
    ),
    "compact": Measure(
        "spectra in the wide limit (NNGP)",
        ("effective rank", "participation", "cond", "spread of ln λ", "K majorises K̃ by"),
        compact,
        "A gap of at least 0, up to a rounding of about n·1e-16, says that the gated spectrum is the more compact one. "
        "The recorded run has every gate of the zoo, several sizes, Gaussian and normalised, and full kernels as well.",
        sized("normalised", 200, 40),
    ),
    "spike": Measure(
        "the largest eigenvalues of ReLU and ReGLU over those of the claim, wide limit",
        ("measured", "predicted", "limit"),
        spike,
        "Eigenvalues are divided by the mean ‖x‖²/d, gated ones by its square. The recorded run has n = 125 to 3000, "
        "d = 12 to 120, and normalised rows for the gated kernel.",
        sized("gaussian", 1000, 90),
        most=MOST,
    ),
    "majorisation": Measure(
        "kernels in the wide limit (NNGP), their products with the correlations C of the rows and with G = XXᵀ/d",
        ("K majorises K∘C by", "cond K∘C / cond K", "cond K∘G / cond K", "at most"),
        majorisation,
        "A gap of at least 0, up to a rounding of about n·1e-16, is what is claimed, and that the quotients are "
        "at most 1 and at most the bound. The recorded run has random matrices of several kinds, and looks for the "
        "worst one.",
        sized("gaussian", 200, 40),
    ),
    "not-always": Measure(
        "NTK with LeCun's variances, of several widths",
        ("cond K", "cond K̃", "K̃ over K", "at most"),
        not_always,
        "The bound is (1 + d/m)·max ‖x‖²/min ‖x‖². The recorded run looks for the worst data sets, as few as two "
        "points.",
        sized("normalised", 200, 40),
    ),
    "phase-diagram": Measure(
        "cond(K)/cond(K̃) in the wide limit (NNGP)",
        ("measured", "predicted", "λ_1(K)/λ_1(K̃)·min ‖x‖²/d", ""),
        phase,
        "From n*(d) on, Gaussian rows are expected to hold one that is too short for the certificate. The recorded run "
        "has a map of n and d, several data sets in each cell, and real data; `glutheory phase` draws yours.",
        sized("gaussian", 332, 48),
        most=MOST,
    ),
    "mechanism": Measure(
        "the gain of gating in two factors, wide limit (NNGP)",
        ("centring", "predicted", "shift", "predicted", "gain", "predicted", "share"),
        mechanism,
        "The share is that of centring in the logarithm of the gain. The recorded run has n up to 1448, real data, "
        "other kernels and trained networks.",
        sized("normalised", 332, 48),
    ),
}  # fmt: skip
