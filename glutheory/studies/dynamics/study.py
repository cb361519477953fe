"""The race of a gated network and its non-gated partner: expected losses over the steps, and where they cross.

The theory is that of `glutheory.dynamics` on the derived kernels: the loss, expected over the random initialisation, of
gradient descent on the linearised networks. Learning rates and times are those of the mean squared error (1/n)‖f − Y‖²,
as torch has it: a rate r is η = 2r/n in `glutheory.dynamics`, and a time is rate × steps.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from typing import Any

import numpy as np
import numpy.typing as npt

from glutheory.dynamics import Crossing, Crossings, LossCurve, crossings, expected_loss
from glutheory.dynamics.crossings import visible
from glutheory.errors import DomainError
from glutheory.figures.chart import Chart
from glutheory.ground.arguments import integer, real
from glutheory.layers import Stack
from glutheory.networks import Network, matched_width
from glutheory.numeric import entry_error, gram
from glutheory.numeric.duals import evaluator
from glutheory.shown import Shown
from glutheory.spectra import ConditionNumber, condition_number
from glutheory.studies.defaults import gram_options
from glutheory.studies.dynamics.training import Trained, marks, train
from glutheory.studies.given import DYNAMICS, check_held, check_targets, networks_given, rows_given
from glutheory.studies.json_head import record
from glutheory.studies.pairs import pair, stack_pair, written

Array = npt.NDArray[np.float64]

#: Of the non-gated network, as in the two-layer task of arXiv 2605.20749; the deviation of the noise there.
WIDTH, NOISE = 1000, 0.1
#: The learning rate, unless given, over the smaller of the two largest stable ones.
FRACTION = 0.5
#: Steps that are shown at least and at most, and for how many networks are trained, unless told.
FEWEST, MOST, TRAINED = 100, 1_000_000, 1000
#: To this share of what can fall both losses are shown at least.
_SMALL = 0.01
#: Between these are learning rates: 2 rate/n is held.
_RATES = (1e-300, 1e300)
#: The last step that is looked at, and the share of a loss below which it is taken to have vanished.
_FAR, _VANISHED = 1e18, 1e-250
#: Rows: a dense matrix of so many takes 3 GB.
_LARGEST = 20_000


@dataclass(frozen=True, eq=False)
class Side:
    """One of the two networks.

    Attributes:
        network: which, or a stack.
        width: its hidden units, of a stack those of every layer; None in the ntk parametrisation.
        curve: its expected loss, summed over the data.
        condition: of its NTK.
        error: of the entries of both kernels, of √(K_ii K_jj).
    """

    network: Network | Stack
    width: int | None
    curve: LossCurve
    condition: ConditionNumber
    error: float

    @property
    def label(self) -> str:
        """Its name as it is written."""
        return written(self.network.name)

    @property
    def limit(self) -> float:
        """The learning rate from which on the loss no longer falls to its floor."""
        return self.curve.largest_stable_rate * len(self.curve.weights) / 2

    def loss(self, steps: npt.ArrayLike, rate: float) -> Array:
        """The expected mean squared error after these numbers of steps, at this learning rate."""
        n = len(self.curve.weights)
        return self.curve.descent(steps, 2 * rate / n) / n


@dataclass(frozen=True, eq=False, repr=False)
class Dynamics(Shown):
    """Two expected loss curves and their crossings.

    Attributes:
        plain, gated: the two networks.
        inputs: what the rows are, a phrase.
        targets: what the targets are, a phrase.
        n, d: rows and features.
        parametrization: "standard" or "ntk".
        rate: the learning rate; `given` if the caller chose it.
        steps: how many are shown.
        descent: the crossings under gradient descent, in steps.
        flow: those under the gradient flow, in time.
        trained: the losses of trained networks, or None.
        otherwise: the same race on the rows otherwise scaled, where such rows were given: `inputs` says how.
    """

    plain: Side
    gated: Side
    inputs: str
    targets: str
    n: int
    d: int
    parametrization: str
    rate: float
    given: bool
    steps: int
    descent: Crossings
    flow: Crossings
    trained: Trained | None = None
    otherwise: Dynamics | None = None

    def __repr__(self) -> str:
        return (
            f"<Dynamics of {self.plain.network.name} and {self.gated.network.name}: {self.inputs}, {self.steps} steps>"
        )

    @property
    def sides(self) -> tuple[Side, Side]:
        """The non-gated one first."""
        return self.plain, self.gated

    @property
    def stable(self) -> bool:
        """Whether both losses fall to their floors at this rate."""
        return all(self.rate < side.limit for side in self.sides)

    def told(self, steps: npt.ArrayLike) -> npt.NDArray[np.bool_]:
        """At which of these steps the losses differ by more than errors of the kernels and rounding can make."""
        first, second = (side.curve for side in self.sides)
        eta = 2 * self.rate / self.n
        return visible(first, second, (eta, eta), np.asarray(steps, dtype=np.float64))

    @cached_property
    def hidden_from(self) -> float:
        """About the step from which on errors hide who leads, for good; infinite if neither kernel may be singular.

        Of one that may be, rounding makes the modes that never fall, and so who leads in the end.
        """
        return _hidden_from(self.sides, 2 * self.rate / self.n)

    @property
    def changes(self) -> tuple[Crossing, ...]:
        """The crossings after which another network leads at whole steps, as far as errors let it be seen.

        Not those that cancel between two steps, nor those after `hidden_from`.
        """
        kept: list[Crossing] = []
        lead = self.descent.start
        seen = [item for item in self.descent if item.step < self.hidden_from]
        for _, group in groupby(seen, key=lambda item: math.ceil(item.step)):
            last = list(group)[-1]
            if last.sign != lead:
                kept.append(last)
            lead = last.sign
        return tuple(kept)

    @property
    def times(self) -> tuple[float, ...]:
        """The crossings under the gradient flow, as times: rate × steps, as far as errors let them be seen."""
        if not self.flow.found:
            return ()
        hidden = _hidden_from(self.sides, None, 2 * self.rate / self.n)
        return tuple(item.step * self.n / 2 for item in self.flow if item.step < hidden)

    def as_json(self, charts: Sequence[Chart] = ()) -> dict[str, Any]:
        """Everything, with the charts given; losses are mean squared errors."""
        steps = marks(self.steps, 20)
        return record(
            "dynamics",
            gram=gram_options("ntk", self.parametrization),
            inputs=self.inputs,
            targets=self.targets,
            n=self.n,
            d=self.d,
            parametrization=self.parametrization,
            rate=self.rate,
            rate_given=self.given,
            stable=self.stable,
            steps=steps,
            networks=[self._side(side, steps) for side in self.sides],
            leads=self._leads(),
            crossings=_crossings(self.descent, 1.0),
            flow_crossings=_crossings(self.flow, self.n / 2),
            trained=None if self.trained is None else self.trained.as_json(),
            otherwise=None if self.otherwise is None else self.otherwise._in_short(),
            charts=charts,
        )

    def _leads(self) -> list[dict[str, Any]]:
        return [
            {"from_step": math.ceil(item.step), "network": self.sides[item.sign > 0].network.name}
            for item in self.changes
        ]

    def _in_short(self) -> dict[str, Any]:
        return {
            "data": self.inputs,
            "conditions": {side.network.name: side.condition for side in self.sides},
            "rate": self.rate,
            "first_lower": _LOWER[self.descent.start],
            "leads": self._leads(),
        }

    def _side(self, side: Side, steps: Array) -> dict[str, Any]:
        return {
            "network": side.network.name,
            "width": side.width,
            "loss": side.loss(steps, self.rate),
            "flow_loss": side.curve.flow(steps * 2 * self.rate / self.n) / self.n,
            "initial": side.curve.initial / self.n,
            "floor": side.curve.floor / self.n,
            "condition": side.condition,
            "largest_stable_rate": side.limit,
        }


_LOWER = {-1: "plain", 0: "neither", 1: "gated"}


def _crossings(found: Crossings, scale: float) -> dict[str, Any]:
    names = ("plain", "gated")
    return {
        "found": [
            {
                "at": item.step * scale,
                "low": item.low * scale,
                "high": item.high * scale,
                "then_lower": names[item.sign > 0],
            }
            for item in found
        ],
        "first_lower": _LOWER[found.start],
        "last_lower": _LOWER[found.end],
        "complete": found.complete,
        "certain": found.certain,
        "argument": found.argument,
    }


def linear_targets(X: Array, seed: int) -> Array:
    """Y = X w + 0.1·noise with w and the noise standard normal, shape (n,); arXiv 2605.20749, the two-layer task."""
    rng = np.random.default_rng([seed, 1])
    return np.asarray(X @ rng.standard_normal(X.shape[1]) + NOISE * rng.standard_normal(len(X)))


def unit(targets: Array) -> Array:
    """The targets, shifted and scaled to mean 0 and variance 1.

    Raises:
        DomainError: they are all equal.
    """
    # by a power of two, since squares may leave float64
    targets = np.ldexp(targets, -int(np.frexp(np.max(np.abs(targets)))[1]))
    centred = targets - targets.mean()
    deviation = float(centred.std())
    if not 0 < deviation < math.inf:
        raise DomainError(f"the targets have the deviation {deviation:g}: give targets that differ.")
    return np.asarray(centred / deviation)


def dynamics_study(
    networks: str | Network | Stack | Sequence[str | Network | Stack],
    X: Array,
    targets: Array | None = None,
    *,
    inputs: str = "given rows",
    parametrization: str = "standard",
    width: int | None = None,
    unit_targets: bool = False,
    rate: float | None = None,
    steps: int | None = None,
    seeds: int = 0,
    seed: int = 0,
    other: tuple[Array, str] | None = None,
    progress: Callable[[int], object] = lambda _: None,
) -> Dynamics:
    """The expected losses of a pair of networks on data, and where they cross.

    Args:
        networks: as `glutheory.studies.pairs.pair` takes them; or stacks, as `stack_pair` does.
        X: the inputs, shape (n, d).
        targets: shape (n,); None: `linear_targets`.
        inputs: what X is, a phrase.
        parametrization: "standard" with LeCun's variances, or "ntk".
        width: hidden units of the non-gated network in the standard parametrisation (default `WIDTH`); the gated one
            has about as many weights. Of stacks the units of every layer of both.
        unit_targets: whether targets are scaled to mean 0 and variance 1 first.
        rate: the learning rate of the mean squared error; None: `FRACTION` of the smaller largest stable one.
        steps: how many to show; None: twice those of the last crossing, or until both losses have fallen.
        seeds: how many networks of each kind are trained as well (needs torch; not of stacks); for `steps`, or at most
            `TRAINED` steps if that is None.
        seed: of synthetic targets and of the trained networks.
        other: the same rows otherwise scaled, shape (n, d'), and how, a phrase: condition numbers and crossings on them
            as well, for the same targets (or `linear_targets` of these rows) and half of the smaller rate stable there.
        progress: called with the number of steps done in training, again and again; see `training_steps`.

    Raises:
        DomainError: an argument that does not fit, or kernels that are infinite.
        MissingDependencyError: networks are to be trained, and torch is not installed.
        UnknownNameError: no such network.
    """
    plain, gated = pair_of(networks_given(networks))
    X = rows_given(X)
    n, d = X.shape
    if n > _LARGEST:
        raise DomainError(f"n is {n}: give {_LARGEST} rows at most, whose kernels fit into memory.")
    if parametrization == "ntk" and (width is not None or seeds):
        raise DomainError(
            f"parametrization is 'ntk' with width {width} and {seeds} trained networks: both need 'standard'."
        )
    described = f"y = X w + {NOISE:g} noise, w standard normal" if targets is None else "as given"
    y = linear_targets(X, seed) if targets is None else np.asarray(targets, dtype=np.float64)
    if unit_targets:
        y, described = unit(y), f"{described}, scaled to variance 1"
    if targets is not None:  # others are as large as the rows
        check_targets(y)
    width = None if parametrization == "ntk" else integer("width", WIDTH if width is None else width, 1)
    sides = [_side(net, X, y, parametrization, width) for net in (plain, gated)]
    given = rate is not None
    rate = (
        real("rate", rate, above=_RATES[0], below=_RATES[1])
        if rate is not None
        else FRACTION * min(side.limit for side in sides)
    )
    curves = [side.curve for side in sides]
    found = crossings(curves[0], curves[1], rate=2 * rate / n)
    flow = crossings(curves[0], curves[1])
    shown = _steps(found, sides, rate) if steps is None else integer("steps", steps, 1)
    trained = None
    if seeds:
        widths = [side.width for side in sides if side.width is not None]
        length = training_steps(steps)
        if isinstance(plain, Stack) or isinstance(gated, Stack):
            raise DomainError(f"seeds is {seeds}, but networks are trained with one hidden layer: leave it out.")
        trained = train(
            (plain, gated), widths, X, y, rate=rate, steps=length, seeds=seeds, seed=seed, progress=progress
        )
    also = None
    if other is not None:
        with suppress(DomainError):  # a kernel that is not finite there
            also = dynamics_study(
                (plain, gated), other[0], targets, inputs=other[1], parametrization=parametrization, width=width,
                unit_targets=unit_targets, seed=seed,
            )  # fmt: skip
    return Dynamics(
        sides[0], sides[1], inputs, described, n, d, parametrization, rate, given, shown, found, flow, trained, also
    )


def pair_of(networks: Sequence[str | Network | Stack]) -> tuple[Network, Network] | tuple[Stack, Stack]:
    """The two that are compared, the one without gates first.

    Raises:
        DomainError: networks and stacks together, or as `pair` and `stack_pair` do.
        UnknownNameError: no such network.
    """
    stacks = [net for net in networks if isinstance(net, Stack)]
    others = [net for net in networks if not isinstance(net, Stack)]
    if stacks and others:
        raise DomainError(f"{stacks[0].name!r} is a stack and {others[0]!r} is none: give two of one sort.")
    return stack_pair(stacks) if stacks else pair(others)


def training_steps(steps: int | None) -> int:
    """For how many steps networks are trained if so many are asked for."""
    return TRAINED if steps is None else steps


def _steps(found: Crossings, sides: Sequence[Side], rate: float) -> int:
    """Twice the steps of the last crossing, or until both losses have fallen to `_SMALL` of what can; with two digits.

    Within bounds, which end the search where a loss falls hardly or not at all.
    """
    at = marks(MOST, 20)
    fallen = np.ones(len(at), dtype=bool)
    for side in sides:
        loss, floor = side.loss(at, rate), side.curve.floor / len(side.curve.weights)
        fallen &= loss - floor <= _SMALL * (loss[0] - floor)
    last = float(at[int(np.argmax(fallen))]) if fallen.any() else float(FEWEST)
    hidden = _hidden_from(sides, 2 * rate / len(sides[0].curve.weights))
    last = max([last, FEWEST, *(2 * item.step for item in found if item.step < hidden)])
    size = 10.0 ** (math.floor(math.log10(last)) - 1)
    return min(MOST, int(math.ceil(last / size) * size))


def _hidden_from(sides: Sequence[Side], eta: float | None, unit: float = 1.0) -> float:
    """See `Dynamics.hidden_from`; for the flow, eta None, the time, looked at in multiples of `unit`."""
    if all(side.curve.eigenvalues.min() > side.curve.error for side in sides):
        return math.inf
    at = np.unique(np.round(np.geomspace(1, _FAR, 40 * int(math.log10(_FAR)) + 1))) * unit
    losses = [side.curve.flow(at) if eta is None else side.curve.descent(at, eta) for side in sides]
    held = np.any([loss > _VANISHED * side.curve.initial for loss, side in zip(losses, sides, strict=True)], axis=0)
    told = visible(sides[0].curve, sides[1].curve, (eta, eta), at)
    last = int(np.flatnonzero(told)[-1]) if told.any() else -1
    hidden = held & np.isfinite(losses).all(axis=0)
    return float(at[last + 1]) if hidden[last + 1 :].any() else math.inf


def _side(net: Network | Stack, X: Array, y: Array, parametrization: str, width: int | None) -> Side:
    units = width if width is None or isinstance(net, Stack) else matched_width(net, width, X.shape[1])
    nngp, ntk = gram(net, X, kind="both", parametrization=parametrization, width=units)
    parts = net.activations if isinstance(net, Stack) else net.branches
    if not np.isfinite(ntk).all() and any(evaluator(act).jumps for act in parts):
        raise DomainError(f"the NTK of {net.name!r} is infinite, since an activation jumps: give another network.")
    for kind, kernel in (("NTK", ntk), ("NNGP", nngp)):
        check_held(f"the {kind} of {net.name!r}", np.diagonal(kernel), X, DYNAMICS)
    error = entry_error(net)
    curve = expected_loss(ntk, nngp, y, entry_error=error)
    return Side(net, units, curve, condition_number(ntk, entry_error=error), error)
