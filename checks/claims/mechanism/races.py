"""Plain, centred and gated networks of finite width, trained by gradient descent on all data: how many steps they need.

Targets are linear (variance about 1, noise of deviation 0.1) or nothing but noise. Every network descends with the rate
of its plain partner, and with the same fraction of its own bound n/λ_max, K its NTK at the start.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from fractions import Fraction
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import sympy as sp

from checks.settings import Settings
from checks.tools.checkpoints import remembered
from glutheory.activations import Activation, activation
from glutheory.ground.store import Arrays
from glutheory.networks import GATES, Network, gated, matched_width, network
from glutheory.symbolic.hermite import hermite_series

Array = npt.NDArray[np.float64]
KINDS = ("plain", "centred", "gated")
TARGETS = ("linear", "noise")
RATES = ("own", "same")
_NOISE = 0.1


@dataclass(frozen=True)
class Task:
    """Sizes, fixed before anything is run.

    Attributes:
        n, d, hidden: inputs, their dimension, the width of the plain networks; gated ones are matched in size.
        gates: which gated networks.
        seeds: data sets with one network of each kind.
        fraction: of the bound n/λ_max, beyond which descent diverges.
        goal: the loss to be reached, over the mean square of the targets.
        cap: most steps.
    """

    n: int
    d: int
    hidden: int
    gates: tuple[str, ...]
    seeds: int
    fraction: float = 0.5
    goal: float = 0.1
    cap: int = 6000


QUICK = Task(96, 16, 64, ("swiglu",), 12)
FULL = Task(400, 34, 200, ("reglu", "geglu", "swiglu"), 16)


@dataclass(frozen=True, eq=False)
class Race:
    """What was seen of one gate's networks, one column per seed.

    Attributes:
        steps: to the goal, interpolated; infinite if it was not reached. Key (kind, target, rate), shape (seeds,).
        linear: what the networks' own kernels at the start predict for them.
        top: λ_max of the kernels at the start, by kind.
        condition: their condition numbers.
    """

    steps: dict[tuple[str, str, str], Array]
    linear: dict[tuple[str, str, str], Array]
    top: dict[str, Array]
    condition: dict[str, Array]

    def ratio(self, over: str, under: str, target: str, rate: str, *, linear: bool = False) -> Array:
        """Ln of the quotient of two kinds' numbers of steps."""
        table = self.linear if linear else self.steps
        with np.errstate(invalid="ignore"):
            return np.log(table[over, target, rate]) - np.log(table[under, target, rate])


def centred(name: str) -> Activation:
    """The activation less its mean at variance 1, as a fraction within 1e-12."""
    act = activation(name)
    mean = hermite_series(act, Fraction(1), 1, 20).coefficients[0]
    r = Fraction(float(mean.mid())).limit_denominator(10**12)
    return Activation(f"{act.label} less its mean", act.expr - sp.Rational(r.numerator, r.denominator))


def networks(gate: str) -> dict[str, Network]:
    """The three kinds."""
    other = centred(GATES[gate])
    return {"plain": network(GATES[gate]), "centred": Network(other.name, (other,)), "gated": gated(GATES[gate])}


def data(task: Task, settings: Settings, index: int, target: str) -> tuple[Array, Array]:
    """A seed's inputs and targets."""
    rng = np.random.default_rng([settings.stream("mechanism/confirmed/task"), index])
    X = rng.standard_normal((task.n, task.d))
    linear = X @ rng.standard_normal(task.d) * task.d**-0.5
    noise = rng.standard_normal(task.n)
    return X, linear + _NOISE * noise if target == "linear" else noise


@lru_cache(maxsize=8)
def races(task: Task, settings: Settings) -> dict[str, Race]:
    """By gate."""
    return {gate: _race(task, settings, gate) for gate in task.gates}


