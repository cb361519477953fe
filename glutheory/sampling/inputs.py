"""Arguments of the sampler, checked: each bad one is answered by one sentence with its name, value and remedy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from glutheory.errors import DomainError
from glutheory.networks import Network

_DTYPES = (torch.float32, torch.float64)


@dataclass(frozen=True)
class Scales:
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


def check_inputs(X: Any, device: torch.device, dtype: torch.dtype) -> torch.Tensor:
    """X as a tensor of shape (n, d), finite, on the device and in the dtype of the computation."""
    if isinstance(X, torch.Tensor):
        tensor = X.detach()
    else:
        try:
            array = np.asarray(X)
        except ValueError:
            raise DomainError("X is no rectangular array: give numbers of shape (n, d), one input per row.") from None
        if array.dtype.kind not in "biuf":
            raise DomainError(f"X has the dtype {array.dtype}: give a numpy or torch array of real numbers.")
        # torch reads neither long doubles, nor every integer, nor foreign byte orders, nor reversed views
        tensor = torch.tensor(np.ascontiguousarray(array, dtype=np.float64))
    if tensor.is_complex():
        raise DomainError(f"X has the dtype {tensor.dtype}: give a numpy or torch array of real numbers.")
    if tensor.ndim != 2 or 0 in tensor.shape:
        raise DomainError(f"X has the shape {tuple(tensor.shape)}: give (n, d) with n, d >= 1, one input per row.")
    moved = tensor.to(device=device, dtype=dtype)
    bad = ~torch.isfinite(moved).all(dim=1)
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


def check_scales(
    network: Network, d: int, m: int, parametrization: str, variances: Mapping[str, float] | None
) -> Scales:
    """The scales of a parametrisation; `variances` belongs to the standard one (LeCun where a name is missing)."""
    branches = len(network.branches)
    if check_choice("parametrization", parametrization, ("ntk", "standard")) == "ntk":
        if variances is not None:
            raise DomainError(
                f"variances is {variances!r}, but weights have variance 1 in the ntk parametrisation: "
                "leave it out, or give parametrization='standard'."
            )
        return Scales((d**-0.5,) * branches, 1.0 / m, (1.0 / m, *(1.0 / (m * d),) * branches))
    found = {**dict.fromkeys(network.roles, 1.0 / d), "readout": 1.0 / m}
    if not isinstance(variances, Mapping | None):
        raise DomainError(f"variances is {variances!r}: give a mapping from {', '.join(found)} to positive numbers.")
    for name, value in (variances or {}).items():
        if name not in found:
            raise DomainError(f"variances has the name {name!r}: the weights of {network.name} are {', '.join(found)}.")
        found[name] = _variance(name, value)
    inputs = tuple(found[role] ** 0.5 for role in network.roles)
    return Scales(inputs, found["readout"], (1.0, *(found["readout"],) * branches))


def _variance(name: str, value: Any) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        number = float("nan")
    if not 0 < number < float("inf"):
        raise DomainError(f"variances[{name!r}] is {value!r}: give a positive finite number.")
    return number
