"""Road 1: closed forms derived from the activation's definition by Price's theorem, and their certified evaluation.

`derivation` gives a network's kernels with their steps and their certificate, `evaluate` their digits. Beyond these the
printing, the spectra, the proofs and the checks use `duals` (S and T of one activation), `kernels` (NNGP and NTK in
terms of them), `hermite` (their series) and `kolmogorov` (the mixture behind the logistic function).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from glutheory.faces import lazy

if TYPE_CHECKING:
    from glutheory.symbolic.derived import Derivation
    from glutheory.symbolic.entrance import derivation, evaluate
    from glutheory.symbolic.stacks import StackDerivation

__all__ = ["Derivation", "StackDerivation", "derivation", "evaluate"]

#: Who asks for two layers does not wait for stacks of them.
__getattr__ = lazy(
    __name__,
    {
        "glutheory.symbolic.derived": ("Derivation",),
        "glutheory.symbolic.entrance": ("derivation", "evaluate"),
        "glutheory.symbolic.stacks": ("StackDerivation",),
    },
)
