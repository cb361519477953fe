"""Ours: λ(K⊙C) ≺ λ(K) for every correlation matrix C, and the bound for inputs of any norm."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from checks.claims.majorisation.correlated_matrices import (
    Matrices,
    correlation,
    data_cases,
    kernel_cases,
    random_cases,
    zoo,
)
from checks.claims.majorisation.figure import charts
from checks.claims.majorisation.hadamard_spectra import certified, sharpness
from checks.settings import Settings
from checks.tools import bounds
from checks.tools.bounds import Bound
from checks.tools.evidence import proof
from glutheory.claims import Assumption, Claim, Control, Evidence, Figure, Finding, Grade, Outcome, decide

Array = npt.NDArray[np.float64]

#: Imported, beyond the core.
NEEDS = ("sklearn",)
CLAIM = Claim(
    id="majorisation",
    source="this project",
    statement=(
        r"C\succeq0,\ C_{ii}=1:\quad \lambda(K\odot C)\prec\lambda(K);\qquad G=XX^\top:\quad "
        r"\mathrm{cond}(K\odot G)\le\mathrm{cond}(K)\,\frac{\max\|x_i\|^2}{\min\|x_i\|^2}"
    ),
    words=(
        "The Hadamard product with a correlation matrix makes a spectrum more compact, in the sense of majorisation: "
        "never a larger λ_max, a smaller λ_min or a worse condition number. With inputs of any norm the condition "
        "number grows by at most the ratio of the squared norms, and this bound is attained."
    ),
    assumptions=("K symmetric (positive semidefinite for condition numbers)", "C positive semidefinite, unit diagonal"),
    meaning=(
        "On normalised inputs, as after RMSNorm, the part of a gated network's kernel that multiplies the plain kernel "
        "by the cosines between the inputs can only even out the spectrum: every direction is learned at a more equal "
        "rate. Without normalisation the largest over the smallest squared norm can be lost again."
    ),
)


@dataclass(frozen=True)
class Said:
    """What is claimed of (K, C) and of (K, G), each as the bounded numbers with their bounds."""

    sums: Callable[[Array, Array], Bound]
    norms: Callable[[Array, Array], Bound]


def sums(K: Array, C: Array) -> Bound:
    """The partial sums of the eigenvalues."""
    return bounds.majorisation_sums(K, C, validate=False)


def norms(K: Array, G: Array) -> Bound:
    """The condition number for inputs of any norm."""
    return bounds.two_sided_condition(K, G, validate=False)


def _loose_diagonal(K: Array, C: Array) -> Bound:
    """C with a diagonal between 1 and 1.1: still positive semidefinite."""
    return sums(K, C + np.diag(np.linspace(0, 0.1, len(C))))


def _indefinite(K: Array, C: Array) -> Bound:
    """For C a matrix with unit diagonal and −0.9 beside it: from three inputs on it has a negative eigenvalue."""
    n = len(C)
    return sums(K, 1.9 * np.eye(n) - 0.9 * np.ones((n, n)))


def _reversed(K: Array, C: Array) -> Bound:
    """K ≺ K⊙C."""
    found = sums(K, C)
    return replace(found, value=found.upper, upper=found.value)


def _ordinary(K: Array, C: Array) -> Bound:
    """The spectrum of K C, that of √C K √C, in place of K⊙C."""
    values, vectors = np.linalg.eigh(C)
    root = (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T
    return replace(sums(K, C), value=np.cumsum(bounds.eigenvalues(root @ K @ root)))


def _swapped(K: Array, G: Array) -> Bound:
    """Min g/max g for max g/min g: the bound the wrong way round."""
    found, g = norms(K, G), np.diag(G)
    return replace(found, lower=np.minimum(found.lower * (np.max(g) / np.min(g)) ** 2, 1.0))


def _norms_forgotten(K: Array, G: Array) -> Bound:
    """cond(K⊙G) ≤ cond(K), whatever the norms."""
    found, g = norms(K, G), np.diag(G)
    return replace(found, lower=found.lower * (np.max(g) / np.min(g)))


def _first_power(K: Array, G: Array) -> Bound:
    """The ratio of the norms, not of their squares."""
    found, g = norms(K, G), np.diag(G)
    return replace(found, lower=found.lower * np.sqrt(np.max(g) / np.min(g)))


SAID = Said(sums, norms)
MUTANTS: dict[str, Said] = {
    "a diagonal of C up to 1.1": Said(_loose_diagonal, norms),
    "C with unit diagonal, cosines of -0.9: indefinite": Said(_indefinite, norms),
    "the order reversed: K is majorised by K⊙C": Said(_reversed, norms),
    "the ordinary product for the Hadamard product": Said(_ordinary, norms),
    "max and min of the norms swapped": Said(sums, _swapped),
    "cond(K⊙G) <= cond(K) for any norms": Said(sums, _norms_forgotten),
    "the norms' ratio for that of their squares": Said(sums, _first_power),
}


@lru_cache(maxsize=4)
def cases(seed: int, thorough: bool) -> tuple[Matrices, ...]:
    """Random and extreme matrices, kernels of the zoo and kernels of digits."""
    shapes = ((6, 3), (30, 5), (30, 40)) if not thorough else ((6, 3), (30, 5), (30, 40), (200, 20), (200, 300))
    found = random_cases(seed, 20 if thorough else 3)
    found += kernel_cases(seed + 1, zoo(), shapes)
    found += data_cases(zoo() if thorough else ("relu", "silu"), 300 if thorough else 40)
    return tuple(found)


def search(found: Sequence[Matrices], said: Said) -> Evidence:
    """Every inequality on every matrix, beyond rounding."""
    checked, broken, worst = 0, [], np.inf
    for case in found:
        results = [said.sums(case.K, case.C)]
        if case.definite:
            results.append(said.norms(case.K, case.gram))
        for bound in results:
            checked += 1
            worst = min(worst, bound.slack / bound.rounding)
            if not bound.holds():
                broken.append(case.kind)
    figures: dict[str, Figure] = {
        "matrices": len(found),
        "inequalities": checked,
        "violated": len(broken),
        "kinds violated": sorted(set(broken)),
        "smallest slack over the rounding allowed": float(worst),
    }
    what = "the partial sums and the condition number on random and extreme matrices, kernels of the zoo and of digits"
    return Evidence(Grade.NUMERICAL, what, Finding.of(not broken), figures=figures)


def adversary(seed: int, said: Said, starts: int) -> Evidence:
    """An optimiser that tries to violate each inequality on 3×3 matrices; the slack goes to 0 and no further."""
    from scipy.optimize import minimize

    rng = np.random.default_rng(seed)

    def matrices(x: Array) -> tuple[Array, Array, Array]:
        A, rows = x[:9].reshape(3, 3), x[9:18].reshape(3, 3) + 1e-9
        square = A @ A.T
        return square / np.trace(square) + 0.01 * np.eye(3), correlation(rows), np.exp(np.clip(x[18:], -2, 2))

    def loss(x: Array, which: str) -> float:
        K, C, g = matrices(x)
        if which == "sums":
            # at k = n both sides are the trace: what can be violated without it is k < n
            bound = said.sums(K, C)
            gaps = bound.upper - bound.value
            return float(min(np.min(gaps[:-1]), -abs(gaps[-1])) / bound.scale)
        bound = said.norms(K, C * np.sqrt(g) * np.sqrt(g)[:, None])
        return float(np.min(bound.value / bound.lower) - 1)

    lowest: dict[str, float] = {}
    for which in ("sums", "norms"):
        ends = [
            minimize(loss, rng.standard_normal(21), args=(which,), method="Nelder-Mead", options={"maxfev": 400}).fun
            for _ in range(starts)
        ]
        lowest[which] = float(min(ends))
    # the condition numbers stay below 101 e⁴, and their relative errors below the rounding of a bound times that
    allowed = 16 * 3 * float(np.finfo(float).eps) * 101 * float(np.exp(4))
    figures: dict[str, Figure] = {"starts": starts, "lowest slack": dict(lowest), "allowed for rounding": allowed}
    what = "an optimiser that tries to violate the partial sums and the bound for any norms (3×3 matrices)"
    return Evidence(Grade.NUMERICAL, what, Finding.of(min(lowest.values()) >= -allowed), figures=figures)


def run(settings: Settings, said: Said = SAID) -> Outcome:
    """The check; `said` is what is claimed."""
    thorough = settings.profile.thorough
    seed = settings.stream("majorisation/matrices")
    found = cases(seed, thorough)
    numerical, pushed = search(found, said), adversary(seed, said, 40 if thorough else 6)
    evidence = (proof("majorisation"), certified(), sharpness(), numerical, pushed)
    controls = []
    for altered, wrong in MUTANTS.items():
        first, second = search(found, wrong), adversary(seed, wrong, 2)
        caught = first.finding is Finding.REFUTES and second.finding is Finding.REFUTES
        violated, lowest = first.figures["violated"], second.figures["lowest slack"]
        assert isinstance(lowest, dict)
        by = f"{violated} of {first.figures['inequalities']} violated; the optimiser finds {min(lowest.values()):.2g}"
        controls.append(Control(altered, caught, by))
    skew = max(float(np.max(np.abs(case.K - case.K.T)) / np.max(np.abs(case.K))) for case in found)
    off = max(float(np.max(np.abs(np.diag(case.C) - 1))) for case in found)
    least = min(float(bounds.eigenvalues(case.C)[-1]) / len(case.C) for case in found)
    assumptions = (
        Assumption("symmetric", "K is symmetric", skew == 0, f"largest relative asymmetry {skew:.1g}"),
        Assumption("unit diagonal", "C_ii = 1", off == 0, f"off by at most {off:.1g}"),
        # eigenvalues of a correlation matrix are at most n, their rounding errors a few n ε
        Assumption("semidefinite", "C has no negative eigenvalue", least > -1e-14, f"least eigenvalue/n {least:.1g}"),
    )
    inequalities, lowest = numerical.figures["inequalities"], pushed.figures["lowest slack"]
    assert isinstance(lowest, dict)
    key = f"none of {inequalities} inequalities violated; optimiser stops at {min(lowest.values()):.1g}"
    verdict = decide(assumptions, evidence, controls)
    return Outcome(CLAIM, assumptions, evidence, tuple(controls), verdict, key, charts(found))
