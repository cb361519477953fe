"""The paper's own test: the clouds of points (training loss, gap) of a plain and a gated network, epochs relabelled.

Where images are altered, the released training loss is that on altered images. So there the test is done three times:
with the training loss on images altered anew after each epoch, which is judged; with its mean over the steps of the
epoch, as training loops log it; and with the loss on the images as they are, on which the test loss is measured as
well. What the first and the last say differently is said by the alteration alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from checks.claims.generalization.measures import clouds
from checks.claims.generalization.plan import LIMIT, PAPER_EPOCHS, PAPER_LEVEL, PERMUTATIONS
from checks.claims.generalization.runs import Block
from checks.claims.generalization.training import COLUMNS
from checks.tools.signs import signs
from checks.tools.two_sample import energy_test, paired_energy_test
from glutheory.claims import Evidence, Figure, Finding, Grade

Array = npt.NDArray[np.float64]
#: The two forms of the paper's test, and whether the coordinates of all points are put in one list.
FORMS = {"coordinates flattened, as released": True, "points of the plane": False}
#: What the training loss can be measured on, with its column.
MEASURED = {
    "images as they are": "train",
    "altered images, as released": "augmented",
    "altered images, over the steps of the epoch": "running",
}
CLEAN, RELEASED, _ = MEASURED


def judged(block: Block) -> str:
    """What the training loss of the paper's test is measured on."""
    return RELEASED if block.augmented else CLEAN


def pvalues(block: Block, measured: str) -> Mapping[str, Array]:
    """Of the paper's test on every pair, single epochs relabelled, in both forms; none where a training diverged."""
    x, y = _both(block, measured)
    if not (np.isfinite(x).all() and np.isfinite(y).all()):
        return {}
    return _pvalues(x.tobytes(), y.tobytes(), x.shape)


@lru_cache(maxsize=64)
def _pvalues(x: bytes, y: bytes, shape: tuple[int, ...]) -> Mapping[str, Array]:
    """The same for points that evidence and figure share."""
    pairs = list(zip(*(np.frombuffer(side).reshape(shape) for side in (x, y)), strict=True))
    found = {}
    for label, flatten in FORMS.items():
        tests = (
            energy_test(a, b, permutations=PERMUTATIONS, seed=pair, flatten=flatten)
            for pair, (a, b) in enumerate(pairs)
        )
        found[label] = np.array([test.pvalue for test in tests])
    return found


def _both(block: Block, measured: str) -> tuple[Array, Array]:
    column = COLUMNS.index(MEASURED[measured])
    x, y = (clouds(side, PAPER_EPOCHS, column) for side in (block.plain, block.gated))
    return x, y


def paper(name: str, block: Block) -> Evidence:
    """The test of the released code on every pair; beside it with whole runs relabelled."""
    part, found = f"{name}: p >= {PAPER_LEVEL}", pvalues(block, judged(block))
    if not found:
        return Evidence(Grade.STATISTICAL, f"{name}: a training diverged", Finding.UNDECIDED, part=part)
    accepted = np.all([values >= PAPER_LEVEL for values in found.values()], axis=0)
    finding, figures = signs({f"p >= {PAPER_LEVEL} in both forms": accepted}, LIMIT)
    on = ""
    if block.augmented:
        figures |= {"measured": {measured: _rows(block, measured) for measured in MEASURED}, "changed": changed(block)}
        on = ", the training loss measured on altered images,"
    else:
        figures |= {"measured": _rows(block, CLEAN)}
    what = (
        f"{name}: the paper's energy-distance test of (training loss, gap){on} over the first "
        f"{min(PAPER_EPOCHS, block.plain.shape[1] - 1)} epochs does not reject at {PAPER_LEVEL} in most pairs, neither "
        "as released nor with points of the plane"
    )
    return Evidence(Grade.STATISTICAL, what, finding, part=part, figures=figures)


def _rows(block: Block, measured: str) -> dict[str, Figure]:
    x, y = _both(block, measured)
    rows: dict[str, Figure] = {}
    for label, values in pvalues(block, measured).items():
        whole = paired_energy_test(x, y, permutations=2 ** (len(x) - 1), flatten=FORMS[label])
        rows[label] = {
            "p, epochs relabelled, by pair": [round(float(value), 4) for value in values],
            f"pairs with p >= {PAPER_LEVEL}": int(np.sum(values >= PAPER_LEVEL)),
            "p, whole runs relabelled, all pairs": whole.pvalue,
            "least p that it can give": whole.least,
        }
    return rows


def changed(block: Block) -> dict[str, Figure]:
    """Pairs on which the test decides otherwise with the training loss on images as they are; McNemar's exact test."""
    from scipy.stats import binomtest

    clean, released = (pvalues(block, measured) for measured in (CLEAN, RELEASED))
    rows: dict[str, Figure] = {}
    for label in FORMS if clean and released else ():
        kept, seen = clean[label] >= PAPER_LEVEL, released[label] >= PAPER_LEVEL
        only = int(np.sum(seen & ~kept)), int(np.sum(kept & ~seen))
        rows[label] = {
            "accepted on altered images alone": only[0],
            "accepted on images as they are alone": only[1],
            "p that both are as likely": float(binomtest(only[0], sum(only), 0.5).pvalue) if sum(only) else 1.0,
        }
    return rows
