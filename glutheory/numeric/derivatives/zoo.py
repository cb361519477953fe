"""Which derivatives an activation has: one table, by the names of `glutheory.activations`."""

from __future__ import annotations

from collections.abc import Callable

from glutheory.activations import Activation
from glutheory.errors import DomainError
from glutheory.numeric.derivatives import homogeneous, logistic, normal, waves
from glutheory.numeric.derivatives.partials import Slope
from glutheory.numeric.zoo import evaluator, member

_TABLE: dict[str, Slope | Callable[[float], Slope]] = {
    "identity": homogeneous.IDENTITY,
    "monomial2": homogeneous.MONOMIAL2,
    "monomial3": homogeneous.MONOMIAL3,
    "step": homogeneous.STEP,
    "sign": homogeneous.SIGN,
    "abs": homogeneous.leaky(-1.0),
    "relu": homogeneous.leaky(0.0),
    "leaky_relu": homogeneous.leaky,
    "relu2": homogeneous.RELU2,
    "erf": normal.ERF,
    "normal_cdf": normal.NORMAL_CDF,
    "gelu": normal.GELU,
    "sigmoid": logistic.SIGMOID,
    "tanh": logistic.TANH_SLOPE,
    "silu": logistic.silu,
    "softplus": logistic.SOFTPLUS,
    "sin": waves.SIN,
    "cos": waves.COS,
    "exp": waves.EXP,
    "gaussian": normal.GAUSSIAN,
}


def slope(act: Activation) -> Slope:
    """The derivatives of an activation of the zoo.

    Raises:
        DomainError: symbolic parameters, an activation that is not of the zoo (see `evaluator`), or one of it whose
            derivatives are not in the table yet.
    """
    evaluator(act)
    own = member(act)
    assert own is not None, "an activation with an evaluator is of the zoo"
    entry = _TABLE.get(own.name)
    if entry is None:
        raise DomainError(f"{own.name!r} has no derivatives: add them to glutheory.numeric.derivatives.zoo.")
    return entry if isinstance(entry, Slope) else entry(*(float(value) for _, value in own.parameters))
