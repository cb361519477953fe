"""The figure of an audit: the ratio of condition numbers of each feed-forward network, with its interval."""

from __future__ import annotations

import math
from collections.abc import Sequence

from glutheory.audit.findings import Audit, BlockAudit, Ratio
from glutheory.figures.chart import Chart, Role, Series

#: Characters of names that fit on the axis.
_ROOM = 48


def charts(found: Audit) -> tuple[Chart, ...]:
    """Non-gated over gated, network by network, with and without biases and as expected; and as the model is."""
    places = [block.index for block in found.blocks]
    series = [_points("drawn networks", places, [block.ratio for block in found.blocks])]
    if any(block.unbiased is not None for block in found.blocks):
        series.append(_points("without biases", places, [block.unbiased_ratio for block in found.blocks], dashed=True))
    expected = [math.nan if block.expected_ratio is None else block.expected_ratio for block in found.blocks]
    if not all(map(math.isnan, expected)):
        series.append(Series("mean kernels", places, expected, Role.THEORY, line=False))
    return (
        Chart(
            f"Condition numbers of {found.model}: non-gated over gated",
            "feed-forward network",
            r"cond$(K)$/cond$(\tilde K)$",
            series,
            yscale="log",
            names=_named(found.blocks),
            note="Above 1 the gated network is better conditioned; intervals over draws of the weights.",
        ),
        _as_it_is(found.blocks, places),
    )


def _named(blocks: Sequence[BlockAudit]) -> tuple[tuple[float, str], ...]:
    """The networks on the axis: by name where there is room for names, by place among all else."""
    short = sum(len(block.name) for block in blocks) <= _ROOM
    return tuple((block.index, block.name if short else str(block.index)) for block in blocks)


def _points(label: str, places: Sequence[int], ratios: Sequence[Ratio | None], *, dashed: bool = False) -> Series:
    return Series(
        label,
        places,
        [math.nan if ratio is None else ratio.mean for ratio in ratios],
        low=[math.nan if ratio is None else ratio.low for ratio in ratios],
        high=[math.nan if ratio is None else ratio.high for ratio in ratios],
        line=False,
        dashed=dashed,
    )


def _as_it_is(blocks: Sequence[BlockAudit], places: Sequence[int]) -> Chart:
    sides = [("redrawn", [block.own for block in blocks]), ("twin", [block.twin for block in blocks])]
    series = [
        Series(
            word,
            places,
            [side.typical if side.resolved else math.nan for side in own],
            Role.GATED if own[0].gated else Role.PLAIN,
            line=False,
        )
        for word, own in sides
    ]
    known = [math.nan if block.as_it_is.is_bound else block.as_it_is.value for block in blocks]
    series.append(Series("as it is", places, known, line=False, dashed=True))
    return Chart(
        "Condition numbers of their NTK",
        "feed-forward network",
        r"$\lambda_1/\lambda_n$",
        series,
        yscale="log",
        names=_named(blocks),
        note="Redrawn: the network's own kind with new weights; twin: the other kind with as many parameters.",
    )
