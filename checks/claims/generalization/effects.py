"""Optimiser against gating: two-way tables of what each does to the epochs and to the gap at equal training loss.

In every draw of a material (data split, weights, order) there are four networks: plain and gated, with SGD and AdamW.
So the draws are the blocks of a randomised block design. All effects are contrasts within draws, averaged over these:

    gating        (gated - plain), mean of both optimisers
    optimiser     (AdamW - SGD), mean of both kinds of network
    interaction   (gated - plain with AdamW) - (gated - plain with SGD)

of the logarithm of the epochs, or of the gap, at training losses that all four networks of all draws of a gate reach;
exp of an effect is a ratio. A regression on factors and draws has the same estimates. Intervals are those of Student's
t over draws, each effect with the scatter of its own contrast; beside them the signs of whole draws are exchanged at
random, for which nothing need be normal.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from checks.claims.generalization.measures import TEST, TRAIN, AtEqualLoss, at_equal_loss, log_means, one_sided
from checks.claims.generalization.plan import EQUIVALENCE_LEVEL, WEAKER_LIMIT, WIDER
from checks.claims.generalization.runs import Block, Gates, Name
from checks.tools.signs import Interval, worst
from glutheory.claims import About, Evidence, Figure, Grade

Array = npt.NDArray[np.float64]
#: The order of the first axis of a table.
OPTIMISERS = ("sgd", "adamw")
RESPONSES = ("epochs", "gap")
EFFECTS = ("optimiser", "gating", "interaction")
_RESAMPLES = 9999


@dataclass(frozen=True)
class Table:
    """The networks of one material.

    Attributes:
        losses: in nats, shape (2, 2, draws, epochs + 1, columns): by optimiser, and plain before gated.
        gates: the draws of each gate.
        augmented: whether images are altered at random.
    """

    losses: Array
    gates: Gates
    augmented: bool = False

    @property
    def at(self) -> AtEqualLoss:
        """The gaps at training losses that all four networks of all draws of a gate reach; four kinds."""
        losses = self.losses.reshape(4, *self.losses.shape[2:])
        return at_equal_loss(losses[..., TRAIN], losses[..., TEST] - losses[..., TRAIN], self.gates)

    @property
    def responses(self) -> dict[str, Array]:
        """Ln of the epochs and of the gap at equal training losses, means over these, shape (2, 2, draws)."""
        found = self.at
        with np.errstate(invalid="ignore", divide="ignore"):
            epochs = np.log(found.epochs).mean(axis=-1)
        return {
            name: rows.reshape(2, 2, -1)
            for name, rows in zip(RESPONSES, (epochs, log_means(found.values)), strict=True)
        }


def tables(blocks: Mapping[Name, Block]) -> dict[str, Table]:
    """Of every material that was trained with both optimisers."""
    found = {}
    for material in dict.fromkeys(name for name, _ in blocks):
        both = [blocks.get((material, optimiser)) for optimiser in OPTIMISERS]
        if all(both):
            first, second = (block for block in both if block is not None)
            losses = np.stack([np.stack((block.plain, block.gated)) for block in (first, second)])
            found[material] = Table(losses, first.gates, first.augmented)
    return found


def contrasts(response: Array) -> dict[str, Array]:
    """The effects in every draw, of a response of shape (2, 2, draws)."""
    (sgd_plain, sgd_gated), (adamw_plain, adamw_gated) = response
    by_gate = sgd_gated - sgd_plain, adamw_gated - adamw_plain
    by_optimiser = adamw_plain - sgd_plain, adamw_gated - sgd_gated
    values = sum(by_optimiser) / 2, sum(by_gate) / 2, by_gate[1] - by_gate[0]
    return dict(zip(EFFECTS, values, strict=True))


#: With augmented images, by the beginning of titles, no more is said than exploratory runs show: nothing of the gaps,
#: which are small there, and not everywhere that the optimiser does more.
_SIGN_ALONE = "ViT, augmented"


def compared(name: str) -> bool:
    """Whether it is said of a material that the optimiser does more than the gate, and not only what it does."""
    return not name.startswith(_SIGN_ALONE)


def effects(name: str, table: Table) -> Evidence:
    """The table of one material: AdamW saves more epochs than gating saves or costs; what it does to the gap."""
    responses = table.responses
    found = contrasts(responses["epochs"])
    saved, other = -found["optimiser"], found["gating"]
    tests, said = {}, "AdamW needs fewer epochs than SGD"
    if compared(name):
        said += ", by a factor farther from 1 than gating's"
        tests[said] = one_sided(saved - other, saved + other)
    else:
        tests[said] = one_sided(saved)
    if not table.augmented:
        change = contrasts(responses["gap"])["optimiser"]
        tests["its gap is within a factor 1.5 of SGD's"] = one_sided(WIDER - change, WIDER + change)
    figures: dict[str, Figure] = {response: _effects(values) for response, values in responses.items()}
    figures |= {
        "tests": {words: row for words, (row, _) in tests.items()},
        "level": EQUIVALENCE_LEVEL,
        "p needed to refute": WEAKER_LIMIT,
    }
    what = f"{name}: optimiser against gating over {table.losses.shape[2]} draws: {'; '.join(tests)} (t-tests)"
    finding = worst([finding for _, finding in tests.values()])
    return Evidence(Grade.STATISTICAL, what, finding, About.CORRECTED, f"{name}: effects", figures)


def _effects(response: Array) -> Figure:
    """Of each effect the ratio with its 95 % interval, and the p-value of exchanged signs."""
    from scipy.stats import permutation_test

    rows: dict[str, Figure] = {}
    for effect, values in contrasts(response).items():
        ratio = Interval.of(np.exp(values))
        if ratio is None:
            rows[effect] = None
            continue
        test = permutation_test(
            (values,), np.mean, permutation_type="samples", n_resamples=_RESAMPLES, rng=np.random.default_rng(0)
        )
        rows[effect] = {"ratio": ratio.figure, "p, signs of the draws exchanged": float(test.pvalue)}
    return rows
