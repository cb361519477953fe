"""Rows for the kernels of GPyTorch, and the arguments of `gram` that say the same."""

from __future__ import annotations

import warnings
from typing import Any

import pytest

torch = pytest.importorskip("torch")
with warnings.catch_warnings():
    # linear_operator compiles a helper with torch.jit.script, which new versions of torch deprecate
    warnings.filterwarnings("ignore", message="`torch.jit.script`", category=DeprecationWarning)
    pytest.importorskip("gpytorch")

    from glutheory.integrations.gpytorch import NTKKernel


DOUBLE = torch.float64


def rows(*shape: int, seed: int = 0, dtype: Any = DOUBLE) -> Any:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def options(kernel: NTKKernel, index: Any = ()) -> dict[str, Any]:
    """What `glutheory.gram` takes for this kernel, or for one of a batch."""
    return {
        "kind": kernel.kind,
        "parametrization": kernel.parametrization,
        "width": kernel.width,
        "variances": {role: value[index].item() for role, value in kernel.variances.items()},
    }
