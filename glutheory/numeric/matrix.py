"""Gram matrices of a network's NNGP and NTK on data, and their diagonals, at full floating-point accuracy."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace
from numbers import Integral
from typing import TYPE_CHECKING, Any

import array_api_compat
import numpy as np

from glutheory.activations import Activation
from glutheory.errors import DomainError, with_article
from glutheory.ground.arguments import integer
from glutheory.layers import Stack
from glutheory.layers.records import Layer, Repeat
from glutheory.networks import PARAMETRIZATIONS, Network
from glutheory.networks import network as named_network
from glutheory.numeric.arrays import Array, Namespace, namespace
from glutheory.numeric.compiled import chosen, compiled
from glutheory.numeric.given import as_arrays
from glutheory.numeric.jax_arrays import from_jax, returner
from glutheory.numeric.plan import Plan, make_plan
from glutheory.numeric.rows import Rows, read_rows
from glutheory.numeric.tiles import Tile, cores, cover, for_each
from glutheory.numeric.weights import Scales, scales

if TYPE_CHECKING:
    from glutheory.numeric.deep.plan import DeepPlan

KINDS: dict[str, tuple[str, ...]] = {"nngp": ("nngp",), "ntk": ("ntk",), "both": ("nngp", "ntk")}

#: Rows of the diagonal at a time, for the cache.
_DIAGONAL = 4096
#: Rows of a tile: on a CPU the temporaries stay in the cache of a core, elsewhere they fill the device.
_SIDE, _DEVICE_SIDE = 192, 2048
_LOOP_SIDE = 384
#: Rows of a tile of a matrix of up to so many rows; of up to so few it is one tile.
_SMALL_SIDE, _LARGE, _ONE_TILE = 128, 1536, 160
#: Up to this many entries threads cost more than they save: a millisecond.
_ONE_THREAD = 1 << 16


def _namespace(X: Any, Y: Any) -> Namespace:
    try:
        xp = namespace(X, Y)
    except TypeError:
        raise DomainError("X and Y are of different libraries: give two numpy arrays or two torch tensors.") from None
    if Y is not None and array_api_compat.device(X) != array_api_compat.device(Y):
        raise DomainError(
            f"X is on {array_api_compat.device(X)} and Y on {array_api_compat.device(Y)}: move them to one device."
        )
    return xp


def _view(array: Any) -> Any:
    """The array itself; of a torch tensor on the CPU the numpy array that shares its memory.

    Small tiles in our threads are several times faster than torch's own threads on large ones.
    """
    if not array_api_compat.is_torch_array(array) or str(array_api_compat.device(array)) != "cpu":
        return array
    try:
        return array.detach().numpy()
    except TypeError:  # bfloat16 and the like, which `read_rows` refuses
        return array


def _positive(name: str, value: Any, default: int) -> int:
    if value is None:
        return default
    if isinstance(value, bool) or not isinstance(value, Integral) or value < 1:
        raise DomainError(f"{name} is {value!r}: give a positive integer, or None for the default.")
    return int(value)


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


def grams_by_depth(
    stack: Stack, X: Array, depths: Collection[int], *, threads: int | None = None
) -> dict[int, tuple[Array, Array]]:
    """NNGP and NTK of a stack on the rows of X for several numbers of repetitions of its one repeated block.

    As `gram` for each of them, at the cost of the deepest one. In the ntk parametrisation, all weights trained.

    Args:
        stack: with one `repeat` among its layers and no mean over positions; its own number of repetitions is not used.
        X: shape (n, d), as for `gram`.
        depths: numbers of repetitions, positive integers.
        threads: as for `gram`.

    Returns:
        For each depth, ascending, the pair of (n, n) matrices in float64.

    Raises:
        DomainError: no such stack, or as `gram`.
    """
    from glutheory.numeric.deep.plan import Own, make_deep_plan  # see `_deep`

    wanted = sorted({integer("depths", depth, 1) for depth in depths})
    if not wanted or stack.sequences:
        raise DomainError(f"depths is {list(depths)!r}: give positive integers, for a stack without positions.")
    left, _ = read_both(X, None)
    deepest = replace(stack, layers=_repeated(stack.layers, wanted[-1]))
    own = Own(False, int(left.scaled.shape[1]), 1, deepest.chosen(None))
    plan = make_deep_plan(deepest, left, left, own, depths=wanted)
    n, xp = left.count, left.xp
    found = {depth: (xp.empty((n, n), dtype=xp.float64), xp.empty((n, n), dtype=xp.float64)) for depth in wanted}

    def work(tile: Tile) -> None:
        rows, columns = tile
        with np.errstate(all="ignore"):
            for depth, parts in plan.by_depth(rows, columns, wanted):
                for result, part in zip(found[depth], parts, strict=True):
                    result[rows, columns] = part
                    # rounding is that of one triangle
                    result[columns, rows] = part.T if rows != columns else xp.triu(part) + xp.triu(part, k=1).T

    side = min(_SIDE, max(64, n // 8))
    for_each(cover(n, n, side, True), work, max(1, _positive("threads", threads, cores())))
    return found


def _repeated(layers: tuple[Layer, ...], times: int) -> tuple[Layer, ...]:
    return tuple(replace(layer, times=times) if isinstance(layer, Repeat) else layer for layer in layers)


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
    found = integer("width", width, 1)
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
    _namespace(X, Y)
    with np.errstate(all="ignore"):
        left = read_rows("X", X if library else _view(X))
        right = left if Y is None else read_rows("Y", Y if library else _view(Y))
    if left.scaled.shape[1] != right.scaled.shape[1]:
        raise DomainError(
            f"X has {left.scaled.shape[1]} features and Y has {right.scaled.shape[1]}: give rows of equal length."
        )
    return left, right


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
    left, xp = plan.left, _namespace(X, Y)
    single = X.dtype == xp.float32 and (Y is None or Y.dtype == xp.float32)
    shape = plan.shape
    results = _outputs(out, kinds, shape, xp, X, xp.float32 if single else xp.float64)
    targets = [_view(part) for part in results]
    numpy = array_api_compat.is_numpy_namespace(left.xp)
    loop = compiled(plan, kinds, targets) if chosen(fast, math.prod(shape)) else None
    side = _positive("block", block, _usual_side(plan, numpy) if loop is None else _loop_side(max(shape)))
    tiles = math.prod(-(-rows // side) for rows in shape)
    usual = 1 if isinstance(plan, Plan) and math.prod(shape) <= _ONE_THREAD else cores()
    workers = max(1, min(_positive("threads", threads, usual), tiles)) if numpy else 1

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
        usual = min(_SIDE, max(64, longest // 8))
    elif longest <= _ONE_TILE or longest > _LARGE:
        usual = _SIDE
    else:
        # tiles of one size, of which few straddle the diagonal
        usual = -(-longest // -(-longest // _SMALL_SIDE))
    return usual if isinstance(plan, Plan) else max(1, usual // max(plan.tokens))


def _loop_side(longest: int) -> int:
    """The rows of a tile for a compiled loop, which keeps nothing but its cosines."""
    side = _LOOP_SIDE if longest > _LARGE else _SIDE
    return -(-longest // max(1, -(-longest // side)))


def diagonal(plan: Plan | DeepPlan, kind: str) -> Array:
    """The entries K(x_i, x_i), shape (n,), of the plan of a symmetric matrix; `kind` is "ntk" or "nngp".

    A row is at the angle 0 to itself, exactly; a zero row counts as at right angles to all, as everywhere.
    """
    return _in_pieces(plan, lambda some: plan.diagonal(some, kind))


def paired_rows(plan: DeepPlan, kind: str) -> Array:
    """The entries K(x_i, y_i), shape (n,), of a plan without positions that has as many rows on both sides."""
    return _in_pieces(plan, lambda some: plan.paired(some, kind))


def _in_pieces(plan: Plan | DeepPlan, function: Callable[[slice], Array]) -> Array:
    count = plan.shape[0]
    starts = range(0, count, _DIAGONAL)
    with np.errstate(all="ignore"):
        pieces = [function(slice(start, min(start + _DIAGONAL, count))) for start in starts]
    return plan.left.xp.concat(pieces) if pieces else plan.left.norm
