"""Road 1: closed forms derived from the activation's definition by Price's theorem, and their certified evaluation.

`derivation` gives a network's kernels with their steps and their certificate, `evaluate` their digits. Beyond these the
printing, the spectra, the proofs and the checks use `duals` (S and T of one activation), `kernels` (NNGP and NTK in
terms of them), `hermite` (their series) and `kolmogorov` (the mixture behind the logistic function).
"""

from __future__ import annotations

from glutheory.symbolic.derived import Derivation
from glutheory.symbolic.entrance import derivation, evaluate
from glutheory.symbolic.stacks import StackDerivation

__all__ = ["Derivation", "StackDerivation", "derivation", "evaluate"]
