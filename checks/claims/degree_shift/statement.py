"""Ours: on the sphere K = (ρκ)′ and K̃ = (ρ²κ)′; gating moves every coefficient one degree up. Funk–Hecke follows."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from flint import arb

from checks.claims.degree_shift.figure import coefficients
from checks.claims.degree_shift.figure import levels as levels_chart
from checks.settings import Settings
from checks.tools import roads
from checks.tools.evidence import proof
from glutheory.activations import activation
from glutheory.claims import Assumption, Claim, Control, Evidence, Figure, Finding, Grade, Outcome, decide
from glutheory.figures.chart import Chart
from glutheory.ground.balls import precision
from glutheory.ground.exact import Point, ball
from glutheory.ground.pieces import pieces
from glutheory.symbolic.hermite import HermiteSeries, hermite_series

#: Imported, beyond the core.
NEEDS = ("torch",)
CLAIM = Claim(
    id="degree-shift",
    source="this project",
    statement=(
        r"\kappa(\rho)=\sum_k c_k\rho^k:\quad K=(\rho\kappa)'=\sum_k (k+1)c_k\rho^k,\qquad "
        r"\tilde K=(\rho^2\kappa)'=\sum_k (k+2)c_k\rho^{k+1}"
    ),
    words=(
        "On the sphere, gating multiplies the coefficient of degree k by (k+2)/(k+1) and moves it to degree k+1; with "
        "Funk–Hecke this gives every eigenvalue of the integral operator and its multiplicity."
    ),
    assumptions=("ntk parametrisation", "inputs on the sphere of radius √d", "continuous activation"),
    meaning=(
        "On normalised inputs gating moves the kernel's weight from every degree to the next one: more weight on "
        "more complex functions. For gates such as ReLU, GELU and SiLU the plain kernel knows the even degrees "
        "and degree 1, the gated one the odd degrees and degree 2, so a target that one network learns slowly may "
        "be easy for the other."
    ),
)

#: (k, gated) -> (factor, degree): the term c_k ρ^k of κ becomes factor · c_k ρ^degree.
Shift = Callable[[int, bool], tuple[int, int]]
_QUICK, _FULL = ("relu", "gelu", "silu"), ("tanh", "erf", "sigmoid", "softplus", "abs")
_SPECTRA = {"gelu": "geglu", "silu": "swiglu"}
_TERMS, _DIGITS = 40, 22
_RHOS = (Fraction(-4, 5), Fraction(-1, 3), Fraction(1, 4), Fraction(1, 2), Fraction(4, 5))
#: Gauss–Legendre nodes in the height; twice as many meridians.
_GRIDS = (10, 14)


def shift(k: int, gated: bool) -> tuple[int, int]:
    """(k+1, k) for K and (k+2, k+1) for K̃."""
    return (k + 2, k + 1) if gated else (k + 1, k)


MUTANTS: dict[str, Shift] = {
    "the factor k+1 for the gated kernel": lambda k, gated: (k + 1, k + 1) if gated else (k + 1, k),
    "the degree not moved": lambda k, gated: (k + 2, k) if gated else (k + 1, k),
    "the NNGP for the NTK": lambda k, gated: (1, k + gated),
    "gating moves the degree by two": lambda k, gated: (k + 3, k + 2) if gated else (k + 1, k),
}


def _series(name: str) -> HermiteSeries:
    return hermite_series(activation(name), Fraction(1), _TERMS, _DIGITS)


def values(names: tuple[str, ...], shift: Shift) -> Evidence:
    """The shifted series with Parseval's tail against the kernels with enclosed integrals, as balls."""
    apart, radius, gap, count = 0, 0.0, 0.0, 0
    for name in names:
        series = _series(name)
        for rho in _RHOS:
            S, T = roads.quadrature(activation(name), Point(Fraction(1), Fraction(1), rho))
            with precision(160):
                x = ball(rho)
                # (k+2)|ρ|^k decreases from k = 40 on for |ρ| ≤ 4/5, and Σ c_k over the rest is at most series.rest
                tail = (_TERMS + 2) * abs(x) ** _TERMS * series.rest
                for gated, kernel in ((False, S + x * T), (True, 2 * x * S + x * x * T)):
                    total = arb(0, tail.upper())
                    for k, h in enumerate(series.coefficients):
                        factor, degree = shift(k, gated)
                        total += factor * h * h * x**degree
                    apart += not total.overlaps(kernel)
                    radius = max(radius, float(total.rad()))
                    gap = max(gap, float(abs(total - kernel).lower()))
                    count += 1
    finding = Finding.REFUTES if apart else (Finding.SUPPORTS if radius < 1e-4 else Finding.UNDECIDED)
    figures = {"values": count, "disjoint": apart, "largest gap": gap, "largest radius": radius, "terms": _TERMS}
    what = f"the shifted Hermite series, tail bounded, meets the kernels with enclosed integrals ({', '.join(names)})"
    return Evidence(Grade.CERTIFICATE, what, finding, figures=figures)


def legendre(degree: int, level: int) -> Fraction:
    """½ ∫ t^degree P_level(t) dt over [−1, 1]: what ρ^degree contributes to the eigenvalue of this level on S²."""
    if degree < level or (degree - level) % 2:
        return Fraction(0)
    return Fraction(math.factorial(degree), _odd_even(degree - level) * _odd_even(degree + level + 1))


def _odd_even(n: int) -> int:
    """The double factorial n!!."""
    return math.prod(range(n, 0, -2))


