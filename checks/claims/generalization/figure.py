"""The figures: gaps against training losses, and the ratios of all blocks side by side."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from checks.claims.generalization.evidence import MARGIN, PAPER_LEVEL, pvalues
from checks.claims.generalization.measures import Matched, along
from checks.claims.generalization.runs import Block
from checks.tools.signs import Interval
from glutheory.figures.chart import Chart, Role, Series

Array = npt.NDArray[np.float64]
Name = tuple[str, str]
#: As they are written.
TITLES = {"mixer": "MLP-Mixer", "vit": "ViT", "gpt2": "GPT-2", "sgd": "SGD", "adamw": "AdamW"}
GATES = {"relu/reglu": "ReGLU/ReLU", "gelu/geglu": "GEGLU/GELU", "silu/swiglu": "SwiGLU/SiLU"}
_POINTS = 60
_AXIS = "block (see the note)"


def title(block: Name) -> str:
    """Of a block: "ViT, SGD"."""
    return f"{family(block[0])}, {TITLES[block[1]]}"


def family(architecture: str) -> str:
    """Of an architecture: "ViT"."""
    return TITLES[architecture.split("-", maxsplit=1)[0]]


def charts(blocks: Mapping[Name, Block], found: Mapping[Name, Matched]) -> tuple[Chart, ...]:
    """One per architecture, then the gaps, the epochs and the paper's test of all blocks."""
    architectures = dict.fromkeys(name for name, _ in blocks)
    curves = [_curves(name, {key: block for key, block in blocks.items() if key[0] == name}) for name in architectures]
    gains = {name: item.gain for name, item in found.items()}
    paces = {name: item.pace for name, item in found.items()}
    return (
        *curves,
        _ratios(
            "Gap at equal training loss",
            "gap, gated over plain",
            blocks,
            gains,
            ("80 % and 125 %", float(np.exp(-MARGIN)), float(np.exp(MARGIN))),
            "Geometric means over seeds with 95 % intervals; ratios between the dashed lines count as equal.",
        ),
        _ratios(
            "Epochs to reach equal training loss",
            "epochs, gated over plain",
            blocks,
            paces,
            ("equal", 1.0, 1.0),
            "Geometric means over seeds with 95 % intervals; below 1 the gated network is the faster one.",
        ),
        _released(blocks),
    )


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
            gaps = np.array([along(losses, levels)[0] for losses in both[side]])
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


def _ratios(
    heading: str,
    y: str,
    blocks: Mapping[Name, Block],
    values: Mapping[Name, Array],
    lines: tuple[str, float, float],
    note: str,
) -> Chart:
    """A ratio for each block and gate."""
    series = []
    for index, gate in enumerate(GATES):
        x, rows = [], []
        for place, (name, block) in enumerate(blocks.items(), 1):
            mine = Interval.of(np.exp(values[name][dict(block.gates)[gate]]))
            if mine is not None:
                x.append(place + 0.2 * (index - 1))
                rows.append((mine.value, mine.low, mine.high))
        middle, low, high = zip(*rows, strict=True) if rows else ((), (), ())
        series.append(Series(GATES[gate], x, middle, Role.OTHER, low, high, line=False))
    return Chart(heading, _AXIS, y, (*series, _lines(*lines, len(blocks))), note=f"{_places(blocks)}. {note}")


def _released(blocks: Mapping[Name, Block]) -> Chart:
    """The p-values of the paper's test, pair by pair."""
    points: dict[str, list[tuple[float, float]]] = {}
    for place, block in enumerate(blocks.values(), 1):
        for index, (form, values) in enumerate(pvalues(block).items()):
            shifts = np.linspace(-0.12, 0.12, len(values)) + 0.3 * (index - 0.5)
            points.setdefault(form, []).extend(zip(place + shifts, values, strict=True))
    labels = ("flattened, as released", "points of the plane")
    series = [
        Series(label, [x for x, _ in points[form]], [y for _, y in points[form]], line=False)
        for label, form in zip(labels, points, strict=False)
    ]
    return Chart(
        "The paper's test, pair by pair",
        _AXIS,
        "p-value, epochs relabelled",
        (*series, _lines(f"{PAPER_LEVEL:g}", PAPER_LEVEL, PAPER_LEVEL, len(blocks))),
        yscale="log",
        note=f"{_places(blocks)}. Energy-distance test of the points (training loss, gap) of a plain and a gated "
        "network of one seed; the epochs of a run depend on each other, so that these are no valid p-values.",
    )


def _places(blocks: Mapping[Name, Block]) -> str:
    return "; ".join(f"{place}: {title(name)}" for place, name in enumerate(blocks, 1))


def _lines(label: str, low: float, high: float, count: int) -> Series:
    """Two level lines across all blocks, or one."""
    left, right = 0.5, count + 0.5
    return Series(label, (left, right, right, left, right), (low, low, np.nan, high, high), Role.THEORY, dashed=True)
