"""Kernel matrices that are never formed: products with them, and the gradients of these, in strips of rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from glutheory.errors import MissingDependencyError

try:
    import torch
    from linear_operator.operators import KernelLinearOperator
except ImportError:
    raise MissingDependencyError.of("this needs", "gpytorch", "gpytorch") from None

from glutheory.integrations.autograd import differentiate
from glutheory.integrations.batches import members
from glutheory.integrations.kernel import Kernel
from glutheory.integrations.torch import gram, gram_diagonal
from glutheory.numeric import gram as plain_gram


class ProductFunction(torch.autograd.Function):
    """K(X, Y) V, of matrices of shapes (n, d), (m, d) and (m, c); each strip of K is recomputed for the gradient."""

    @staticmethod
    def forward(kernel: Kernel, strip: int, X: Any, Y: Any, V: Any, *values: torch.Tensor) -> torch.Tensor:
        """The product."""
        return torch.cat([_matrix(kernel, rows, Y, V, values) @ V for rows in X.split(strip)])

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:  # noqa: ARG004 (torch's signature)
        """Keep the inputs, and no matrix."""
        kernel, strip, *tensors = inputs
        ctx.kernel, ctx.strip = kernel, strip
        ctx.save_for_backward(*tensors)

    @staticmethod
    def backward(ctx: Any, G: Any) -> Any:
        """The gradient of Σ G (K V) is that of Σ (G Vᵀ) K, and in V it is Kᵀ G."""
        kernel: Kernel = ctx.kernel
        X, Y, V, *values = ctx.saved_tensors
        _, _, left, right, product, *asked = ctx.needs_input_grad
        needs = (left, right, *asked)
        own, others, of_V = [], [], torch.zeros_like(V)
        with torch.no_grad():
            for rows, g in zip(X.split(ctx.strip), G.split(ctx.strip), strict=True):
                if product:
                    of_V += _matrix(kernel, rows, Y, V, values).T @ g
                first, *rest = differentiate(kernel, (rows, Y, *values), {kernel.kind: g @ V.T}, needs)
                own.append(first)
                others.append(rest)
        of_Y, *of_values = (None if parts[0] is None else sum(parts) for parts in zip(*others, strict=True))
        gradients = (torch.cat(own) if left else None, of_Y, of_V if product else None, *of_values)
        return None, None, *_final(gradients, (*ctx.saved_tensors, G))


class _Last(torch.autograd.Function):
    """A gradient that says so when it is to be differentiated once more, and is not taken for a constant."""

    @staticmethod
    def forward(ctx: Any, gradient: torch.Tensor, *inputs: torch.Tensor) -> torch.Tensor:  # noqa: ARG004
        return gradient.view_as(gradient)

    @staticmethod
    def backward(ctx: Any, *weights: torch.Tensor) -> Any:
        raise NotImplementedError(
            "the kernels of glutheory have no second derivative: do not differentiate a gradient."
        )


def _final(gradients: Sequence[Any], inputs: Sequence[Any]) -> list[Any]:
    """The gradients, with a node behind them that refuses a second derivative, if a graph of them is being made."""
    if not torch.is_grad_enabled():
        return list(gradients)
    last: Any = _Last
    tensors = [tensor for tensor in inputs if tensor is not None]
    return [None if part is None else last.apply(part, *tensors) for part in gradients]


def _matrix(kernel: Kernel, X: Any, Y: Any, V: torch.Tensor, values: Any) -> torch.Tensor:
    found: torch.Tensor = plain_gram(kernel.network, X, Y, kind=kernel.kind, **kernel.options(tuple(values)))
    return found.to(V.dtype)


def _covariance(x1: torch.Tensor, x2: torch.Tensor, *, kernel: Kernel, strip: int, **variances: torch.Tensor) -> Any:  # noqa: ARG001
    return gram(kernel.network, x1, x2, variances=variances, **_settings(kernel))


def _settings(kernel: Kernel) -> dict[str, Any]:
    return {"kind": kernel.kind, "parametrization": kernel.parametrization, "width": kernel.width}


class GramLinearOperator(KernelLinearOperator):
    """A kernel matrix of which no more than `strip` rows exist at a time, for the iterative methods of GPyTorch.

    Its parameters are rows, shapes (…, n, d) and (…, m, d), and a variance for each role; the gradients of products,
    solves and log-determinants flow to them. `to_dense` does form it.
    """

    def _matmul(self, rhs: torch.Tensor) -> torch.Tensor:
        kernel, strip = self.nontensor_params["kernel"], self.nontensor_params["strip"]
        right = rhs if rhs.ndim > 1 else rhs[:, None]
        batch = np.broadcast_shapes(tuple(self.batch_shape), tuple(right.shape[:-2]))
        values = [self.tensor_params[role] for role in kernel.roles]
        product: Any = ProductFunction
        parts = [product.apply(kernel, strip, *member) for member in members(batch, (self.x1, self.x2, right), values)]
        found = torch.stack(parts).reshape(*batch, self.shape[-2], right.shape[-1])
        return found if rhs.ndim > 1 else found[..., 0]

    def _diagonal(self) -> torch.Tensor:
        kernel = self.nontensor_params["kernel"]
        same = self.x1 is self.x2
        found: torch.Tensor = gram_diagonal(
            kernel.network, self.x1, None if same else self.x2, variances=self.tensor_params, **_settings(kernel)
        )
        return found

    def to_dense(self) -> torch.Tensor:
        """The whole matrix, at once."""
        found: torch.Tensor = self.covar_mat
        return found


def lazy_gram(kernel: Kernel, strip: int, x1: torch.Tensor, x2: torch.Tensor, variances: Any) -> GramLinearOperator:
    """The operator of a kernel all of whose variances are tensors, of the shape of a batch each."""
    return GramLinearOperator(
        x1,
        x2,
        covar_func=_covariance,
        num_nonbatch_dimensions=dict.fromkeys(kernel.roles, 0),
        kernel=kernel,
        strip=strip,
        **variances,
    )
