"""Gram matrices that autograd differentiates: with respect to the rows and to the variances of the weights.

Wrong: ``glutheory.gram(network, X)``, through which no gradient flows. Right:

>>> import torch
>>> from glutheory.integrations.torch import gram
>>> X = torch.randn(5, 3, dtype=torch.float64, requires_grad=True)
>>> gram("swiglu", X).sum().backward()
>>> X.grad.shape
torch.Size([5, 3])
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from glutheory.activations import Activation
from glutheory.errors import DomainError, MissingDependencyError
from glutheory.layers import Stack
from glutheory.networks import Network
from glutheory.numeric.duals import evaluator
from glutheory.numeric.reading import check_rows

try:
    import torch
except ImportError:
    raise MissingDependencyError.of("this needs", "torch", "torch") from None

from glutheory.integrations.autograd import DiagonalFunction, GramFunction
from glutheory.integrations.batches import members, rank_of, read, result_type
from glutheory.integrations.kernel import Kernel


def gram(
    network: Network | Stack | str,
    X: torch.Tensor,
    Y: torch.Tensor | None = None,
    *,
    kind: str = "ntk",
    parametrization: str = "ntk",
    width: int | None = None,
    variances: Mapping[str, Any] | None = None,
) -> Any:
    """The Gram matrix of a network's kernel, the very values of `glutheory.gram`, with derivatives for autograd.

    The gradient flows to X, to Y and to those variances that are tensors. For one pair its error stays below 5e-12 of
    the larger of the gradient and √(K(x,x) K(y,y))/‖x‖, also for nearly parallel rows. It goes with `torch.func.grad`,
    `vjp`, `jacrev` and `vmap` (one matrix after the other). A gradient cannot be differentiated once more, and there is
    no forward mode; both say so. The memory of the backward pass is proportional to n·m. Of a stack no layer is kept
    for it. Its errors are as small where activations are homogeneous or fed with rows of one variance; others (no
    norms, rows of different norms) are as accurate as their evaluators.

    Where a kernel has no derivative, the mean of its one-sided ones is taken, and never NaN:

    * The NTK of a φ with a kink (relu, leaky_relu, abs) has a cusp where rows are parallel. The diagonal of a symmetric
      matrix (Y left out) is the smooth function x ↦ K(x, x), and differentiated as such; for parallel rows elsewhere
      the part of the gradient at right angles to them is 0.
    * At a zero row, likewise, for all φ that are not smooth at 0; 0 where the kernel itself jumps (step, sign).
    * The NTK of step and sign is infinite for parallel rows. Without Y, whose diagonal is infinite, it is refused if a
      gradient is wanted; elsewhere its infinite entries add nothing to the gradient.

    Args:
        network: a `Network` of any activations, the name of one, or a `Stack`.
        X: shape (…, n, d), or (…, n, positions, d) for a stack with a mean over positions, float64, float32 or
            integers; the dimensions in front are those of a batch.
        Y: shape (…, m, d); left out: X again.
        kind: "ntk", "nngp", or "both" for the pair (NNGP, NTK).
        parametrization: "ntk" or "standard", as in `glutheory.gram`.
        width: the number of hidden units, for "standard".
        variances: of the weights by name, or of the `numbers` of a stack, as in `glutheory.gram`; a tensor has the
            shape of a batch, () for one number. The shapes of all batches are broadcast against each other.

    Returns:
        Shape (…, n, m), on the device of X; float32 if X and Y are, else float64. For "both", a pair.

    Raises:
        DomainError: an argument that does not fit; the message names it, its value and the remedy.
        UnknownNameError: no network of that name.
    """
    kernel, tensors, shape = read(network, X, Y, kind, parametrization, width, variances)
    _refuse_gradient(kernel, X, Y, tensors)
    rank = rank_of(kernel.network)
    sides = X.shape[-rank], (X if Y is None else Y).shape[-rank]
    return _batched(GramFunction, kernel, X, Y, tensors, shape, sides)


def gram_diagonal(
    network: Network | Stack | str,
    X: torch.Tensor,
    Y: torch.Tensor | None = None,
    *,
    kind: str = "ntk",
    parametrization: str = "ntk",
    width: int | None = None,
    variances: Mapping[str, Any] | None = None,
) -> Any:
    """The kernel of row i of X with row i of Y (of X itself, if Y is left out), in a time proportional to the rows.

    Args:
        network: as in `gram`, as are all arguments; Y has as many rows as X.
        X: shape (…, n, d).
        Y: shape (…, n, d).
        kind: "ntk", "nngp", or "both".
        parametrization: "ntk" or "standard".
        width: for "standard".
        variances: of the weights by name.

    Returns:
        Shape (…, n). For "both", a pair.

    Raises:
        DomainError: an argument that does not fit.
        UnknownNameError: no network of that name.
    """
    kernel, tensors, shape = read(network, X, Y, kind, parametrization, width, variances)
    check_rows(kernel.network)
    if Y is not None and Y.shape[-2] != X.shape[-2]:
        raise DomainError(f"X has {X.shape[-2]} rows and Y has {Y.shape[-2]}: give as many of both.")
    _refuse_gradient(kernel, X, Y, tensors)
    return _batched(DiagonalFunction, kernel, X, Y, tensors, shape, (X.shape[-2],))


def _refuse_gradient(
    kernel: Kernel, X: torch.Tensor, Y: torch.Tensor | None, tensors: tuple[torch.Tensor, ...]
) -> None:
    wanted = torch.is_grad_enabled() and any(value.requires_grad for value in (X, *tensors))
    if (
        wanted
        and Y is None
        and "ntk" in kernel.kinds
        and any(evaluator(act).jumps for act in _activations(kernel.network))
    ):
        raise DomainError(
            f"the NTK of {kernel.network.name!r} is infinite on its diagonal and has no gradient: use kind='nngp'."
        )


def _activations(network: Network | Stack) -> tuple[Activation, ...]:
    return network.activations if isinstance(network, Stack) else network.branches


def _batched(
    function: Any,
    kernel: Kernel,
    X: torch.Tensor,
    Y: torch.Tensor | None,
    tensors: tuple[torch.Tensor, ...],
    batch: torch.Size,
    shape: tuple[int, ...],
) -> Any:
    """The function of every member of the batch, in one tensor, or in one for each kind."""
    if not batch:
        return function.apply(kernel, X, Y, *tensors)
    rank = rank_of(kernel.network)
    found = [function.apply(kernel, *member) for member in members(batch, (X, Y), tensors, rank)]
    if kernel.kind == "both":
        return tuple(
            _stacked(list(parts), X, Y, batch, shape) for parts in (zip(*found, strict=True) if found else ((), ()))
        )
    return _stacked(found, X, Y, batch, shape)


def _stacked(
    found: list[torch.Tensor], X: torch.Tensor, Y: torch.Tensor | None, batch: torch.Size, shape: tuple[int, ...]
) -> torch.Tensor:
    if not found:
        return torch.empty(*batch, *shape, dtype=result_type(X, Y), device=X.device)
    return torch.stack(found).reshape(*batch, *shape)
