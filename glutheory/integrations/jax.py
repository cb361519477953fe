"""Gram matrices for JAX: arrays in, arrays out, differentiable in reverse mode, under `jax.jit` and `jax.vmap`.

The arithmetic is that of `glutheory.gram`, in float64 on the host, whatever the precision of JAX is set to; where that
is 32 bits, as JAX has it unless ``jax_enable_x64`` is set, rows and results are rounded to it.
"""

from __future__ import annotations

import warnings
from collections import namedtuple
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from glutheory.errors import DomainError, MissingDependencyError
from glutheory.integrations.kernel import Kernel
from glutheory.layers import Stack
from glutheory.networks import Network
from glutheory.networks import network as named_network
from glutheory.numeric import gram as plain_gram
from glutheory.numeric.backward import Wanted
from glutheory.numeric.differentiate import gradient, rates

try:
    import jax
except ImportError:
    raise MissingDependencyError.of("this needs", "jax", "jax") from None

_KINDS = ("nngp", "ntk")
_ONCE = (
    "the kernels of glutheory have no forward mode and no second derivative in JAX: use jax.grad, jax.vjp or "
    "jax.jacrev, once."
)


def gram(
    network: Network | Stack | str,
    X: Any,
    Y: Any = None,
    *,
    kind: str = "ntk",
    parametrization: str = "ntk",
    width: int | None = None,
    variances: Mapping[str, Any] | None = None,
) -> jax.Array:
    """The Gram matrix of a network's kernel as an array of JAX, for `jax.grad`, `jax.vjp`, `jax.jit` and `jax.vmap`.

    The derivatives are those of `glutheory.integrations.torch.gram`, with its accuracy and its conventions at zero rows
    and parallel ones. They are first derivatives in reverse mode: of `jax.grad`, `jax.vjp`, `jax.jacrev`. For
    `jax.jvp`, `jax.jacfwd` and `jax.hessian` there is a NotImplementedError, or JAX's own TypeError if what they are of
    was compiled before.

    Where JAX is tracing (under `jax.jit`, `jax.vmap`) the entries of X are known only when the compiled program runs,
    which can raise nothing but a traceback of JAX's. There the result, or the gradient, of rows that have no kernel is
    NaN in every entry, and a RuntimeWarning says why; with ``jax_debug_nans`` set it is the DomainError after all.

    Args:
        network: a `Network` of any activations, the name of one, or a `Stack`.
        X: shape (n, d), or (n, positions, d) for a stack with a mean over positions.
        Y: shape (m, d); left out: X again.
        kind: "ntk" or "nngp".
        parametrization: "ntk" or "standard", as in `glutheory.gram`.
        width: the number of hidden units, for "standard"; a Python integer.
        variances: of the weights by name, or of the `numbers` of a stack: numbers, or scalars of JAX, with respect to
            which there are derivatives too.

    Returns:
        Shape (n, m), float64, or float32 if X and Y are or JAX has no more.

    Raises:
        DomainError: an argument that does not fit; for entries of X and of variances see above.
        NotImplementedError: forward mode, or a second derivative.
        UnknownNameError: no network of that name.
    """
    net = network if isinstance(network, Stack) else named_network(network)
    if kind not in _KINDS:
        raise DomainError(f"kind is {kind!r}: use 'ntk' or 'nngp'.")
    arrays = tuple(_rows(name, part, net) for name, part in (("X", X), ("Y", Y)) if name == "X" or part is not None)
    given = dict(variances or {})
    roles = tuple(role for role, value in given.items() if isinstance(value, jax.Array))
    fixed = tuple((role, value) for role, value in given.items() if role not in roles)
    kernel = Kernel(net, kind, parametrization, width, fixed, roles)
    try:
        found: jax.Array = _gram(kernel, arrays, tuple(given[role] for role in roles))
    except TypeError as error:  # JAX has no class of its own for this
        if "forward-mode" not in str(error):
            raise
        raise NotImplementedError(_ONCE) from None
    return found


def kernel_fn(network: Network | Stack | str, **options: Any) -> Callable[..., Any]:
    """The kernel as a function of two sets of rows, as `neural_tangents.stax.serial` returns it.

    >>> kernel = kernel_fn("relu")
    >>> kernel(X, None, "ntk").shape, kernel(X, Y, ("nngp", "ntk")).nngp.shape  # doctest: +SKIP

    In the ntk parametrisation ``kernel_fn("relu")`` is the kernel of ``stax.serial(Dense(m), Relu(), Dense(1))``.

    Args:
        network: as for `gram`.
        options: `parametrization`, `width`, `variances`, as for `gram`.

    Returns:
        A function (x1, x2=None, get=None): for one name an array (n, m), for several a named tuple of them; None are
        both, "nngp" and "ntk", where neural-tangents has more in its tuple.

    Raises:
        DomainError: `get` is something else.
        UnknownNameError: no network of that name.
    """
    net = network if isinstance(network, Stack) else named_network(network)

    def kernel(x1: Any, x2: Any = None, get: str | Sequence[str] | None = None) -> Any:
        """The kernel between the rows of x1 and of x2 (of x1, if it is None)."""
        names = _KINDS if get is None else get
        if isinstance(names, str) and names in _KINDS:
            return gram(net, x1, x2, kind=names, **options)
        if not isinstance(names, list | tuple) or not names or any(name not in _KINDS for name in names):
            raise DomainError(f"get is {get!r}: use 'nngp', 'ntk', a tuple of these, or None for both.")
        found = {name: gram(net, x1, x2, kind=name, **options) for name in names}
        return namedtuple("Kernels", found)(**found)

    return kernel


