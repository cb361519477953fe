"""The results of an audit as data: condition numbers, their ratios with intervals, and JSON."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.stats

from glutheory.figures.chart import Chart
from glutheory.ground.files import plain
from glutheory.shown import Shown
from glutheory.spectra import ConditionNumber

SCHEMA, VERSION = "glutheory.audit", 1
#: The confidence of intervals.
LEVEL = 0.95


def figure(value: float) -> str:
    """The number with three digits, 1.5e15 for 1.5e+15."""
    return f"{value:.3g}".replace("e+0", "e").replace("e+", "e")


@dataclass(frozen=True)
class Ratio:
    """A geometric mean of ratios with Student's interval for it, taken on logarithms.

    Attributes:
        mean: the geometric mean.
        low, high: the interval of confidence `LEVEL`; 0 and infinity from a single draw.
    """

    mean: float
    low: float
    high: float

    @classmethod
    def of(cls, logs: Sequence[float]) -> Ratio:
        """The ratio whose logarithms, one per draw, are given."""
        mean = float(np.mean(logs))
        if len(logs) < 2:
            return cls(math.exp(mean), 0.0, math.inf)
        half = float(scipy.stats.t.ppf((1 + LEVEL) / 2, len(logs) - 1) * np.std(logs, ddof=1) / len(logs) ** 0.5)
        return cls(math.exp(mean), math.exp(mean - half), math.exp(mean + half))

    def __str__(self) -> str:
        if math.isinf(self.high):
            return figure(self.mean)
        return f"{figure(self.mean)} [{figure(self.low)}, {figure(self.high)}]"

    def as_json(self) -> dict[str, Any]:
        """Its figures."""
        return {"mean": self.mean, "low": self.low, "high": _number(self.high)}


@dataclass(frozen=True)
class Side:
    """One of the two networks that are compared.

    Attributes:
        kind: what people call it, e.g. SwiGLU.
        gated: whether it is gated.
        width: of the hidden layer.
        parameters: how many it has.
        draws: the condition numbers of independent networks of this kind and these scales, at the block's inputs.
        expected: that of the mean kernel over such networks, by the derived formulas; None where there is none.
    """

    kind: str
    gated: bool
    width: int
    parameters: int
    draws: tuple[ConditionNumber, ...]
    expected: ConditionNumber | None

    @property
    def resolved(self) -> bool:
        """Whether every draw has a figure, not only a bound of one."""
        return all(_resolved(found) for found in self.draws)

    @property
    def typical(self) -> float:
        """The geometric mean of the draws; a lower bound of it unless `resolved`."""
        return math.exp(float(np.mean([math.log(found.value) for found in self.draws])))

    def as_json(self) -> dict[str, Any]:
        """Its figures."""
        return {
            "kind": self.kind,
            "gated": self.gated,
            "width": self.width,
            "parameters": self.parameters,
            "draws": [_condition(found) for found in self.draws],
            "expected": None if self.expected is None else _condition(self.expected),
        }


@dataclass(frozen=True)
class BlockAudit:
    """One feed-forward network of a model, beside its twin.

    Attributes:
        name: the path of its module.
        index: its place among all the model has.
        inputs: the dimension of its inputs.
        outputs: the dimension of its outputs.
        as_it_is: the condition number of its NTK with the model's own weights.
        own: networks of its own kind, drawn anew at the scales of its weights.
        twin: networks of the other kind, likewise.
        verified: whether its reading was held against what the model computes.
        biased: whether it has biases.
        experts: of how many experts it is the routed mixture, the router fixed; None: it is one network.
        unbiased: ln(non-gated/gated) of the same draws where biases do not count as parameters; None where they do not
            count anyway, where it has none, or where one of the condition numbers is only a bound.
    """

    name: str
    index: int
    inputs: int
    outputs: int
    as_it_is: ConditionNumber
    own: Side
    twin: Side
    verified: bool
    biased: bool
    experts: int | None = None
    unbiased: tuple[float, ...] | None = None

    @property
    def log_ratios(self) -> tuple[float, ...] | None:
        """ln(non-gated/gated) of the condition numbers, draw by draw; None if one of them is only a bound."""
        return log_ratios(self.own, self.twin)

    @property
    def unbiased_ratio(self) -> Ratio | None:
        """Non-gated over gated without the biases as parameters; None as for `unbiased`."""
        return None if self.unbiased is None else Ratio.of(self.unbiased)

    @property
    def ratio(self) -> Ratio | None:
        """Non-gated over gated: above 1 the gated one is better conditioned."""
        return None if self.log_ratios is None else Ratio.of(self.log_ratios)

    @property
    def expected_ratio(self) -> float | None:
        """The same of the mean kernels."""
        own, twin = self.own.expected, self.twin.expected
        if own is None or twin is None or not (_resolved(own) and _resolved(twin)):
            return None
        return twin.value / own.value if self.own.gated else own.value / twin.value

    def as_json(self) -> dict[str, Any]:
        """Its figures."""
        return {
            "name": self.name,
            "index": self.index,
            "inputs": self.inputs,
            "outputs": self.outputs,
            "as_it_is": _condition(self.as_it_is),
            "own": self.own.as_json(),
            "twin": self.twin.as_json(),
            "ratio": None if self.ratio is None else self.ratio.as_json(),
            "unbiased_ratio": None if self.unbiased_ratio is None else self.unbiased_ratio.as_json(),
            "expected_ratio": self.expected_ratio,
            "verified": self.verified,
            "biased": self.biased,
            "experts": self.experts,
        }


@dataclass(frozen=True, repr=False)
class Audit(Shown):
    """The audit of a model.

    Attributes:
        model: the name of its class.
        trained: whether its weights were read from files; None for a model that was given as it is.
        inputs: what the feed-forward networks were given, in words.
        samples: n, the order of the kernels.
        seed: of everything random.
        biases: whether biases count as parameters of the NTK.
        blocks: those audited.
        skipped: pairs (name, reason) of those that were not.
        notes: what else should be known, one sentence each.
    """

    model: str
    trained: bool | None
    inputs: str
    samples: int
    seed: int
    biases: bool
    blocks: tuple[BlockAudit, ...]
    skipped: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()

    def __repr__(self) -> str:
        ratio = self.ratio or "not resolved"
        more = "" if self.unbiased_ratio is None else f", without biases {self.unbiased_ratio}"
        return f"<Audit of {self.model}: {len(self.blocks)} feed-forward networks, non-gated/gated {ratio}{more}>"

    @property
    def compared(self) -> tuple[BlockAudit, ...]:
        """The blocks with a ratio."""
        return tuple(block for block in self.blocks if block.ratio is not None)

    @property
    def ratio(self) -> Ratio | None:
        """The geometric mean over the compared blocks, with an interval over the draws for this model's inputs."""
        return _overall([block.log_ratios for block in self.blocks])

    @property
    def unbiased_ratio(self) -> Ratio | None:
        """The same without the biases as parameters, over the blocks that have some; None where that is no other."""
        return _overall([block.unbiased for block in self.blocks])

    def as_json(self, charts: Sequence[Chart] = ()) -> dict[str, Any]:
        """Everything, with the charts given; infinities are strings."""
        return {
            "schema": SCHEMA,
            "schema_version": VERSION,
            "model": self.model,
            "trained": self.trained,
            "inputs": self.inputs,
            "samples": self.samples,
            "seed": self.seed,
            "biases": self.biases,
            "level": LEVEL,
            "ratio": None if self.ratio is None else self.ratio.as_json(),
            "unbiased_ratio": None if self.unbiased_ratio is None else self.unbiased_ratio.as_json(),
            "blocks": [block.as_json() for block in self.blocks],
            "skipped": [{"name": name, "reason": reason} for name, reason in self.skipped],
            "notes": list(self.notes),
            "charts": plain(list(charts)),
        }


def log_ratios(own: Side, twin: Side) -> tuple[float, ...] | None:
    """ln(non-gated/gated) of the condition numbers, draw by draw; None if one of them is only a bound."""
    if not (own.resolved and twin.resolved):
        return None
    non_gated, gated = (twin, own) if own.gated else (own, twin)
    return tuple(math.log(p.value / g.value) for p, g in zip(non_gated.draws, gated.draws, strict=True))


def _overall(logs: Sequence[tuple[float, ...] | None]) -> Ratio | None:
    known = [own for own in logs if own is not None]
    return Ratio.of([float(np.mean(draw)) for draw in zip(*known, strict=True)]) if known else None


def _resolved(found: ConditionNumber) -> bool:
    return not found.is_bound and math.isfinite(found.value)


def _condition(found: ConditionNumber) -> dict[str, Any]:
    return {
        "value": _number(found.value),
        "low": _number(found.low),
        "high": _number(found.high),
        "is_bound": found.is_bound,
        "reason": found.reason,
    }


def _number(value: float) -> float | str:
    return value if math.isfinite(value) else str(value)
