"""The figures: gaps against training losses, and the ratios of all blocks side by side; those of the bias, too."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from checks.claims.generalization.bias import KINDS, measured
from checks.claims.generalization.effects import RESPONSES, Table
from checks.claims.generalization.measures import TEST, TRAIN, Matched, along
from checks.claims.generalization.paper_test import judged, pvalues
from checks.claims.generalization.plan import MARGIN, PAPER_LEVEL
from checks.claims.generalization.ratio_charts import AXIS, across, ratios, two_way
from checks.claims.generalization.runs import Block, Name
from checks.claims.generalization.titles import TITLES, family, places, title
from glutheory.figures.chart import Chart, Role, Series

Array = npt.NDArray[np.float64]
_POINTS = 60


def charts(
    blocks: Mapping[Name, Block], found: Mapping[Name, Matched], by_optimiser: Mapping[str, Table]
) -> tuple[Chart, ...]:
    """One per architecture; the gaps, the epochs and the paper's test of all blocks; the bias; the two-way tables."""
    by_material = {
        name: {key: block for key, block in blocks.items() if key[0] == name}
        for name in dict.fromkeys(name for name, _ in blocks)
    }
    gains = {name: item.gain for name, item in found.items()}
    paces = {name: item.pace for name, item in found.items()}
    clean = {name: block for name, block in blocks.items() if not block.augmented}
    return (
        *(_curves(name, mine) for name, mine in by_material.items() if not _augmented(mine)),
        ratios(
            "Gap at equal training loss",
            "gap, gated over plain",
            clean,
            gains,
            ("80 % and 125 %", float(np.exp(-MARGIN)), float(np.exp(MARGIN))),
            "Geometric means over seeds with 95 % intervals; ratios between the dashed lines count as equal.",
        ),
        ratios(
            "Epochs to reach equal training loss",
            "epochs, gated over plain",
            clean,
            paces,
            ("equal", 1.0, 1.0),
            "Geometric means over seeds with 95 % intervals; below 1 the gated network is the faster one.",
        ),
        _released(blocks),
        *(_bias(name, mine) for name, mine in by_material.items() if _augmented(mine)),
        *(two_way(response, by_optimiser) for response in RESPONSES if by_optimiser),
    )


def _augmented(blocks: Mapping[Name, Block]) -> bool:
    return all(block.augmented for block in blocks.values())


def _curves(architecture: str, blocks: Mapping[Name, Block]) -> Chart:
    series, spread = [], 1.0
    for (_, optimiser), block in blocks.items():
        both = np.stack((block.plain, block.gated))
        train = both[..., 0]
        ends = np.log([train.min(axis=2).max(), train[..., 1].min()])
        levels = np.exp(np.linspace(ends[1], ends[0], _POINTS))
        if not ends[0] < ends[1]:
            continue
        spread = max(spread, levels[0] / levels[-1])
        for side, (label, role) in enumerate((("plain", Role.PLAIN), ("gated", Role.GATED))):
            gaps = np.array([along(rows[:, TRAIN], rows[:, TEST] - rows[:, TRAIN], levels)[0] for rows in both[side]])
            low, middle, high = np.quantile(gaps, [0.25, 0.5, 0.75], axis=0)
            name = f"{label}, {TITLES[optimiser]}"
            dashed = optimiser == "sgd"
            series.append(Series(name, levels.tolist(), middle, role, low, high, dashed=dashed))
    return Chart(
        title=f"{family(architecture)}: gap against training loss",
        x="training loss (nats)",
        y="test loss minus training loss",
        series=series or (Series("no common training loss", (), ()),),
        xscale="log" if spread > 10 else "linear",
        note="Medians and quartiles over all networks of a kind, at training losses that all of them reach; training "
        "runs from right to left.",
    )


def _released(blocks: Mapping[Name, Block]) -> Chart:
    """The p-values of the paper's test, pair by pair."""
    points: dict[str, list[tuple[float, float]]] = {}
    for place, block in enumerate(blocks.values(), 1):
        for index, (form, values) in enumerate(pvalues(block, judged(block)).items()):
            shifts = np.linspace(-0.12, 0.12, len(values)) + 0.3 * (index - 0.5)
            points.setdefault(form, []).extend(zip(place + shifts, values, strict=True))
    labels = ("flattened, as released", "points of the plane")
    series = [
        Series(label, [x for x, _ in points[form]], [y for _, y in points[form]], line=False)
        for label, form in zip(labels, points, strict=False)
    ]
    return Chart(
        "The paper's test, pair by pair",
        AXIS,
        "p-value, epochs relabelled",
        (*series, across(f"{PAPER_LEVEL:g}", PAPER_LEVEL, PAPER_LEVEL, len(blocks))),
        yscale="log",
        note="Energy-distance test of the points (training loss, gap) of a plain and a gated network of one seed; with "
        "augmented images the training loss is that on altered images. The epochs of a run depend on each other, so "
        "that these are no valid p-values.",
        names=places(map(title, blocks)),
    )


def _bias(material_name: str, blocks: Mapping[Name, Block]) -> Chart:
    """Of one material, epoch by epoch."""
    series = []
    for (_, optimiser), block in blocks.items():
        _, values = measured(block)
        epochs = range(1, values.shape[2] + 1)
        for label, role, rows in zip(KINDS, (Role.PLAIN, Role.GATED), values, strict=True):
            low, middle, high = np.quantile(rows, [0.25, 0.5, 0.75], axis=0)
            name = f"{label}, {TITLES[optimiser]}"
            series.append(Series(name, epochs, middle, role, low, high, dashed=optimiser == "sgd"))
    return Chart(
        f"{family(material_name)}: bias of the gap as released",
        "epoch",
        "training loss, images as they are minus altered",
        series,
        note="Medians and quartiles over all networks of a kind, in nats, at the same weights. Below 0 the gap that is "
        "measured on altered images is too small.",
    )
