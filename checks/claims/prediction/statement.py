"""Ours: the wide-limit kernel of the feed-forward stream beside the NTK of real modules, and where width breaks it."""

from __future__ import annotations

import math

from checks.claims.prediction.cells import Cell, seen, sizes
from checks.claims.prediction.evidence import LEVEL, bound, broken, entries, gain, nearest, rates, sign
from checks.claims.prediction.figure import charts
from checks.claims.prediction.law import LAW, MUTANTS, RIGHT, Law
from checks.settings import Settings
from checks.tools.mutants import refuted
from glutheory.claims import Assumption, Claim, Evidence, Outcome, decide

__all__ = ["CLAIM", "MUTANTS", "run"]

#: Imported, beyond the core.
NEEDS = ("torch",)

CLAIM = Claim(
    id="prediction",
    source="this project",
    statement=(
        r"E\,\Bigl|\ln\frac{\mathrm{cond}\,K_w}{\mathrm{cond}\,K_\infty}\Bigr| \le \tfrac32\sqrt{nL/w}, \qquad "
        r"\text{gated: } E\ln\frac{\mathrm{cond}\,\tilde K_w}{\mathrm{cond}\,\tilde K_\infty} > 0, \ \propto "
        r"n^\alpha L^\beta w^{-\gamma}, \quad 0<\alpha<0.6,\ \tfrac12<\gamma<1.1,\ \alpha<\gamma,\ 0.2<\beta<0.65"
    ),
    words=(
        "Stacks of Llama's blocks without attention, built in torch (RMSNorm with gain, feed-forward network, "
        "residual; standard weights of variance 1 over the fan-in), against the kernel of the limit of infinite "
        "width with every group of weights counted by its fan-in: the condition number that module_ntk measures is "
        "within a factor exp(1.5 sqrt(nL/w)) of the predicted one, on the mean of the logarithm; n inputs, L "
        "blocks, width w. With a gate it is larger than predicted at every size. How much larger grows with n and "
        "with L more slowly than it falls with w, so nL/w bounds the error and does not determine it. At 16 blocks "
        "and widths up to 256 gated networks are worse than predicted by a factor 1.5 and more, and gating gains "
        "less than predicted; it always gains."
    ),
    assumptions=("normalised inputs in 32 dimensions", "weights at initialisation", "power"),
    meaning=(
        "The prediction can be trusted where the width is many times the depth times the number of inputs whose "
        "kernel is looked at, and first fails for deep gated networks, whose predicted kernel is so close to the "
        "identity that the noise of a finite width is what decides: predicted condition numbers near 1 are not "
        "reached (1.1 at 16 blocks and 32 inputs: at width 64 it is 9 times that, at 256 it is 2.6 times). So the "
        "growth of gating's advantage with depth ends where the width ends. Plain networks, whose condition number "
        "is that of one large eigenvalue, are predicted better."
    ),
)


def _power(settings: Settings) -> Assumption:
    """Whether the tests of the bound can pass, as planned on a pilot."""
    from scipy.stats import nct, t

    found, plan = 1.0, sizes(settings)
    for cell in plan.cells:
        count, tests = plan.seeds[cell.depth], 2 * len(plan.cells)
        # in units of the bound: means at most 0.55, deviations a quarter of them
        shift = (0.55 - 1) / (0.25 * 0.55) * math.sqrt(count)
        found -= 2 * (1 - float(nct.cdf(-t.ppf(1 - LEVEL / tests, count - 1), count - 1, shift)))
    return Assumption(
        "power",
        "the tests of the bound all pass with probability 0.95 if every mean is 0.55 of it, its deviation a quarter",
        found >= 0.95,
        f"at least {found:.3f}",
    )


def _assumed(settings: Settings) -> tuple[Assumption, ...]:
    cells = sizes(settings).cells
    largest = max(float(seen(cell, settings).measured.max()) for cell in cells)
    return (
        Assumption(
            "regular",
            "no kernel is singular in float64",
            largest < math.log(1e10),
            f"cond at most {math.exp(largest):.3g}",
        ),
        _power(settings),
    )


def run(settings: Settings, law: Law = LAW) -> Outcome:
    """The check; `law` is what is claimed."""
    cells = sizes(settings).cells
    own = tuple(cell for cell in cells if cell.gate == "swiglu")
    # deep enough for every theory to be another one, and the closest to their limit
    depth = sorted({cell.depth for cell in own})[1]
    width = max(cell.width for cell in own if cell.depth == depth)
    close = tuple(cell for cell in own if (cell.depth, cell.width) == (depth, width))

    def judged(law: Law) -> tuple[Evidence, ...]:
        return (
            nearest(law, close, settings),
            bound(law, cells, settings),
            sign(law, cells, settings),
            rates(law, own, settings),
            entries(law, own, settings),
            broken(law, own, settings),
            gain(law, cells, settings),
        )

    evidence = judged(law)
    controls = refuted(MUTANTS, judged, lambda wrong: "theory" if wrong.theory != RIGHT else "")
    assumed = _assumed(settings)
    verdict = decide(assumed, evidence, controls)
    return Outcome(CLAIM, assumed, evidence, controls, verdict, _key(own, settings), charts(cells, law, settings))


def _key(cells: tuple[Cell, ...], settings: Settings) -> str:
    """The gated networks closest to the limit and furthest from it."""
    ends = (min(cells, key=lambda cell: cell.ratio), max(cells, key=lambda cell: cell.ratio))
    factors = [math.exp(float(seen(cell, settings).errors[:, 1].mean())) for cell in ends]
    words = [
        f"x {factor:.2f} at n={cell.n}, L={cell.depth}, w={cell.width}"
        for factor, cell in zip(factors, ends, strict=True)
    ]
    return f"SwiGLU over predicted: {'; '.join(words)}"
