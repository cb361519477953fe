"""What the claim presupposes, evaluated on the networks of the run."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from checks.claims.generalization.effects import Table
from checks.claims.generalization.measures import matched
from checks.claims.generalization.plan import CHANCE, DEVIATION, EQUIVALENCE_LEVEL, LIMIT, MARGIN, MEAN, RANGE
from checks.claims.generalization.runs import Block, Name
from checks.claims.generalization.task import PAIRS, Task
from checks.tools.equivalence import equivalence_power
from checks.tools.signs import power
from glutheory.claims import Assumption


def assumptions(task: Task, blocks: Mapping[Name, Block], by_optimiser: Mapping[str, Table]) -> tuple[Assumption, ...]:
    """Evaluated on the networks of the run."""
    spread = max(max(block.parameters) / min(block.parameters) for block in blocks.values())
    finite = all(np.isfinite(side).all() for block in blocks.values() for side in (block.plain, block.gated))
    ranges = [matched(block).shared for block in blocks.values() if not block.augmented]
    ranges += [table.at.shared for table in by_optimiser.values() if not table.augmented]
    shared, pairs = min(ranges), len(PAIRS) * task.seeds
    powers = (
        power(pairs, CHANCE, LIMIT, 1),
        equivalence_power(MARGIN, DEVIATION, pairs, level=EQUIVALENCE_LEVEL),
        _power(MEAN, pairs),
    )
    return (
        Assumption(
            "matched", "numbers of parameters equal within 2 %", spread < 1.02, f"largest over smallest {spread:.4f}"
        ),
        Assumption("finite", "no training diverges", finite, f"{2 * pairs * len(blocks)} networks trained"),
        Assumption(
            "range",
            "without augmentation all networks of a gate share a range of training losses of a factor "
            f"{RANGE} after epoch 1, those of both optimisers as well",
            shared >= RANGE,
            f"least factor {shared:.3g}",
        ),
        Assumption(
            "power",
            f"a sign test decides with probability 0.8 if each pair is as claimed with {CHANCE}; equivalence is found "
            f"with probability 0.8 at no difference if the deviation is {DEVIATION}; so is a mean of {MEAN} deviations "
            "by the t-tests of the corrected form",
            min(powers) >= 0.8,
            ", ".join(f"{chance:.3f}" for chance in powers),
        ),
    )


def _power(mean: float, count: int) -> float:
    """The probability that a one-sided t-test of so many numbers finds a mean of so many deviations."""
    from scipy.stats import nct, t

    return float(nct.sf(t.isf(EQUIVALENCE_LEVEL, count - 1), count - 1, mean * np.sqrt(count)))
