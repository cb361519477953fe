"""The negative controls on real architectures: wrong statements, and networks or inputs that break an assumption."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

from checks.claims.architectures.cells import kernels
from checks.claims.architectures.corrected import intervals, near, sharper
from checks.claims.architectures.data import Data, data
from checks.claims.architectures.evidence import MUTANTS, literal, released
from checks.claims.architectures.grid import MATCHED, SAME, Grid
from checks.claims.architectures.measures import deviation
from checks.claims.architectures.plainly import plain_kernels
from checks.claims.architectures.task import NAMES, PAIRS
from checks.settings import Settings
from checks.tools.roads import one_thread
from glutheory.claims import Control, Finding
from glutheory.spectra import condition_number

#: Where the broken networks are built: the smallest of the paper's architectures.
_SMALL = "mixer-released-digits"
#: The rounding of float32 sums.
_FLOAT32 = 1e-6


def controls(found: Grid, settings: Settings) -> tuple[Control, ...]:
    """All of them."""
    rows = []
    for altered, wrong in MUTANTS.items():
        # the claim and its corrected form have to see the fault; in the quick profile are none of the claim's networks
        stated, instead = (
            [item.part for item in pieces if item.finding is Finding.REFUTES]
            for pieces in (literal(found.places, wrong, True), sharper(found.places, wrong))
        )
        by = f"refuted for: {', '.join(stated) or 'none'}; of the corrected form: {', '.join(instead) or 'none'}"
        rows.append(Control(altered, bool(instead) and (bool(stated) or not released(found.places)), by))
    rows += near(intervals(found.places))
    with one_thread():
        return *rows, _unmatched(), _strangers(found), _duplicated(settings), _left_out()


def _unmatched() -> Control:
    """The gated networks get the width of the non-gated ones."""
    from glutheory.architectures import ARCHITECTURES, build

    plain, gated = PAIRS[0]
    size = ARCHITECTURES[_SMALL]
    # matching takes a third of the width away
    wide: dict[str, Any] = {"width": size.width * 3 // 2, "token_width": size.token_width * 3 // 2}
    models = build(_SMALL, plain, seed=0), build(_SMALL, gated, seed=0, **wide)
    counts = [sum(value.numel() for value in model.parameters()) for model in models]
    apart = counts[1] / counts[0] - 1
    return Control("gated networks of the width of their partners", abs(apart) > MATCHED, f"{apart:.0%} larger")


def _strangers(found: Grid) -> Control:
    """Networks of different seeds taken for a pair."""
    plain, gated = PAIRS[0]
    equal = [
        cells[plain, seed].backbone == cells[gated, other].backbone
        for case, cells in found.cells.items()
        for seed, other in pairwise(case.draws)
    ]
    return Control("pairs of networks of different seeds", not any(equal), f"{sum(equal)} of {len(equal)} agree")


def _duplicated(settings: Settings) -> Control:
    """One input twice: the matrix is singular, and no figure may come out."""
    from glutheory.architectures import build

    start = settings.stream("architectures/duplicated")
    model, items = (
        build(_SMALL, NAMES[0], seed=start, device=settings.device),
        data(_SMALL, True, start, settings.device),
    )
    probe = items.probe.clone()
    probe[1] = probe[0]
    results = [condition_number(K, entry_error=_FLOAT32) for K in kernels(model, probe, items).values()]
    caught = all(item.is_bound or math.isinf(item.value) for item in results)
    return Control("an input that occurs twice", caught, f"condition number {results[0]}")


def _left_out() -> Control:
    """The layers other than the FFNs are left out of whole gradients: the matrix by layers must notice."""
    from glutheory.architectures import build, example_inputs

    model, inputs = build(_SMALL, NAMES[0], seed=0, outputs=1), example_inputs(_SMALL, 8, 0)
    whole, layers = plain_kernels(model, inputs, lambda z: z), kernels(model, inputs, Data(inputs, lambda z: z))
    right, wrong = (deviation(whole[which], layers["all"]) for which in ("all", "ffn"))
    by = f"off by {wrong:.2g} of the trace, with them by {right:.2g}"
    return Control("gradients without the layers outside the FFNs", right < SAME < wrong, by)
