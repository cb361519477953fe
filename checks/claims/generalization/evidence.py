"""The evidence of one block: the paper's own test, the gaps at equal training loss, and the pace of training."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from checks.claims.generalization.controls import Statement
from checks.claims.generalization.measures import LEVELS, Matched, clouds
from checks.claims.generalization.runs import Block
from checks.tools.equivalence import Equivalence, equivalence
from checks.tools.signs import Interval, shown, signs
from checks.tools.two_sample import energy_test, paired_energy_test
from glutheory.claims import About, Evidence, Figure, Finding, Grade

Array = npt.NDArray[np.float64]
#: The probability that any test refutes the claim if it is true; and the same for its corrected form. Networks are
#: dear: with few of them no test can promise what those of the other checks do.
LEVEL = 0.01
#: Tests that can refute: in each of six blocks the paper's test, the gaps at equal training loss, and the pace.
TESTS = 18
LIMIT = LEVEL / TESTS
#: Of the corrected form in each block the factor between the gaps, and that training is not slower.
WEAKER_LIMIT = LEVEL / 12
#: Ratios of two gaps within (1/1.25, 1.25) count as equal, if the interval of level 1 - 2 * 0.05 is inside: the
#: convention for bioequivalence, where this test is from. The claim needs it in every block, so that it is wrongly
#: supported with probability at most 0.05.
MARGIN, EQUIVALENCE_LEVEL = float(np.log(1.25)), 0.05
#: The corrected form, from exploratory runs: the gaps are within a factor 1.5, and training takes at most 1.25 times as
#: many epochs.
WIDER, SLOWER = float(np.log(1.5)), float(np.log(1.25))
#: The paper's own: its level, how many epochs enter, and how many relabellings we draw.
PAPER_LEVEL, PAPER_EPOCHS, PERMUTATIONS = 0.05, 25, 999
#: The two forms of the paper's test, and whether the coordinates of all points are put in one list.
FORMS = {"coordinates flattened, as released": True, "points of the plane": False}


def pvalues(block: Block) -> dict[str, Array]:
    """Of the paper's test on every pair, single epochs relabelled, in both forms; none where a training diverged."""
    x, y = (clouds(side, PAPER_EPOCHS) for side in (block.plain, block.gated))
    if not (np.isfinite(x).all() and np.isfinite(y).all()):
        return {}
    found = {}
    for label, flatten in FORMS.items():
        tests = (
            energy_test(a, b, permutations=PERMUTATIONS, seed=pair, flatten=flatten)
            for pair, (a, b) in enumerate(zip(x, y, strict=True))
        )
        found[label] = np.array([test.pvalue for test in tests])
    return found


def paper(name: str, block: Block) -> Evidence:
    """The test of the released code on every pair; beside it with whole runs relabelled."""
    part, found = f"{name}: p >= {PAPER_LEVEL}", pvalues(block)
    if not found:
        return Evidence(Grade.STATISTICAL, f"{name}: a training diverged", Finding.UNDECIDED, part=part)
    x, y = (clouds(side, PAPER_EPOCHS) for side in (block.plain, block.gated))
    rows: dict[str, Figure] = {}
    for label, values in found.items():
        whole = paired_energy_test(x, y, permutations=2 ** (len(x) - 1), flatten=FORMS[label])
        rows[label] = {
            "p, epochs relabelled, by pair": [round(float(value), 4) for value in values],
            f"pairs with p >= {PAPER_LEVEL}": int(np.sum(values >= PAPER_LEVEL)),
            "p, whole runs relabelled, all pairs": whole.pvalue,
            "least p that it can give": whole.least,
        }
    accepted = np.all([values >= PAPER_LEVEL for values in found.values()], axis=0)
    finding, figures = signs({f"p >= {PAPER_LEVEL} in both forms": accepted}, LIMIT)
    what = (
        f"{name}: the paper's energy-distance test of (training loss, gap) over the first {x.shape[1]} epochs does not "
        f"reject at {PAPER_LEVEL} in most pairs, neither as released nor with points of the plane"
    )
    return Evidence(Grade.STATISTICAL, what, finding, part=part, figures=figures | {"measured": rows})


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
    from scipy.stats import ttest_1samp

    if not np.isfinite(logs).all():
        return {"p": None}, Finding.UNDECIDED
    signs = (1, -1) if both else (1,)
    inside, outside = (
        [float(ttest_1samp(sign * logs, margin, alternative=side).pvalue) for sign in signs]
        for side in ("less", "greater")
    )
    figures: dict[str, Figure] = {
        "mean ratio": float(np.exp(np.mean(logs))),
        "limit": float(np.exp(margin)),
        "p of being inside": max(inside),
        "level": EQUIVALENCE_LEVEL,
        "p of being outside": min(outside),
        "p needed to refute": WEAKER_LIMIT,
    }
    if max(inside) <= EQUIVALENCE_LEVEL:
        return figures, Finding.SUPPORTS
    return figures, Finding.REFUTES if min(outside) <= WEAKER_LIMIT else Finding.UNDECIDED
