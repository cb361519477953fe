"""Finite-width kernels of two-layer networks through their structure: matrix products, never a Jacobian.

With h and b_i as in `features`, one draw of the kernel of a network with m neurons is

    NNGP   σ_v² Σ_r h_r h_r'          (conditional on the hidden weights: the readout is averaged exactly)
    NTK    Σ_r h_r h_r' + (x·x') Σ_i σ_v² Σ_r b_ir b_ir'

whose expectations are the infinite-width kernels, exactly, at every m. The cost is one product X Wᵀ per branch, one
n × m × n product per block (about half of it, by symmetry), and elementwise passes over n × m numbers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal, TypedDict, Unpack, overload

import torch

from glutheory.errors import DomainError
from glutheory.ground.arguments import integer
from glutheory.layers import Stack
from glutheory.networks import Network
from glutheory.sampling.prepared import WORKSPACE, prepare


class _Options(TypedDict, total=False):
    """The keyword arguments whose types do not matter to the result's type."""

    draw: int
    device: str | torch.device
    dtype: torch.dtype
    parametrization: str
    kind: str
    variances: Mapping[str, float] | None
    trained: str | Iterable[str] | None
    workspace: int


@overload
def empirical_ntk(
    network: str | Network | Stack,
    X: Any,
    *,
    width: int,
    seed: int,
    blocks: Literal[False] = ...,
    **options: Unpack[_Options],
) -> torch.Tensor: ...
@overload
def empirical_ntk(
    network: str | Network | Stack, X: Any, *, width: int, seed: int, blocks: Literal[True], **options: Unpack[_Options]
) -> dict[str, torch.Tensor]: ...
def empirical_ntk(
    network: str | Network | Stack,
    X: Any,
    *,
    width: int,
    seed: int,
    draw: int = 0,
    device: str | torch.device = "cpu",
    dtype: torch.dtype = torch.float32,
    parametrization: str = "ntk",
    kind: str = "ntk",
    variances: Mapping[str, float] | None = None,
    trained: str | Iterable[str] | None = None,
    blocks: bool = False,
    workspace: int = WORKSPACE,
) -> torch.Tensor | dict[str, torch.Tensor]:
    """The kernel of one random network of finite width.

    Args:
        network: a `glutheory.Network` or a name of the zoo, such as "swiglu", or a `glutheory.Stack`, whose kernel is
            that of its output, or of the first unit of its last layer if that is no readout.
        X: inputs, shape (n, d), a numpy or torch array of finite real numbers; (n, positions, d) for a stack with a
            mean over positions.
        width: hidden neurons m; of a stack the units of every layer.
        seed: a non-negative integer; with `draw`, it determines the weights (see `weights`).
        draw: which of the seed's draws; draw i is the i-th term of `monte_carlo`.
        device: where to compute, e.g. "cuda"; the weights are drawn on the CPU and are the same everywhere.
        dtype: torch.float32 or torch.float64; both sample the same network.
        parametrization: "ntk" (unit-variance weights, 1/√d and 1/√m in the forward pass) or "standard".
        kind: "ntk", or "nngp": the covariance of the output given the hidden weights (of a stack without readout the
            mean over the units of its last layer).
        variances: of the weights in the standard parametrisation, by name: "readout" (σ_v²; default 1/m) and those
            of ``network.roles`` (σ_w², σ_p²; default 1/d). The layers of a stack have their own.
        trained: names or patterns of the groups of a stack's weights that count, such as "block*.gate"; None for all.
        blocks: return the contributions of the weight matrices, keys "readout" and ``network.roles``; of a stack those
            of its groups of trained weights, biases, gains and shifts, keys ``stack.groups``.
        workspace: bytes of temporary arrays (at least those of 32 neurons), besides X, X Xᵀ and two n × n sums, or one
            per block; it bounds the neurons computed at a time, and changes the result by rounding only. A stack whose
            weights do not fit draws them anew on the way back, and needs its units besides.

    Returns:
        A symmetric tensor of shape (n, n) on `device`; with ``blocks=True`` a dict of such tensors, whose sum it is.

    Raises:
        DomainError: a bad argument; an activation with jumps (kind "ntk"); a kernel that overflows the dtype.
        ExpressionError: an activation that torch cannot compute.
        UnknownNameError: no such network or group of weights.
    """
    seed, draw = integer("seed", seed, 0), integer("draw", draw, 0)
    prepared = prepare(
        network,
        X,
        width=width,
        device=device,
        dtype=dtype,
        parametrization=parametrization,
        kind=kind,
        variances=variances,
        trained=trained,
        workspace=workspace,
    )
    if not blocks:
        return prepared.total(seed, draw)
    if kind != "ntk":
        raise DomainError(f"blocks is True with kind={kind!r}, which has no blocks: leave it out, or give kind='ntk'.")
    return prepared.blocks(seed, draw)