def _rows(name: str, value: Any, network: Network | Stack) -> jax.Array:
    """Of floating-point numbers."""
    try:
        array = jax.numpy.asarray(value)
    except (TypeError, ValueError):
        raise DomainError(
            f"{name} is of type {type(value).__name__}: give an array of JAX, (rows, features)."
        ) from None
    sequences = isinstance(network, Stack) and network.sequences
    if array.ndim != 2 + sequences:
        what = "sequences, of shape (n, positions, d)" if sequences else "rows, of shape (rows, features)"
        raise DomainError(f"{name} has shape {array.shape}: give {what}; see jax.vmap.")
    if jax.numpy.issubdtype(array.dtype, jax.numpy.complexfloating) or array.dtype == bool:
        raise DomainError(f"{name} has the dtype {array.dtype}: give real numbers.")
    if array.dtype not in (np.float32, np.float64):
        return array.astype(jax.dtypes.canonicalize_dtype(np.float64))
    return array


@partial(jax.custom_vjp, nondiff_argnums=(0,))
def _gram(kernel: Kernel, arrays: tuple[jax.Array, ...], values: tuple[jax.Array, ...]) -> jax.Array:
    shape = arrays[0].shape[0], arrays[-1].shape[0]
    result = _like(shape, jax.numpy.result_type(*arrays))
    found: jax.Array = _called(partial(_matrix, kernel), result, arrays, values)
    return found


def _forward(kernel: Kernel, arrays: tuple[jax.Array, ...], values: tuple[jax.Array, ...]) -> tuple[Any, Any]:
    return _gram(kernel, arrays, values), (arrays, values)


def _backward(kernel: Kernel, saved: Any, weights: jax.Array) -> Any:
    return _slopes(kernel, *saved, weights)


_gram.defvjp(_forward, _backward)


@partial(jax.custom_vjp, nondiff_argnums=(0,))
def _slopes(kernel: Kernel, arrays: tuple[jax.Array, ...], values: tuple[jax.Array, ...], weights: jax.Array) -> Any:
    # a scalar that was given as a Python float has neither shape nor dtype
    like = jax.tree.map(lambda part: _like(jax.numpy.shape(part), jax.numpy.result_type(part)), (arrays, values))
    return _called(partial(_gradient, kernel), like, arrays, values, weights)


def _refused(*_: Any) -> Any:
    raise NotImplementedError(_ONCE)


_slopes.defvjp(_refused, _refused)


def _like(shape: tuple[int, ...], dtype: Any) -> Any:
    return jax.ShapeDtypeStruct(shape, dtype)  # type: ignore[no-untyped-call]


def _called(function: Callable[..., Any], result: Any, *arguments: Any) -> Any:
    """The function of arrays of numpy: now if they are known, by a callback where JAX is tracing."""
    if any(isinstance(part, jax.core.Tracer) for part in jax.tree.leaves(arguments)):
        return jax.pure_callback(partial(_warned, function, result), result, *arguments, vmap_method="sequential")
    return jax.tree.map(jax.numpy.asarray, function(*arguments))


def _warned(function: Callable[..., Any], result: Any, *arguments: Any) -> Any:
    """The function's value; NaN and a warning for an error: what a callback raises would reach users as a traceback."""
    try:
        return function(*arguments)
    except DomainError as error:
        warnings.warn(f"{error} What JAX has compiled goes on with NaN.", RuntimeWarning, stacklevel=2)
        return jax.tree.map(lambda part: np.full(part.shape, np.nan, part.dtype), result)


def _matrix(kernel: Kernel, arrays: tuple[Any, ...], values: tuple[Any, ...]) -> np.ndarray:
    rows = [np.asarray(part) for part in arrays]
    found: np.ndarray = plain_gram(kernel.network, *rows, kind=kernel.kind, **kernel.options(values))
    return found


def _gradient(kernel: Kernel, arrays: tuple[Any, ...], values: tuple[Any, ...], weights: Any) -> Any:
    rows = [np.asarray(part) for part in arrays]
    parts = {kernel.kind: np.asarray(weights, dtype=float)}
    wanted = Wanted(True, len(rows) == 2, bool(values))
    X, Y = rows[0], rows[1] if len(rows) == 2 else None
    options = kernel.options(values)
    found = gradient(kernel.network, X, Y, parts, wanted, numbers=kernel.roles, **options)
    sides = tuple(np.asarray(part, dtype=own.dtype) for part, own in zip((found.left, found.right), rows, strict=False))
    shares: tuple[np.ndarray, ...] = ()
    if values:
        slopes = rates(kernel.network, kernel.parametrization, found, kernel.roles)
        own = [(slopes[role] / float(value), value) for role, value in zip(kernel.roles, values, strict=True)]
        shares = tuple(np.asarray(share, dtype=value.dtype) for share, value in own)
    return sides, shares
