"""An abstract activation with an abstract derivative, so that SymPy's own chain rule differentiates a neuron."""

from __future__ import annotations

from typing import Any

import sympy as sp


def activation_pair(name: str) -> tuple[Any, Any]:
    """The functions φ and φ' called `name` and `name`': ∂φ(h)/∂w is φ'(h)·∂h/∂w."""
    slope = sp.Function(f"{name}'")

    def fdiff(self: Any, argindex: int = 1) -> Any:  # noqa: ARG001 (SymPy's hook)
        return slope(*self.args)

    return type(name, (sp.Function,), {"fdiff": fdiff, "nargs": 1}), slope
