"""Arguments of the sampler, checked: each bad one is answered by one sentence with its name, value and remedy.

`fed` is what all that sample, train or run a network do with its checked inputs before the first weights.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from glutheory.errors import DomainError
from glutheory.networks import Network, weights

_DTYPES = (torch.float32, torch.float64)


@dataclass(frozen=True)
class Factors:
    """The factors in front of unit-variance weights, with which every network is sampled.

    Attributes:
        inputs: of w_i·x in the forward pass, per branch: σ_i, or 1/√d in the ntk parametrisation.
        nngp: of the sum Σ_r h_r h_r' over neurons in the NNGP: σ_v², or 1/m.
        ntk: of the blocks of the NTK: readout Σ_r h_r h_r' (1, or 1/m), and per branch (x·x') Σ_r b_r b_r' (σ_v², or
            1/(m d)).
    """

    inputs: tuple[float, ...]
    nngp: float
    ntk: tuple[float, ...]


def fed(network: Network, x: torch.Tensor) -> torch.Tensor:  # noqa: ARG001 (every network of today is fed alike)
    """What the branches' weights are multiplied with, for x of shape (..., d), differentiable: here x itself."""
    return x


def check_inputs(X: Any, device: torch.device, dtype: torch.dtype, *, sequences: bool = False) -> torch.Tensor:
    """X as a tensor of shape (n, d), finite, on the device and in the dtype of the computation.

    Where the inputs are `sequences` its shape is (n, positions, d).
    """
    shape, axes = ("(n, positions, d)", 3) if sequences else ("(n, d)", 2)
    if isinstance(X, torch.Tensor):
        if X.is_meta:
            raise DomainError("X is on torch's device meta, where tensors have no values: give a tensor with values.")
        tensor = X.detach()
    else:
        try:
            array = np.asarray(X)
        except ValueError:
            raise DomainError(f"X is no rectangular array: give numbers of shape {shape}, one input per row.") from None
        if array.dtype.kind not in "biuf":
            raise DomainError(f"X has the dtype {array.dtype}: give a numpy or torch array of real numbers.")
        # torch reads neither long doubles, nor every integer, nor foreign byte orders, nor reversed views
        tensor = torch.tensor(np.ascontiguousarray(array, dtype=np.float64))
    if tensor.is_complex():
        raise DomainError(f"X has the dtype {tensor.dtype}: give a numpy or torch array of real numbers.")
    if tensor.ndim != axes or 0 in tensor.shape:
        least = shape.strip("()")
        raise DomainError(f"X has the shape {tuple(tensor.shape)}: give {shape} with {least} >= 1, one input per row.")
    moved = tensor.to(device=device, dtype=dtype)
    bad = ~torch.isfinite(moved).flatten(1).all(dim=1)
    if bool(bad.any()):
        row = int(bad.nonzero()[0, 0])
        value = tensor[row][~torch.isfinite(moved[row]).to(tensor.device)][0].item()
        raise DomainError(f"X has the value {value} in row {row}, not finite in {dtype}: remove or correct that row.")
    return moved.contiguous()


def check_choice(name: str, value: Any, choices: tuple[str, ...]) -> str:
    """One of the words."""
    if value not in choices:
        raise DomainError(f"{name} is {value!r}: give {' or '.join(map(repr, choices))}.")
    return str(value)


def check_device(device: Any) -> torch.device:
    """A device on which torch can compute here."""
    try:
        found = torch.device(device)
        if found.type != "meta":
            torch.empty(1, device=found)
            return found
    except (RuntimeError, AssertionError, NotImplementedError, TypeError):
        pass
    raise DomainError(f"device is {device!r}, which torch cannot use here: give 'cpu', or 'cuda' where there is a GPU.")


def check_dtype(dtype: Any) -> torch.dtype:
    """A dtype that the sampler computes in."""
    if dtype not in _DTYPES:
        raise DomainError(f"dtype is {dtype!r}: give torch.float32 or torch.float64.")
    return dtype  # type: ignore[no-any-return]


def check_factors(
    network: Network, d: int, m: int, parametrization: str, variances: Mapping[str, Any] | None
) -> Factors:
    """The factors of a parametrisation; `variances` belongs to the standard one (LeCun where a name is missing)."""
    if parametrization == "ntk" and variances is not None:
        raise DomainError(
            f"variances is {variances!r}, but weights have variance 1 in the ntk parametrisation: "
            "leave it out, or give parametrization='standard'."
        )
    found = weights(network, d, parametrization, m, variances)
    branches, readout = len(network.branches), float(found.readout)
    if not found.standard:
        return Factors((d**-0.5,) * branches, 1.0 / m, (1.0 / m, *(1.0 / (m * d),) * branches))
    return Factors(tuple(float(own) ** 0.5 for own in found.branches), readout, (1.0, *(readout,) * branches))
