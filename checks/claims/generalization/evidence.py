"""The evidence of one block at equal training loss: the gaps, and the pace of training."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from checks.claims.generalization.controls import Statement
from checks.claims.generalization.measures import LEVELS, Matched, one_sided
from checks.claims.generalization.plan import EQUIVALENCE_LEVEL, LIMIT, MARGIN, SLOWER, WEAKER_LIMIT, WIDER
from checks.claims.generalization.runs import Block
from checks.tools.equivalence import Equivalence, equivalence
from checks.tools.signs import Interval, shown, signs
from checks.tools.two_sample import paired_energy_test
from glutheory.claims import About, Evidence, Figure, Finding, Grade

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Equal:
    """The gaps of one block at equal training loss.

    Attributes:
        pvalue, least: of the energy test of the gap curves, labels swapped within pairs; and the least possible.
        ratio: gated over plain, with its 95 % interval, all gates.
        gates: the same for each gate.
        test: whether ln of the ratio is within the margin.
        device: where the networks were trained.
    """

    pvalue: float
    least: float
    ratio: Interval | None
    gates: dict[str, Interval | None]
    test: Equivalence | None
    device: str

    @property
    def finding(self) -> Finding:
        if self.pvalue <= LIMIT:
            return Finding.REFUTES
        return Finding.SUPPORTS if self.test is not None and self.test.equivalent else Finding.UNDECIDED


def equal(block: Block, found: Matched) -> Equal:
    """Compare the gaps of a block at equal training loss."""
    gain, curves = found.gain, found.curves[:, None]
    usable = np.isfinite(gain).all() and np.isfinite(curves).all()
    pvalue = least = 1.0
    if np.isfinite(curves).all():
        swaps = paired_energy_test(curves, -curves, permutations=2 ** (len(curves) - 1))
        pvalue, least = swaps.pvalue, swaps.least
    return Equal(
        pvalue,
        least,
        Interval.of(np.exp(gain)),
        {gate: Interval.of(np.exp(gain[rows])) for gate, rows in block.gates},
        equivalence(gain, MARGIN, level=EQUIVALENCE_LEVEL) if usable else None,
        block.device,
    )


def gap(name: str, found: Matched, item: Equal) -> Evidence:
    """The gaps at equal training loss: supported if they are shown to be equivalent and not told apart."""
    test = item.test
    figures: dict[str, Figure] = {
        "gated over plain gap, all pairs": None if item.ratio is None else item.ratio.figure,
        "by gate, 95 % intervals": {key: None if row is None else row.figure for key, row in item.gates.items()},
        "by pair": [round(float(value), 4) if np.isfinite(value) else None for value in np.exp(found.gain)],
        "training losses compared at, by gate": [[float(f"{x:.4g}") for x in row] for row in found.levels],
        "p of the energy test, runs relabelled within pairs": item.pvalue,
        "least p that it can give": item.least,
        "p needed to refute": LIMIT,
        "margin, as a ratio": float(np.exp(MARGIN)),
        "level of the equivalence test": EQUIVALENCE_LEVEL,
        "p of equivalence": None if test is None else test.pvalue,
        "equivalent": None if test is None else test.equivalent,
        f"interval of level {1 - 2 * EQUIVALENCE_LEVEL:g}": None
        if test is None
        else np.exp([test.low, test.high]).tolist(),
        "deviation of ln of the ratio": None if test is None else test.deviation,
        "power of equivalence at no difference": None if test is None else test.power,
        "trained on": item.device,
    }
    what = f"{name}: the gaps at {LEVELS} equal training losses, pairs of networks; margin 80 % to 125 %"
    return Evidence(Grade.STATISTICAL, what, item.finding, part=f"{name}: gap", figures=figures)


def pace(name: str, found: Matched, statement: Statement) -> Evidence:
    """The epochs to reach these training losses."""
    ratio = np.exp(found.pace)
    finding, figures = signs({"gated reaches the losses sooner": statement.faster(ratio)}, LIMIT)
    if not np.isfinite(ratio).all():
        finding = Finding.UNDECIDED
    figures |= {"gated over plain epochs": shown(ratio)}
    what = f"{name}: the epochs to reach the same training losses, averaged in the logarithm"
    return Evidence(Grade.STATISTICAL, what, finding, part=f"{name}: pace", figures=figures)


def within(name: str, found: Matched) -> Evidence:
    """The corrected form: the ratio of the gaps is within the wider margin on both sides."""
    figures, finding = _bounded(found.gain, WIDER, both=True)
    what = f"{name}: the gaps at equal training loss are within a factor {np.exp(WIDER):g} on average (t-tests)"
    return Evidence(Grade.STATISTICAL, what, finding, About.CORRECTED, f"{name}: factor", figures)


def not_slower(name: str, found: Matched) -> Evidence:
    """The corrected form: the gated networks take at most so many times the epochs."""
    figures, finding = _bounded(found.pace, SLOWER, both=False)
    what = f"{name}: gated networks reach equal training losses in at most {np.exp(SLOWER):g} times the epochs (t-test)"
    return Evidence(Grade.STATISTICAL, what, finding, About.CORRECTED, f"{name}: not slower", figures)


def _bounded(logs: Array, margin: float, *, both: bool) -> tuple[dict[str, Figure], Finding]:
    """Whether the mean of these logarithms is at most the margin; at least minus the margin, too, if `both`."""
    row, finding = one_sided(margin - logs, *([margin + logs] if both else []))
    figures: dict[str, Figure] = {
        "mean ratio": float(np.exp(np.mean(logs))) if np.isfinite(logs).all() else None,
        "limit": float(np.exp(margin)),
        "level": EQUIVALENCE_LEVEL,
        "p needed to refute": WEAKER_LIMIT,
    }
    return figures | row, finding
