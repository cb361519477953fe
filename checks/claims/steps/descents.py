"""Descent itself, as a second route: iterated with matrices, and networks of finite width trained to the error.

No eigenvector is used. The trained networks have biases and start at output 0 (what they put out at the start is added
to the targets); targets are small, so that the kernel hardly moves, and the rate is 1/λ_max of the expected kernel.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from checks.claims.steps.cases import ERRORS, RATES, Ends, learning_rate
from checks.claims.steps.law import Law
from checks.settings import Settings
from checks.tools.biased import matrices
from checks.tools.equivalence import equivalence_power
from checks.tools.loss_pairs import PAIRS, kernels, targets
from checks.tools.signs import Interval, shown, worst
from glutheory.claims import About, Assumption, Evidence, Figure, Finding, Grade
from glutheory.dynamics import decompose, expected_loss, steps_to

Array = npt.NDArray[np.float64]
#: Of the iterated cases.
SMALL = (40, 16)
_TARGETS = ("random", "linear", "constant")
#: The probability that any test of the trained networks refutes a true statement.
LEVEL = 0.001
#: What counts as equal: predicted and counted steps, up to this factor; and the deviation of ln steps for which the
#: power is stated.
MARGIN, _DEVIATION = 1.25, 0.06


@dataclass(frozen=True)
class Trained:
    """Networks trained to the error `ERROR`, fixed before the run.

    Attributes:
        n, d: the data, Gaussian.
        width: of the non-gated networks; the gated ones have as many parameters.
        seeds: networks of each kind.
        error: ε.
        size: of the targets, random signs times this.
    """

    n: int = 24
    d: int = 12
    width: int = 2048
    seeds: int = 12
    error: float = 0.05
    size: float = 0.02


def iterated(settings: Settings, law: Law) -> Evidence:
    """The steps e ← e − ηKe counted, against the number from the spectrum."""
    wrong, most, count = [], 0, 0
    for pair in PAIRS:
        for normalised in (False, True):
            seed = settings.stream("steps/iterated")
            data = kernels(pair, *SMALL, None, seed, normalised)
            ends = [Ends.of(modes) for modes in data.modes]
            for which in (0, 1):
                K = data.K[1 - which if law.exchanged else which]
                for target in _TARGETS:
                    Y = targets(target, data.X, seed)
                    for rate in RATES:
                        eta = learning_rate(rate, ends[which], (ends[0], ends[1]))
                        loss = expected_loss(data.modes[which], None, Y)
                        said = [steps_to(loss, error, eta) for error in ERRORS]
                        cap = 2 * max(item.high or 0 for item in said)
                        counted = _iterate(K, eta, Y, cap)
                        most, count = max(most, *counted), count + len(counted)
                        wrong += [
                            f"{pair[which]}, {target}, {rate}, ε={error:g}"
                            for error, steps, known in zip(ERRORS, counted, said, strict=True)
                            if steps < known.low or (known.high is not None and steps > known.high)
                        ]
    figures: dict[str, Figure] = {"numbers of steps": count, "largest": most, "not as counted": len(wrong)}
    figures["first of them"] = wrong[:3]
    n, d = SMALL
    what = f"gradient descent iterated with matrices, n = {n}, d = {d}, against the numbers from the spectra"
    return Evidence(Grade.NUMERICAL, what, Finding.of(not wrong), About.CORRECTED, "descent", figures)


def _iterate(K: Array, rate: float, start: Array, cap: int) -> list[int]:
    """The steps of e ← e − ηKe to each of `ERRORS`, which fall; cap + 1 for those that are not reached."""
    found: list[int] = []
    e, size = start, float(np.linalg.norm(start))
    for k in range(1, cap + 1):
        e = e - rate * (K @ e)
        share = float(np.linalg.norm(e)) / size
        while len(found) < len(ERRORS) and share <= ERRORS[len(found)]:
            found.append(k)
        if len(found) == len(ERRORS) or not share < 1e6:
            break
    return found + [cap + 1] * (len(ERRORS) - len(found))


@dataclass(frozen=True)
class Counted:
    """What became of the networks of one kind.

    Attributes:
        steps: of every seed; infinite beyond four times the predicted ones.
        predicted: from the spectrum of the expected kernel.
        moved: ‖K_after − K_before‖/‖K_before‖ in the Frobenius norm, of every seed.
    """

    steps: Array
    predicted: float
    moved: Array


@lru_cache(maxsize=4)
def counted(task: Trained, settings: Settings) -> dict[str, Counted]:
    """By network what was counted."""
    import torch

    from glutheory.sampling.training import Ensemble, matched_width

    rng = np.random.default_rng(settings.stream("steps/networks/data"))
    X = rng.standard_normal((task.n, task.d))
    Y = task.size * np.sign(rng.standard_normal(task.n))
    found = {}
    for name in PAIRS[0]:
        width = matched_width(name, task.width, task.d)
        modes = decompose(matrices(name, X, width)[0])
        eta = 1 / float(modes.values[-1])
        predicted = steps_to(expected_loss(modes, None, Y), task.error, eta).value
        nets = Ensemble(
            name,
            inputs=task.d,
            width=width,
            seed=settings.stream("steps/networks"),
            draws=range(task.seeds),
            device=settings.device,
            dtype=torch.float64,
        )
        inputs = nets.inputs(X)
        aims = nets.outputs(X) + torch.as_tensor(Y).to(inputs)
        before, steps = nets.ntk(inputs), np.full(task.seeds, np.inf)
        for k in range(int(4 * predicted) + 1):
            # torch's rate for the mean squared error is ηn/2
            residual = nets.step(inputs, aims, eta * task.n / 2)
            share = residual.norm(dim=1).cpu().numpy() / float(np.linalg.norm(Y))
            steps[np.isinf(steps) & (share <= task.error)] = k
            if np.isfinite(steps).all():
                break
        moved = torch.linalg.matrix_norm(nets.ntk(inputs) - before) / torch.linalg.matrix_norm(before)
        found[name] = Counted(steps, predicted, moved.cpu().numpy())
    return found


def trained(task: Trained, settings: Settings, law: Law) -> Evidence:
    """The counted steps against those of the expected kernel."""
    found, level = counted(task, settings), LEVEL / 2
    findings = []
    rows: dict[str, Figure] = {}
    for name, other in (PAIRS[0], PAIRS[0][::-1]):
        steps, said = found[name].steps, found[other if law.exchanged else name].predicted
        interval = Interval.of(steps / said, 1 - level)
        if interval is None or interval.low > MARGIN or interval.high < 1 / MARGIN:
            findings.append(Finding.REFUTES)
        else:
            inside = interval.low > 1 / MARGIN and interval.high < MARGIN
            findings.append(Finding.SUPPORTS if inside else Finding.UNDECIDED)
        rows[name] = {"said": said, "counted": shown(steps), "interval": None if interval is None else interval.figure}
    what = (
        f"networks of width {task.width} trained on random labels to ε = {task.error:g} at 1/λ_max of the expected "
        f"kernel: the steps are those of the spectrum within a factor {MARGIN:g} (t intervals, {task.seeds} seeds)"
    )
    figures = {**rows, "level of both tests": LEVEL}
    return Evidence(Grade.STATISTICAL, what, worst(findings), About.CORRECTED, "descent", figures)


def assumptions(task: Trained, settings: Settings) -> tuple[Assumption, Assumption]:
    """Whether the trained networks are in the kernel regime, and can decide."""
    moved = max(float(item.moved.max()) for item in counted(task, settings).values())
    power = equivalence_power(math.log(MARGIN), _DEVIATION, task.seeds, level=LEVEL / 4)
    both = 1 - 2 * (1 - power)
    return (
        Assumption(
            "linearised",
            "the kernels of the trained networks move by less than 5 %",
            moved < 0.05,
            f"at most {moved:.1g}",
        ),
        Assumption(
            "power",
            f"equal steps are found equal for both with probability 0.99 where ln steps deviates by {_DEVIATION}",
            both >= 0.99,
            f"{both:.4f}",
        ),
    )
