"""The figures of the claim: partial sums of one kernel, condition numbers of all matrices."""

from __future__ import annotations

from collections.abc import Sequence

from checks.claims.majorisation.correlated_matrices import Matrices
from checks.tools import bounds
from glutheory.figures.chart import Chart, Role, Series


def charts(found: Sequence[Matrices]) -> tuple[Chart, ...]:
    """Partial sums of one kernel of digits; condition numbers before and after for all matrices."""
    case = next(item for item in found if item.kind == "digits, silu")
    bound = bounds.majorisation_sums(case.K, case.C, validate=False)
    n, total = len(case.K), float(bound.upper[-1])
    share = [0.0, *(k / n for k in range(1, n + 1))]
    curves = {
        "K": (bound.upper, Role.PLAIN),
        "K⊙C": (bound.value, Role.GATED),
        "flat spectrum": (bound.lower, Role.THEORY),
    }
    lorenz = Chart(
        "The Hadamard product with the cosines makes the spectrum more compact",
        "share of the eigenvalues, largest first",
        "share of the trace",
        [
            Series(label, share, [0.0, *(float(value) / total for value in values)], role, dashed=role is Role.THEORY)
            for label, (values, role) in curves.items()
        ],
        note=f"NTK of a SiLU network on {n} images of digits: the curve of K⊙C lies below that of K everywhere.",
    )
    before, after = [], []
    for item in found:
        inverse = bounds.two_sided_condition(item.K, item.C, validate=False) if item.definite else None
        if inverse is not None and float(inverse.lower[0]) > 1e-12:
            before.append(1 / float(inverse.lower[0]))
            after.append(1 / float(inverse.value[0]))
    some = slice(None, None, 1 + len(before) // 200)
    before, after = before[some], after[some]
    line = [1.0, max(before)]
    scatter = Chart(
        "Condition numbers before and after the Hadamard product with a correlation matrix",
        r"$\mathrm{cond}(K)$",
        r"$\mathrm{cond}(K\odot C)$",
        (
            Series("no change", line, line, Role.THEORY, dashed=True),
            Series("matrices", before, after, line=False),
        ),
        xscale="log",
        yscale="log",
        note="No point lies above the diagonal; those on it have cosines of ±1 or no correlations to lose.",
    )
    return lorenz, scatter