def _race(task: Task, settings: Settings, gate: str) -> Race:
    steps, linear, top, condition = {}, {}, {}, {}
    for target in TARGETS:
        plain: Array | None = None
        for kind in KINDS:
            for rate in RATES:
                if kind == "plain" and rate == "same":
                    continue
                found = _trained(task, settings, gate, kind, target, plain if rate == "same" else None)
                key = (kind, target, rate)
                steps[key], linear[key] = found["steps"], found["linear"]
                top[kind], condition[kind] = found["top"], found["condition"]
                if kind == "plain":
                    plain = found["rate"]
                    steps[kind, target, "same"], linear[kind, target, "same"] = steps[key], linear[key]
    return Race(steps, linear, top, condition)


def _trained(task: Task, settings: Settings, gate: str, kind: str, target: str, rate: Array | None) -> Arrays:
    sizes = {name: value for name, value in asdict(task).items() if name != "gates"}
    key = {"what": "mechanism races", "task": sizes, "seed": settings.seed, "device": settings.device, "gate": gate}
    key |= {"kind": kind, "target": target, "rate": "own" if rate is None else "same"}
    return remembered(settings.checkpoints, key, lambda: _run(task, settings, gate, kind, target, rate))


def _run(task: Task, settings: Settings, gate: str, kind: str, target: str, rate: Array | None) -> Arrays:
    import torch

    from glutheory.sampling.training import Ensemble

    net = networks(gate)[kind]
    nets = Ensemble(
        net,
        inputs=task.d,
        width=matched_width(net, task.hidden, task.d),
        seed=settings.stream("mechanism/confirmed/networks"),
        draws=range(task.seeds),
        device=settings.device,
    )
    sets = [data(task, settings, index, target) for index in range(task.seeds)]
    X = nets.inputs(np.stack([x for x, _ in sets]))
    Y = torch.tensor(np.stack([y for _, y in sets])).to(X)
    start = (nets.outputs(X) - Y).double().cpu().numpy()
    values, vectors = np.linalg.eigh(nets.ntk(X).double().cpu().numpy())
    top = values[:, -1]
    # on the mean squared error a step is e ← (I − (2 rate/n) K) e
    used = task.fraction * task.n / top if rate is None else rate
    wanted = task.goal * Y.double().square().mean(1).cpu().numpy()
    weights = np.einsum("rij,ri->rj", vectors, start) ** 2 / task.n
    linear = np.array(
        [
            _linear(share, 1 - 2 * r * value / task.n, goal, task.cap)
            for share, r, value, goal in zip(weights, used, values, wanted, strict=True)
        ]
    )
    rates = torch.tensor(used).to(X)[:, None, None]
    losses = []
    for _ in range(task.cap):
        losses.append(nets.step(X, Y, rates).square().mean(1).double().cpu().numpy())
        if np.all(np.min(losses[-1:], axis=0) <= wanted) or not np.isfinite(losses[-1]).all():
            break
    steps = np.array([_first(np.array(curve), goal) for curve, goal in zip(np.transpose(losses), wanted, strict=True)])
    return {"steps": steps, "linear": linear, "top": top, "condition": top / values[:, 0], "rate": used}


def _first(curve: Array, goal: float) -> float:
    """The step at which the loss first reaches the goal, ln L taken as linear in between; infinite if it never does."""
    below = np.flatnonzero(curve <= goal)
    if not len(below):
        return math.inf
    k = int(below[0])
    if k == 0:
        return 0.0
    high, low = math.log(curve[k - 1]), math.log(curve[k])
    return k - 1 + (high - math.log(goal)) / (high - low)


def _linear(weights: Array, factors: Array, goal: float, cap: int) -> float:
    """The same for the loss Σ w_i f_i^(2k)."""
    curve = [float(np.sum(weights))]
    powers = weights.copy()
    for _ in range(cap):
        if curve[-1] <= goal:
            break
        powers = powers * factors**2
        curve.append(float(np.sum(powers)))
    return _first(np.array(curve), goal)
