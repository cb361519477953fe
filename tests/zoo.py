"""What the tests know of the zoo: a row per activation, written by hand, so that a mistake does not agree with itself.

Nothing here is taken from the package but its names: every family's tests draw their cases from these rows.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import erf, expit

from glutheory.activations import Activation, activation
from glutheory.networks import GATES
from tests import textbook

Arrays = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Row:
    """An activation as the tests see it.

    Attributes:
        phi: φ of a number, by `math`.
        torch: φ for autograd, a function of the module torch (which may be absent) and a tensor.
        growth: the least p with φ(z) = O(|z|^p) at infinity; inf for an exponential.
        homogeneous: whether φ(λz) = λ^p φ(z) for λ > 0, of this degree p = growth.
        kink: the order of the first derivative that jumps somewhere, 0 for φ itself; None where φ is analytic.
        mixture: whether its dual is a normal scale mixture (the logistic family), without a closed form.
        series: whether its dual is a Hermite series, without a closed form.
        fast: whether `gram` has an evaluator written for it, within 1e-14 at norms from 1e-150 to 1e150; that of any
            other one is found from its definition, within 1e-12 (`tests/numeric/own`).
        textbook: S and T as the literature has them, if it has.
        arrays: φ and φ' of numpy arrays, for an analytic φ whose dual the tests integrate on a grid.
    """

    phi: Callable[[float], float]
    torch: Callable[[Any, Any], Any]
    growth: float
    homogeneous: bool = False
    kink: int | None = None
    mixture: bool = False
    series: bool = False
    fast: bool = True
    textbook: textbook.Formula | None = None
    arrays: tuple[Arrays, Arrays] | None = None


def normal_cdf(z: float) -> float:
    """The standard normal distribution function."""
    return 0.5 * math.erfc(-z / math.sqrt(2))


def logistic(z: float) -> float:
    """The logistic function."""
    return 1 / (1 + math.exp(-z)) if z > -700 else math.exp(z)


def relu6(z: float) -> float:
    """The ramp from 0 to 6."""
    return min(max(0.0, z), 6.0)


def elu(z: float, alpha: float = 1.0) -> float:
    """Z above 0, alpha·(e^z − 1) below."""
    return z if z > 0 else alpha * math.expm1(z)


#: Of Klambauer et al. 2017, from their fixed-point equations.
SELU_SCALE, SELU_ALPHA = 1.0507009873554805, 1.6732632423543772
#: GPT-2's approximation of the Gaussian distribution function is σ(2·_TILT·(z + 0.044715 z³)).
_TILT = math.sqrt(2 / math.pi)


_gelu: tuple[Arrays, Arrays] = (
    lambda z: z * (1 + erf(z / math.sqrt(2))) / 2,
    lambda z: (1 + erf(z / math.sqrt(2))) / 2 + z * np.exp(-z * z / 2) / math.sqrt(2 * math.pi),
)
_erf: tuple[Arrays, Arrays] = (erf, lambda z: 2 / math.sqrt(math.pi) * np.exp(-z * z))
_sigmoid: tuple[Arrays, Arrays] = (expit, lambda z: expit(z) * expit(-z))
_tanh: tuple[Arrays, Arrays] = (np.tanh, lambda z: 1 - np.tanh(z) ** 2)
_silu: tuple[Arrays, Arrays] = (lambda z: z * expit(z), lambda z: expit(z) + z * expit(z) * expit(-z))
_softplus: tuple[Arrays, Arrays] = (lambda z: np.logaddexp(0, z), expit)

ROWS: dict[str, Row] = {
    "identity": Row(lambda z: z, lambda _, z: z, 1, homogeneous=True, textbook=textbook.identity),
    "monomial2": Row(lambda z: z * z, lambda _, z: z * z, 2, homogeneous=True, textbook=textbook.monomial2),
    "monomial3": Row(lambda z: z**3, lambda _, z: z * z * z, 3, homogeneous=True, textbook=textbook.monomial3),
    "step": Row(
        lambda z: 1.0 if z > 0 else 0.5 if z == 0 else 0.0,
        lambda torch, z: torch.heaviside(z, torch.full_like(z, 0.5)),
        0, homogeneous=True, kink=0, textbook=textbook.step,
    ),
    "sign": Row(
        lambda z: math.copysign(1, z) if z else 0.0,
        lambda torch, z: torch.sign(z),
        0, homogeneous=True, kink=0, textbook=textbook.sign,
    ),
    "abs": Row(abs, lambda torch, z: torch.abs(z), 1, homogeneous=True, kink=1, textbook=textbook.absolute),
    "relu": Row(
        lambda z: max(0.0, z), lambda torch, z: torch.relu(z), 1, homogeneous=True, kink=1, textbook=textbook.relu
    ),
    "leaky_relu": Row(
        lambda z: z if z > 0 else z / 100,
        lambda torch, z: torch.nn.functional.leaky_relu(z, 0.01),
        1, homogeneous=True, kink=1, textbook=textbook.leaky_relu,
    ),
    "relu2": Row(
        lambda z: max(0.0, z) ** 2,
        lambda torch, z: torch.relu(z) ** 2,
        2, homogeneous=True, kink=2, textbook=textbook.relu2,
    ),
    "erf": Row(math.erf, lambda torch, z: torch.erf(z), 0, textbook=textbook.erf, arrays=_erf),
    "normal_cdf": Row(normal_cdf, lambda torch, z: torch.special.ndtr(z), 0, textbook=textbook.normal_cdf),
    "gelu": Row(
        lambda z: z * normal_cdf(z),
        lambda torch, z: torch.nn.functional.gelu(z),
        1, textbook=textbook.gelu, arrays=_gelu,
    ),
    "sigmoid": Row(logistic, lambda torch, z: torch.sigmoid(z), 0, mixture=True, arrays=_sigmoid),
    "tanh": Row(math.tanh, lambda torch, z: torch.tanh(z), 0, mixture=True, arrays=_tanh),
    "silu": Row(
        lambda z: z * logistic(z), lambda torch, z: torch.nn.functional.silu(z), 1, mixture=True, arrays=_silu
    ),
    "softplus": Row(
        lambda z: math.log1p(math.exp(z)),
        lambda torch, z: torch.logaddexp(z, torch.zeros_like(z)),
        1, mixture=True, arrays=_softplus,
    ),
    "sin": Row(math.sin, lambda torch, z: torch.sin(z), 0, textbook=textbook.sin),
    "cos": Row(math.cos, lambda torch, z: torch.cos(z), 0, textbook=textbook.cos),
    "exp": Row(math.exp, lambda torch, z: torch.exp(z), math.inf, textbook=textbook.exp),
    "gaussian": Row(
        lambda z: math.exp(-z * z / 2), lambda torch, z: torch.exp(-z * z / 2), 0, textbook=textbook.gaussian
    ),
    "mish": Row(
        lambda z: z * math.tanh(math.log1p(math.exp(z)) if z < 30 else z),
        lambda torch, z: torch.nn.functional.mish(z),
        1, series=True, fast=False,
    ),
    "elu": Row(elu, lambda torch, z: torch.nn.functional.elu(z), 1, kink=2, fast=False),
    "selu": Row(
        lambda z: SELU_SCALE * elu(z, SELU_ALPHA), lambda torch, z: torch.nn.functional.selu(z), 1, kink=1, fast=False
    ),
    "celu": Row(elu, lambda torch, z: torch.nn.functional.celu(z), 1, kink=2, fast=False),
    "hard_tanh": Row(
        lambda z: max(-1.0, min(1.0, z)), lambda torch, z: torch.nn.functional.hardtanh(z), 0, kink=1, fast=False
    ),
    "hard_sigmoid": Row(
        # torch's own hardsigmoid has the slope 1/6 of float32, in float64 too
        lambda z: relu6(z + 3) / 6, lambda torch, z: torch.nn.functional.relu6(z + 3) / 6, 0, kink=1, fast=False
    ),
    "hard_swish": Row(
        lambda z: z * relu6(z + 3) / 6, lambda torch, z: torch.nn.functional.hardswish(z), 1, kink=1, fast=False
    ),
    "relu6": Row(relu6, lambda torch, z: torch.nn.functional.relu6(z), 0, kink=1, fast=False),
    "softsign": Row(
        lambda z: z / (1 + abs(z)), lambda torch, z: torch.nn.functional.softsign(z),
        0, kink=2, series=True, fast=False,
    ),
    "log_cosh": Row(
        lambda z: abs(z) + math.log1p(math.exp(-2 * abs(z))) - math.log(2),
        lambda torch, z: torch.logaddexp(z, -z) - math.log(2),
        1, series=True, fast=False,
    ),
    "gelu_tanh": Row(
        lambda z: z * logistic(2 * _TILT * (z + 0.044715 * z**3)),
        lambda torch, z: torch.nn.functional.gelu(z, approximate="tanh"),
        1, series=True, fast=False,
    ),
    "quick_gelu": Row(
        lambda z: z * logistic(1.702 * z), lambda torch, z: z * torch.sigmoid(1.702 * z), 1, mixture=True, fast=False
    ),
    "swish": Row(
        lambda z: z * logistic(z), lambda torch, z: torch.nn.functional.silu(z), 1, mixture=True, arrays=_silu
    ),
    "squared_relu": Row(
        lambda z: max(0.0, z) ** 2,
        lambda torch, z: torch.relu(z) ** 2,
        2, homogeneous=True, kink=2, textbook=textbook.relu2,
    ),
    "snake": Row(
        lambda z: z + math.sin(z) ** 2, lambda torch, z: z + torch.sin(z) ** 2, 1, fast=False
    ),
    "sine": Row(math.sin, lambda torch, z: torch.sin(z), 0, textbook=textbook.sin),
    "jump_relu": Row(
        lambda z: z if z > 1 else 0.0, lambda _, z: z * (z > 1), 1, kink=0, fast=False
    ),
    "threshold": Row(
        lambda z: z if z > 1 else 0.0,
        lambda torch, z: torch.nn.functional.threshold(z, 1.0, 0.0),
        1, kink=0, fast=False,
    ),
    "shifted_relu": Row(lambda z: max(0.0, z - 1), lambda torch, z: torch.relu(z - 1), 1, kink=1, fast=False),
    "laplace": Row(
        lambda z: normal_cdf((z - 0.707107) / 0.282095),
        lambda torch, z: torch.special.ndtr((z - 0.707107) / 0.282095),
        0, fast=False,
    ),
    "xielu": Row(
        lambda z: z / 2 + 0.8 * (z * z if z > 0 else math.expm1(z) - z),
        lambda torch, z: z / 2 + 0.8 * torch.where(z > 0, z * z, torch.expm1(z.clamp(max=0)) - z),
        2, kink=2, fast=False,
    ),
}  # fmt: skip

#: Activations by a property, as names.
LOGISTIC: tuple[str, ...] = tuple(name for name, row in ROWS.items() if row.mixture)
SERIES: tuple[str, ...] = tuple(name for name, row in ROWS.items() if row.series)
#: With an evaluator of their own, non-gated and gated.
FAST: tuple[str, ...] = tuple(name for name, row in ROWS.items() if row.fast)
FAST_LOGISTIC: tuple[str, ...] = tuple(name for name in LOGISTIC if name in FAST)
FAST_NETWORKS: tuple[str, ...] = (*FAST, *GATES)
JUMPS: tuple[str, ...] = tuple(name for name, row in ROWS.items() if row.kink == 0)
ANALYTIC: tuple[str, ...] = tuple(name for name, row in ROWS.items() if row.kink is None)
TEXTBOOK: dict[str, textbook.Formula] = {name: row.textbook for name, row in ROWS.items() if row.textbook}
#: Networks whose kernels are homogeneous in each row: the degree; that of a gated one has z besides.
DEGREES: dict[str, int] = {name: int(row.growth) for name, row in ROWS.items() if row.homogeneous}
DEGREES |= {gate: 1 + DEGREES[name] for gate, name in GATES.items() if name in DEGREES}

#: Closed forms whose certificate is decided in balls at points: with Φ₂, or exponentials on half-lines.
BY_BALLS: tuple[str, ...] = (
    *("elu", "selu", "celu", "hard_tanh", "hard_sigmoid", "hard_swish", "relu6"),
    *("jump_relu", "threshold", "shifted_relu", "laplace", "xielu"),
)
BALLS = "ball arithmetic at 32 points"

#: And as records: all, those with a normal form, with a closed one, and those that no variance makes too large.
ZOO: tuple[Activation, ...] = tuple(activation(name) for name in ROWS)
READ: tuple[Activation, ...] = tuple(act for act in ZOO if act.name not in SERIES)
CLOSED: tuple[Activation, ...] = tuple(act for act in ZOO if act.name not in (*LOGISTIC, *SERIES))
TAME: tuple[Activation, ...] = tuple(act for act in CLOSED if math.isfinite(ROWS[act.name].growth))
FAST_CLOSED: tuple[Activation, ...] = tuple(act for act in CLOSED if act.name in FAST)
