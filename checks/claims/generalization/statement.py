"""§5 and Fig. 7: at equal training loss, do gated networks generalise as non-gated ones, and do they train faster?

The plan, fixed before the run (exploratory runs had the seeds 96 to 99):

* Blocks: (MLP-Mixer, ViT, GPT-2) x (SGD, AdamW), and (MLP-Mixer, ViT) x (SGD, AdamW) on images that are altered at
  random before every epoch, as in the released code. In each, pairs of a plain and a gated network of equal size, three
  gates, several seeds per gate. The two of a pair share data split, order and the weights that both have; no two pairs
  of a block share anything, so that they are independent given the data set.
* After every epoch the cross-entropy on the whole training set and on the test set, in evaluation mode; gap = test -
  training.
* The paper's own test on each pair: the clouds of points (training loss, gap) of the first 25 epochs, epochs relabelled
  one by one. With altered images the training loss of these points is that on altered images, as released. It is done
  as released, the coordinates of all points in one list, and with points of the plane. Its
  p-value is no valid one, since the epochs of a run depend on each other; whether p >= 0.05 for most pairs is what the
  claim says literally, and a sign test over pairs decides that. Beside it, whole runs relabelled within pairs.
* At equal training loss: the gaps at 8 training losses that all networks of a gate reach after the first epoch, evenly
  spaced in the logarithm. The claim is refuted if the energy test of these curves, networks exchanged within pairs,
  rejects; it is supported if it does not and the ratio of the mean gaps is shown to be within 80 % to 125 %: two
  one-sided t-tests on the logarithm. Neither: undecided. "Not rejected" alone is no evidence.
* Optimisation: the epochs to reach these losses, a sign test over pairs.
* The bias of the released gap, whose training loss is measured on altered images and whose test loss is not: training
  loss on images as they are minus that on altered ones, at the same weights; per network, between the two of a pair,
  and at equal training loss. Beside the paper's test that with the loss on images as they are: what it says of how many
  pairs differs.
* Optimiser against gating: the four networks of a draw, {SGD, AdamW} x {plain, gated}, in a two-way table; main effects
  and interaction on the epochs to equal training loss and on the gap there.
* The corrected form, from exploratory runs: without alterations the gaps are within a factor 1.5 and training takes at
  most 1.25 times as many epochs, in every block; AdamW saves more epochs than gating saves or costs (in ViT with
  alterations: AdamW saves some), and without alterations its gaps are within a factor 1.5 of SGD's; in MLP-Mixer the
  bias is downwards by more than the gap, in ViT upwards after 5 epochs, with SGD downwards after the last. All by
  t-tests. It was also to be downwards after the last epoch in ViT with AdamW; the full run of seed 0 left that open
  (gated: mean -0.018 nats, 95 % interval -0.053 to 0.017), and it is said no more. So this form was chosen after the
  runs with seed 0. The run that is committed confirms it: it has seed 1, and none of its draws was seen before.
* Levels: a true claim is refuted with probability at most 0.01 over all blocks (Bonferroni), also its corrected form;
  what must hold in every block needs 0.05 in each (an intersection-union test).

The claim is a general one about three architectures: it names neither sizes nor data (`architectures` is about networks
"as the paper builds them"), and small networks refute it. What cannot be said here is a part that is not judged: the
paper's data sets and sizes are out of reach. The images are scikit-learn's digits, the
text is documentation of CPython, the networks have some 10^4 to 10^5 weights. Digits are cropped and partly erased, but
not flipped (`augmentation`); whether the released training loss is a mean over the steps of an epoch is not known here,
and both are measured.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from checks.claims.generalization.assumptions import assumptions
from checks.claims.generalization.collected import collect, negative
from checks.claims.generalization.controls import MUTANTS, Statement
from checks.claims.generalization.effects import effects, tables
from checks.claims.generalization.figure import charts
from checks.claims.generalization.measures import Matched, matched
from checks.claims.generalization.runs import Name, trained
from checks.claims.generalization.task import FULL, QUICK
from checks.claims.generalization.titles import material, title
from checks.settings import Settings
from glutheory.claims import (
    About,
    Claim,
    Evidence,
    Fate,
    Figure,
    Finding,
    Grade,
    Outcome,
    Part,
    decide,
)

__all__ = ["CLAIM", "MUTANTS", "run"]

#: Imported, beyond the core.
NEEDS = ("einops", "sklearn", "statsmodels", "torch", "transformers")
CLAIM = Claim(
    id="generalization",
    source="§5, Fig. 7",
    statement=(
        r"L_{\text{train}}\ \text{equal} \Rightarrow L_{\text{test}} - L_{\text{train}}\ \text{indistinguishable for "
        r"gated and non-gated networks}\ (p \ge 0.05),\qquad \text{gated networks reach given } L_{\text{train}}\ "
        r"\text{in fewer steps}"
    ),
    words=(
        "At equal training loss the generalisation gap of gated and non-gated networks is indistinguishable (energy-"
        "distance permutation test, p >= 0.05) in MLP-Mixer, ViT and GPT-2; the gain of gating is faster training. "
        "Sizes and data are not named: any will do."
    ),
    assumptions=(
        "equal numbers of parameters",
        "training does not diverge",
        "a common range of training losses",
        "power",
    ),
    corrected=(
        r"\text{In small networks on digits and text. Without altered images: at equal training loss the gaps of "
        r"gated and non-gated networks are within a factor 1.5 of each other on average; gated networks take at most "
        r"1.25 times as many steps; AdamW in place of SGD saves more steps than gating saves or costs, its gaps are "
        r"within a factor 1.5. With altered images: AdamW saves steps, in MLP-Mixer more than gating; a gap whose "
        r"training loss is measured on them is biased, in MLP-Mixer downwards by more than the gap, in ViT upwards at "
        r"first, with SGD downwards at last.}"
    ),
    meaning=(
        "In small models the gap at equal training loss is comparable, but not the same: with six pairs of an "
        "architecture and an optimiser the two kinds of networks are told apart in three (ViT, and GPT-2 with AdamW), "
        "in one (GPT-2 with SGD) their gaps are shown to be within 80 to 125 %, in MLP-Mixer neither. In the full run "
        "it was 16 to 33 % larger for gated networks in MLP-Mixer and ViT on digits, 4 to 5 % smaller in GPT-2 on "
        "text (means of 18 pairs); they trained faster, by 5 to 17 % of the epochs, except in GPT-2 with SGD, where "
        "they took 3 % more. The paper's test of one pair is no guide to this: the epochs of a run depend on each "
        "other and mix speed with generalisation; and flattened, as released, it accepted all 18 pairs in GPT-2 with "
        "AdamW, of which 10 failed in the plane. Moreover the released training loss is that on altered images, so "
        "that what is compared is not training loss and gap: the evidence has the bias, and what the test says "
        "without it; that this bias ends below 0 was to be said of ViT with AdamW as well, and was dropped when the "
        "run of seed 0 left it open; the form that remained is judged by a run of seed 1, of which no draw was seen "
        "before. In these networks the optimiser saves more steps than the gate. Nothing is said about the paper's "
        "sizes and data sets."
    ),
    parts=(
        Part(
            "p >= 0.05",
            "the paper's test does not tell the points of the two networks apart",
            Fate.DROPPED,
            "nothing is said",
        ),
        Part(
            "gap",
            "the gaps at equal training loss are indistinguishable",
            Fate.DROPPED,
            "within a factor 1.5 on average",
        ),
        Part("pace", "gated networks need fewer steps", Fate.DROPPED, "at most 1.25 times as many"),
        Part(
            "the paper's runs",
            "all this at the paper's sizes, on its data sets",
            Fate.OPEN,
            "judged where these are trained; here they have 10^4 to 10^5 weights, on digits and text",
        ),
    ),
)


def run(settings: Settings, statement: Statement | None = None) -> Outcome:
    """The check; `statement` is what is claimed, and of which data."""
    task = FULL if settings.profile.thorough else QUICK
    blocks, claimed = trained(task, settings), statement or Statement()
    by_optimiser = tables(blocks)

    evidence = [item for name, block in blocks.items() for item in collect(name, block, claimed)]
    evidence += [effects(material(name), table) for name, table in by_optimiser.items()]
    missing = [title(name) for name in FULL.blocks if name not in blocks]
    if missing:
        evidence += [_not_run(missing, about) for about in About]
    controls = negative(blocks, by_optimiser)
    checked = assumptions(task, blocks, by_optimiser)
    measured = {name: matched(claimed.altered(block)) for name, block in blocks.items() if not block.augmented}
    verdict = decide(checked, evidence, controls, CLAIM.parts)
    drawn = charts(blocks, measured, by_optimiser)
    return Outcome(CLAIM, checked, tuple(evidence), controls, verdict, _key(measured), drawn)


def _not_run(missing: list[str], about: About) -> Evidence:
    """A claim about six blocks is not decided by some of them, unless one refutes it."""
    figures: dict[str, Figure] = {"not run in this profile": missing}
    what = f"nothing is known here of {', '.join(missing)}: the quick profile has no time for them"
    return Evidence(Grade.STATISTICAL, what, Finding.UNDECIDED, about, "not run", figures)


def _key(found: Mapping[Name, Matched]) -> str:
    """The ratios of all blocks, each averaged over its pairs."""
    gaps = sorted(float(np.exp(item.gain.mean())) for item in found.values())
    paces = sorted(float(np.exp(item.pace.mean())) for item in found.values())
    if not np.isfinite([*gaps, *paces]).all():
        return "the networks share no training loss or have no gap"
    gap_range, pace_range = (f"{x[0]:.2f}" + (f" to {x[-1]:.2f}" if len(x) > 1 else "") for x in (gaps, paces))
    return f"gated over plain: gap {gap_range}, epochs {pace_range}"
