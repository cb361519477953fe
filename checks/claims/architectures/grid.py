"""All networks of a profile, and the assumptions of the claim evaluated on them."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import lru_cache

import numpy as np

from checks.claims.architectures.cells import Cell
from checks.claims.architectures.cells import cells as computed
from checks.claims.architectures.evidence import printed
from checks.claims.architectures.measures import Conditions, Precision, conditions, turns
from checks.claims.architectures.plainly import FLOOR
from checks.claims.architectures.task import FULL, NAMES, PAIRS, QUICK, Case
from checks.settings import Settings
from glutheory.claims import Assumption, Evidence, Figure, Finding, Grade

#: Numbers of parameters are equal up to this share.
MATCHED = 0.02
#: Matrices from whole gradients in float32 and from layers in float64 differ by less than this, relative to the trace:
#: a sum of P products in float32 errs by less than √P roundings or so, 3e-4 for the 26 million of the released ViT.
SAME = 1e-3
#: Where condition numbers rest on float32, the largest relative change to float64 that is accepted.
ROUNDING = 0.01
Cells = dict[tuple[str, int], Cell]


@dataclass(frozen=True)
class Grid:
    """Everything that was computed.

    Attributes:
        cells: by case, then by network and seed.
        places: the condition numbers, by case, time and set of parameters.
        precision: float32 against float64 at these places.
    """

    cells: dict[Case, Cells]
    places: tuple[Conditions, ...]
    precision: dict[str, Precision]


@lru_cache(maxsize=2)
def grid(settings: Settings) -> Grid:
    """Of the profile; seeds outermost, so that a run that is cut short has whole pairs."""
    cases = FULL if settings.profile.thorough else QUICK
    cells: dict[Case, Cells] = {}
    for case in cases:
        keys = [(name, seed) for seed in case.draws for name in NAMES]
        cells[case] = computed(case, settings, keys)
    places = tuple(item for case in cases for item in conditions(case, cells[case]).values())
    found = {item.place: Precision.of(item.case, cells[item.case], item.time, item.which) for item in places}
    return Grid(cells, places, found)


def assumptions(found: Grid) -> tuple[Assumption, ...]:
    """Evaluated on the networks and matrices of the run."""
    cells = [item for case in found.cells.values() for item in case.values()]
    finite = all(np.isfinite(gram).all() for item in cells for gram in item.grams.values())
    single = {item.place for item in found.places if not item.case.exact}
    rounding = max((found.precision[place].condition for place in single), default=0.0)
    shared = all(
        len({case[name, seed].backbone for name in NAMES}) == 1 for case in found.cells.values() for _, seed in case
    )
    dropout = max(item.dropout for item in cells)
    reached = {case: max(item.loss[1] for item in mine.values()) for case, mine in found.cells.items() if case.epochs}
    apart = {side: max(mismatch(mine, side) for mine in found.cells.values()) for side in (0, 1)}
    return (
        Assumption(
            "matched",
            f"the networks of a pair have equally many parameters within {MATCHED:.0%}, in all and in the FFNs",
            max(apart.values()) <= MATCHED,
            f"largest difference {apart[0]:.2%} in all, {apart[1]:.2%} in the FFNs",
        ),
        Assumption(
            "backbone",
            "the networks of a seed start with the same weights outside the FFNs",
            shared,
            "checksums equal" if shared else "checksums differ",
        ),
        Assumption("dropout", "there is no dropout", dropout == 0, f"largest rate {dropout:g}"),
        Assumption("finite", "all Gram matrices are finite", finite, f"{sum(len(x.grams) for x in cells)} matrices"),
        Assumption(
            "precision",
            f"where a figure rests on float32, float64 changes it by less than {ROUNDING:.0%}",
            rounding < ROUNDING,
            f"largest relative change {rounding:.2g}",
        ),
        Assumption(
            "two roads",
            f"matrices from whole gradients are those formed by layers within {SAME:g} of the trace",
            roads(found) < SAME,
            f"largest difference {roads(found):.2g}",
        ),
        Assumption(
            "trained",
            "every training reaches the stated loss",
            all(loss < case.reached for case, loss in reached.items()),
            "; ".join(f"{case.label} {loss:.3g} < {case.reached:g}" for case, loss in reached.items()),
        ),
    )


def mismatch(cells: Cells, side: int) -> float:
    """The largest relative difference in size within a pair: of all parameters (0) or of the FFNs (1)."""
    seed = min(seed for _, seed in cells)
    sizes = [[cells[name, seed].parameters[side] for name in pair] for pair in PAIRS]
    return max(abs(gated / plain - 1) for plain, gated in sizes)


def roads(found: Grid) -> float:
    """The largest difference of a matrix from whole gradients to the one formed by layers, relative to the trace."""
    mine = [item.place for item in found.places if item.case.plainly]
    return max((found.precision[place].matrix for place in mine), default=0.0)


def rounding(found: Grid, device: str) -> Evidence:
    """Float32 against float64: what it does to the ends of the spectrum, and whether any comparison turns round.

    Only a comparison that rests on float32 can refute; of the others it is told what float32 would have said.
    """
    turned = {item.place: turns(item, found.cells[item.case]) for item in found.places}
    single = sum(turned[item.place] for item in found.places if not item.case.exact)
    compared = sum(item.compared for item in found.precision.values())
    what = f"float32 against float64, {compared} matrices: no comparison that rests on float32 changes its sign"
    rows: dict[str, Figure] = {place: asdict(item) for place, item in found.precision.items()}
    figures: dict[str, Figure] = {
        "largest relative changes": rows,
        "comparisons that change their sign": {place: count for place, count in turned.items() if count},
        f"as the released scripts print them, floor {FLOOR:g}": {
            item.place: printed(item) for item in found.places if item.case.plainly
        },
        "device": _device(device),
    }
    return Evidence(Grade.NUMERICAL, what, Finding.of(single == 0), part="float32", figures=figures)


def _device(device: str) -> str:
    """Its name."""
    import torch

    return torch.cuda.get_device_name(device) if torch.device(device).type == "cuda" else device
