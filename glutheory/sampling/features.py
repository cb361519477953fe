"""The features whose Gram matrices are a network's kernel: what to compute per input and neuron, symbolically.

One neuron contributes ``v ∏_i φ_i(u_i)`` to the output, u_i = w_i·x. Its gradient is ``h = ∏_i φ_i(u_i)`` in v and
``b_i x`` in w_i, with ``b_i = v φ_i'(u_i) ∏_{j≠i} φ_j(u_j)``. So the NTK is ``Σ h h' + (x·x') Σ_i Σ b_i b_i'`` and
no Jacobian is needed.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import sympy as sp

from glutheory.activations import Z
from glutheory.errors import DomainError
from glutheory.networks import Network
from glutheory.sampling.buffers import TorchProgram
from glutheory.sampling.stable import regular_derivative, stable
from glutheory.sampling.translate import translate


@dataclass(frozen=True)
class Features:
    """A compiled map from pre-activations to features.

    Attributes:
        program: takes u_1 … u_k and the row v; returns h, and for the NTK b_1 … b_k after it.
        blocks: the names of the outputs: "readout", then the network's roles (for the NTK).
    """

    program: TorchProgram
    blocks: tuple[str, ...]


@lru_cache(maxsize=64)
def features(network: Network, kind: str) -> Features:
    """The features of a network's kernel.

    Args:
        network: any product of branches.
        kind: "ntk" or "nngp" (h alone).

    Raises:
        DomainError: a branch has symbolic constants, or jumps (for the NTK).
        ExpressionError: a branch has a function that has no counterpart in torch.
    """
    arguments = tuple(sp.Symbol(f"u{i}", real=True) for i in range(1, len(network.branches) + 1))
    readout = sp.Symbol("v", real=True)
    values, slopes = [], []
    for branch, argument in zip(network.branches, arguments, strict=True):
        if branch.symbols:
            names = ", ".join(str(symbol) for symbol in branch.symbols)
            raise DomainError(f"activation {branch.label} contains the symbol {names}: give it a numeric value.")
        phi = stable(branch.expr)
        values.append(phi.subs(Z, argument))
        if kind == "ntk":
            slopes.append(regular_derivative(branch, phi).subs(Z, argument))
    outputs = [sp.Mul(*values)]
    for i, slope in enumerate(slopes):
        outputs.append(readout * slope * sp.Mul(*values[:i], *values[i + 1 :]))
    blocks = ("readout", *network.roles) if kind == "ntk" else ("readout",)
    return Features(translate(tuple(outputs), arguments, readout), blocks)
