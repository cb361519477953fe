"""The arguments of Gram matrices, read: arrays of one library, their rows and scales, and the plan of all tiles."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import array_api_compat
import numpy as np

from glutheory.activations import Activation
from glutheory.errors import DomainError
from glutheory.ground.arguments import one_fan_in
from glutheory.layers import Stack
from glutheory.networks import PARAMETRIZATIONS, Network
from glutheory.networks import network as named_network
from glutheory.numeric.arrays import Array, Namespace, namespace
from glutheory.numeric.given import as_arrays
from glutheory.numeric.plan import Plan, make_plan
from glutheory.numeric.rows import Rows, read_rows
from glutheory.numeric.weights import Scales, scales

if TYPE_CHECKING:
    from glutheory.numeric.deep.plan import DeepPlan


def library_of(X: Any, Y: Any) -> Namespace:
    """The namespace of both arrays, which must be of one library and on one device."""
    try:
        xp = namespace(X, Y)
    except TypeError:
        raise DomainError("X and Y are of different libraries: give two numpy arrays or two torch tensors.") from None
    if Y is not None and array_api_compat.device(X) != array_api_compat.device(Y):
        raise DomainError(
            f"X is on {array_api_compat.device(X)} and Y on {array_api_compat.device(Y)}: move them to one device."
        )
    if array_api_compat.is_torch_array(X) and X.is_meta:
        raise DomainError("X is on torch's device meta, where tensors have no values: give a tensor with values.")
    return xp


def view(array: Any) -> Any:
    """The array itself; of a torch tensor on the CPU the numpy array that shares its memory.

    Small tiles in our threads are several times faster than torch's own threads on large ones.
    """
    if not array_api_compat.is_torch_array(array) or str(array_api_compat.device(array)) != "cpu":
        return array
    try:
        return array.detach().numpy()
    except TypeError:  # bfloat16 and the like, which `read_rows` refuses
        return array


def prepare(
    network: Network | Activation | Stack | str,
    X: Array,
    Y: Array | None = None,
    *,
    parametrization: str = "ntk",
    width: int | None = None,
    variances: Mapping[str, Any] | None = None,
    trained: str | Iterable[str] | None = None,
) -> Plan | DeepPlan:
    """What `gram` computes once per row, for those who ask for tiles themselves; its arguments and its errors."""
    X, Y = as_arrays(X, Y)
    if isinstance(network, Stack):
        return _deep(network, X, Y, parametrization, width, variances, trained)
    if trained is not None:
        raise DomainError(
            f"trained is {repr(trained)[:60]}: only the groups of a stack can be chosen; make one of the network, "
            "composed(product(…), readout())."
        )
    net = named_network(network)
    left, right, found = read(net, X, Y, parametrization=parametrization, width=width, variances=variances)
    with np.errstate(all="ignore"):
        return make_plan(net, left, right, found)


def _deep(
    stack: Stack,
    X: Array,
    Y: Array | None,
    parametrization: str,
    width: int | None,
    variances: Mapping[str, Any] | None,
    trained: str | Iterable[str] | None,
) -> DeepPlan:
    """The plan of a stack."""
    # here, for activations are looked at there by means of SymPy, which takes longer to load than all of this
    from glutheory.numeric.deep.plan import Own, make_deep_plan

    if variances:
        stack = stack.with_numbers(variances, stack.name)
    standard = parametrization == "standard"
    if width is not None and not standard:
        raise DomainError(f"width is {repr(width)[:60]}, but only the standard parametrisation has one: leave it out.")
    if parametrization not in PARAMETRIZATIONS:
        raise DomainError(f"parametrization is {parametrization!r}: use {' or '.join(map(repr, PARAMETRIZATIONS))}.")
    tokens: tuple[int, ...] = (1, 1)
    if stack.sequences:
        (X, Y), tokens = zip(*(_tokens(name, part) for name, part in (("X", X), ("Y", Y))), strict=True)
    left, right = read_both(X, Y)
    own = Own(standard, int(left.scaled.shape[1]), _width(width) if standard else 1, stack.chosen(trained))
    return make_deep_plan(stack, left, right, own, (tokens[0], tokens[0] if right is left else tokens[1]))


def check_rows(network: Network | Stack) -> None:
    """Refuse a stack whose data are sequences, for those whose data are rows.

    Raises:
        DomainError: it is one.
    """
    if isinstance(network, Stack) and network.sequences:
        raise DomainError(
            f"{network.name!r} has a mean over positions, whose data are sequences and no rows: use glutheory.gram."
        )


def _tokens(name: str, X: Array | None) -> tuple[Array | None, int]:
    """The tokens of sequences as rows, and how many a sequence has."""
    if X is None:
        return None, 1
    shape = tuple(getattr(X, "shape", ()))
    if len(shape) != 3 or 0 in shape[1:]:
        raise DomainError(f"{name} has shape {shape}: a stack with positions needs sequences, (n, positions, d).")
    return X.reshape(shape[0] * shape[1], shape[2]), shape[1]


def _width(width: Any) -> int:
    if width is None:
        raise DomainError("width is None: the standard parametrisation needs the width of the layers, an integer >= 1.")
    found = one_fan_in(width)
    if found > 10**300:
        raise DomainError("width is beyond 1e300: give the width of the layers.")
    return found


def read(
    net: Network,
    X: Array,
    Y: Array | None = None,
    *,
    parametrization: str = "ntk",
    width: int | None = None,
    variances: Mapping[str, Any] | None = None,
    library: bool = False,
) -> tuple[Rows, Rows, Scales]:
    """The arguments of `gram`, read: the rows of X and of Y (the same where that is left out) and the scales.

    With `library` the rows stay arrays of their library, also tensors on the CPU, which numpy reads faster.
    """
    left, right = read_both(X, Y, library=library)
    return left, right, scales(net, int(left.scaled.shape[1]), parametrization, width, variances)


def read_both(X: Array, Y: Array | None, *, library: bool = False) -> tuple[Rows, Rows]:
    """The rows of X and of Y, the same where that is left out; see `read`."""
    X, Y = as_arrays(X, Y)
    library_of(X, Y)
    with np.errstate(all="ignore"):
        left = read_rows("X", X if library else view(X))
        right = left if Y is None else read_rows("Y", Y if library else view(Y))
    if left.scaled.shape[1] != right.scaled.shape[1]:
        raise DomainError(
            f"X has {left.scaled.shape[1]} features and Y has {right.scaled.shape[1]}: give rows of equal length."
        )
    return left, right