def eigenvalues(name: str, gated: bool, shift: Shift, levels: int) -> list[float]:
    """Funk–Hecke: the eigenvalue of every level on S² from the shifted coefficients."""
    found = []
    weights = [float((h * h).mid()) for h in _series(name).coefficients]
    for level in range(levels):
        terms = [(weight, *shift(k, gated)) for k, weight in enumerate(weights)]
        found.append(math.fsum(weight * factor * float(legendre(degree, level)) for weight, factor, degree in terms))
    return found


def _grid(size: int) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Points of norm √3 on the sphere and weights of sum 1; exact for polynomials of degree below 2·size."""
    height, weight = np.polynomial.legendre.leggauss(size)
    turn = np.arange(2 * size) * np.pi / size
    radius = np.sqrt(1 - height**2)
    X = np.stack(
        [np.outer(radius, np.cos(turn)), np.outer(radius, np.sin(turn)), np.outer(height, np.ones(2 * size))], axis=-1
    )
    return math.sqrt(3) * X.reshape(-1, 3), np.repeat(weight / 2 / (2 * size), 2 * size)


@lru_cache(maxsize=16)
def _spectrum(network: str, size: int) -> npt.NDArray[np.float64]:
    """The spectrum of the integral operator on S², discretised; descending."""
    import torch

    from glutheory.numeric import gram

    X, weights = _grid(size)
    root = np.sqrt(weights)
    K = gram(network, X) * root * root[:, None]
    with roads.one_thread():
        spectrum: npt.NDArray[np.float64] = np.flip(
            torch.linalg.eigvalsh(torch.from_numpy((K + K.T) / 2)).numpy()
        ).copy()
    spectrum.flags.writeable = False  # it is kept
    return spectrum


def spectra(found: dict[tuple[str, bool, int], npt.NDArray[np.float64]], shift: Shift) -> Evidence:
    """Every eigenvalue of the discretised operator, with its multiplicity, against Funk–Hecke."""
    errors: dict[int, list[float]] = {size: [] for size in _GRIDS}
    for (name, gated, size), spectrum in found.items():
        levels = eigenvalues(name, gated, shift, size)
        claimed = np.sort(np.repeat(levels, [2 * level + 1 for level in range(size)]))[::-1]
        errors[size].append(float(np.max(np.abs(spectrum[: len(claimed)] - claimed)) / claimed[0]))
    coarse, fine = (float(np.max(errors[size])) for size in _GRIDS)
    figures = {f"error on {size} x {2 * size} points": max(values) for size, values in errors.items()}
    names = ", ".join(f"{name}, {gate}" for name, gate in _SPECTRA.items())
    what = f"spectra of the integral operator on S^2 against Funk-Hecke with multiplicities 2l+1 ({names})"
    # the error falls with the grid, to well below any eigenvalue that a wrong shift would move
    finding = Finding.of(fine < 1e-7 and fine <= max(coarse, 1e-12))
    return Evidence(Grade.NUMERICAL, what, finding, figures={**figures, "relative to": "the largest eigenvalue"})


def run(settings: Settings, shift: Shift = shift) -> Outcome:
    """The check; `shift` is what is claimed."""
    names = _QUICK + (_FULL if settings.profile.thorough else ())
    found = {
        (name, gated, size): _spectrum(gate if gated else name, size)
        for name, gate in _SPECTRA.items()
        for gated in (False, True)
        for size in _GRIDS
    }
    certificate, numerical = values(names, shift), spectra(found, shift)
    evidence = (proof("degree_shift"), certificate, numerical)
    X, weights = _grid(_GRIDS[-1])
    spread = float(np.max(np.abs(np.sum(X**2, axis=1) / 3 - 1)))
    total = abs(float(weights.sum()) - 1)
    jumping = [name for name in names if any(jump != 0 for jump in pieces(activation(name).expr).jumps)]
    assumptions = (
        Assumption(
            "continuous", "no activation jumps", not jumping, f"{len(names)} activations, jumps in {jumping or 'none'}"
        ),
        Assumption("sphere", "all inputs have norm √d", spread < 1e-14, f"|x|^2/d - 1 up to {spread:.1g}"),
        Assumption("measure", "the weights are those of the uniform measure", total < 1e-14, f"sum - 1 = {total:.1g}"),
    )
    controls = []
    for altered, wrong in MUTANTS.items():
        first, second = values(names, wrong), spectra(found, wrong)
        caught = first.finding is Finding.REFUTES and second.finding is Finding.REFUTES
        error = second.figures[f"error on {_GRIDS[-1]} x {2 * _GRIDS[-1]} points"]
        gap = first.figures["largest gap"]
        controls.append(Control(altered, caught, f"certificate: apart by {gap:.2g}; spectra: off by {error:.2g}"))
    fine = numerical.figures[f"error on {_GRIDS[-1]} x {2 * _GRIDS[-1]} points"]
    key = f"{_GRIDS[-1] ** 2} eigenvalues on S^2 within {fine:.1g} of the largest"
    verdict, drawn = decide(assumptions, evidence, controls), _charts(found, shift, fine)
    return Outcome(CLAIM, assumptions, evidence, tuple(controls), verdict, key, charts=drawn)


def _charts(
    found: dict[tuple[str, bool, int], npt.NDArray[np.float64]], shift: Shift, error: Figure
) -> tuple[Chart, ...]:
    """For the last of the networks, on the fine grid."""
    assert isinstance(error, float)
    (name, gate), size = list(_SPECTRA.items())[-1], _GRIDS[-1]
    claimed = tuple(eigenvalues(name, gated, shift, size) for gated in (False, True))
    spectra = tuple(found[name, gated, size] for gated in (False, True))
    # most odd coefficients vanish: they are balls around 0
    weights = [0.0 if h.contains(0) else float((h * h).mid()) for h in _series(name).coefficients]
    return levels_chart(name, gate, claimed, spectra, error), coefficients(weights, 16, name, gate)
