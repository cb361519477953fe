"""Gram matrices of a network's NNGP and NTK on data, at full floating-point accuracy."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import array_api_compat
import numpy as np

from glutheory.activations import Activation
from glutheory.errors import DomainError, with_article
from glutheory.layers import Stack
from glutheory.networks import Network
from glutheory.numeric import reading
from glutheory.numeric.arrays import Array, Namespace
from glutheory.numeric.compiled import chosen, compiled
from glutheory.numeric.given import as_arrays
from glutheory.numeric.jax_arrays import from_jax, returner
from glutheory.numeric.plan import Plan
from glutheory.numeric.reading import library_of, prepare
from glutheory.numeric.tiles import SIDE, Tile, cores, cover, for_each, positive

if TYPE_CHECKING:
    from glutheory.numeric.deep.plan import DeepPlan

KINDS: dict[str, tuple[str, ...]] = {"nngp": ("nngp",), "ntk": ("ntk",), "both": ("nngp", "ntk")}

#: Rows of a tile where the temporaries are to fill a device.
_DEVICE_SIDE = 2048
_LOOP_SIDE = 384
#: Rows of a tile of a matrix of up to so many rows; of up to so few it is one tile.
_SMALL_SIDE, _LARGE, _ONE_TILE = 128, 1536, 160
#: Up to this many entries threads cost more than they save: a millisecond.
_ONE_THREAD = 1 << 16


def _outputs(
    out: Any, kinds: tuple[str, ...], shape: tuple[int, int], xp: Namespace, X: Array, dtype: Any
) -> list[Any]:
    """The arrays to fill: those given, or new ones."""
    if out is None:
        return [xp.empty(shape, dtype=dtype, device=array_api_compat.device(X)) for _ in kinds]
    given = list(out) if isinstance(out, tuple | list) else [out]
    if len(given) != len(kinds):
        raise DomainError(f"out holds {len(given)} arrays: give {len(kinds)}, in the order {', '.join(kinds)}.")
    for part in given:
        same = array_api_compat.is_numpy_array(part) == array_api_compat.is_numpy_array(X)
        if not same or tuple(part.shape) != shape or part.dtype not in (xp.float32, xp.float64):
            raise DomainError(
                f"out is {with_article(type(part).__name__)} of shape {tuple(getattr(part, 'shape', ()))} and dtype "
                f"{getattr(part, 'dtype', None)}: give a float array of shape {shape} of the library of X."
            )
    return given


def gram(
    network: Network | Activation | Stack | str,
    X: Array,
    Y: Array | None = None,
    *,
    kind: str = "ntk",
    parametrization: str = "ntk",
    width: int | None = None,
    variances: Mapping[str, Any] | None = None,
    trained: str | Iterable[str] | None = None,
    out: Any = None,
    block: int | None = None,
    threads: int | None = None,
    fast: bool | None = None,
) -> Any:
    """The Gram matrix of a network's or a stack's kernel: entry (i, j) is the kernel of rows i of X and j of Y.

    The arithmetic is float64 throughout. Errors stay below 1e-14 √(K(x,x) K(x',x')), also for nearly parallel rows and
    for norms from 1e-150 to 1e150; for float32 results, below 4e-7 of it. Activations that are not of the zoo, nor
    α φ(β z) of one that is, have an evaluator found from their definition: its errors stay below 1e-12 of that scale
    for variances from 1e-6 to 1e4, or there is an error instead of a number; so they do where a stack goes on behind a
    mean over positions. A zero row has φ(0) for its activations. Where φ jumps at 0 (step, sign) the NTK is +∞ at ρ = 1
    and −∞ at ρ = −1. No gradient flows through the result.

    Args:
        network: a `Network` of any activations, the name of one, or a `Stack`, whose kernels are those of the limit of
            infinite width.
        X: data, shape (n, d), or (n, positions, d) for a stack with a mean over positions: float64, float32 or
            integers, of numpy, torch, JAX on the CPU, or another library of the array API standard; or what
            `numpy.asarray` makes such an array of, as a list of rows.
        Y: data of the same kind, shape (m, d). Left out: X again, and half the work.
        kind: "ntk", "nngp", or "both" for the pair (NNGP, NTK) at little more than the cost of one.
        parametrization: "ntk" (unit-variance weights, scales outside) or "standard" (weights with variances).
        width: the number of hidden units; only for "standard", which needs it.
        variances: of the weights by name: "readout" and the network's `roles` ("hidden"; "value" and "gate"; …).
            Left out: LeCun's, 1/d and 1/width, in the standard parametrisation, and 1 in the other. Of a stack those of
            its `numbers` that are to be others than its layers say.
        trained: of a stack, the groups of weights that are trained, by names or patterns (``"block*.gate"``): the NTK
            is theirs alone. Left out: all that the layers do not call frozen.
        out: an array of shape (n, m) to fill, e.g. a ``numpy.memmap``, filled one row of tiles after the other; for
            "both" a pair of them.
        block: rows of a tile; the working memory is about 100·block² bytes per thread, and for the logistic family
            1.3 kB per row (loops: twice), for activations not of the zoo up to 5 kB.
        threads: threads for arrays on the CPU; left out: one per core.
        fast: whether loops that numba compiles are used where there are any: for the zoo on the CPU but for waves and
            stacks. They are as accurate, and differ from the arrays' results in the last digits. The first use on a
            machine takes about ten seconds, the first one of a process 0.4. Left out: where numba is installed, from
            2^25 entries on.

    Returns:
        Shape (n, m), on the device of X; float32 if X and Y are, else float64. For "both", a pair.

    Raises:
        DomainError: an argument that does not fit; the message names it, its value and the remedy.
        MissingDependencyError: `fast` is True, and the extra ``fast`` is not installed.
        UnknownNameError: no network of that name.
    """
    if kind not in KINDS:
        raise DomainError(f"kind is {kind!r}: use {', '.join(map(repr, KINDS))}.")
    kinds = KINDS[kind]
    back = returner(X, Y, out)
    if back is not None:
        X, Y = from_jax("X", X), None if Y is None else from_jax("Y", Y)
    X, Y = as_arrays(X, Y)
    plan = prepare(network, X, Y, parametrization=parametrization, width=width, variances=variances, trained=trained)
    left, xp = plan.left, library_of(X, Y)
    single = X.dtype == xp.float32 and (Y is None or Y.dtype == xp.float32)
    shape = plan.shape
    results = _outputs(out, kinds, shape, xp, X, xp.float32 if single else xp.float64)
    targets = [reading.view(part) for part in results]
    numpy = array_api_compat.is_numpy_namespace(left.xp)
    loop = compiled(plan, kinds, targets) if chosen(fast, math.prod(shape)) else None
    side = positive("block", block, _usual_side(plan, numpy) if loop is None else _loop_side(max(shape)))
    tiles = math.prod(-(-rows // side) for rows in shape)
    usual = 1 if isinstance(plan, Plan) and math.prod(shape) <= _ONE_THREAD else cores()
    workers = max(1, min(positive("threads", threads, usual), tiles)) if numpy else 1

    def work(tile: Tile) -> None:
        rows, columns = tile
        with np.errstate(all="ignore"):
            if loop is not None and loop.tile(rows, columns):
                return
            for result, part in zip(targets, plan.tile(rows, columns, kinds), strict=True):
                result[rows, columns] = part
                if Y is None and rows != columns:
                    result[columns, rows] = part.T

    for_each(cover(*shape, side, Y is None), work, workers)
    if back is not None:
        results = [back(part) for part in results]
    return tuple(results) if kind == "both" else results[0]


def _usual_side(plan: Plan | DeepPlan, numpy: bool) -> int:
    """The rows of a tile where nobody says."""
    longest = max(plan.shape)
    if not numpy:
        usual = _DEVICE_SIDE
    elif not isinstance(plan, Plan):
        # a small matrix still makes enough tiles to share
        usual = min(SIDE, max(64, longest // 8))
    elif longest <= _ONE_TILE or longest > _LARGE:
        usual = SIDE
    else:
        # tiles of one size, of which few straddle the diagonal
        usual = -(-longest // -(-longest // _SMALL_SIDE))
    return usual if isinstance(plan, Plan) else max(1, usual // max(plan.tokens))


def _loop_side(longest: int) -> int:
    """The rows of a tile for a compiled loop, which keeps nothing but its cosines."""
    side = _LOOP_SIDE if longest > _LARGE else SIDE
    return -(-longest // max(1, -(-longest // side)))
