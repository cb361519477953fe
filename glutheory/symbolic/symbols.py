"""The symbols in which formulas are written: to substitute for, or to write an activation in.

z                            the argument of an activation
a, b, c                      E[u²], E[v²] and E[uv] of the pre-activations at x and x'; a, b > 0
S, T                         the dual activations, which `Derivation.formulas` keeps
g, m                         ⟨x, x'⟩ and the hidden width, in the standard parametrisation
sigma_v, sigma_w, sigma_p    standard deviations of the weights V, W and P, likewise
"""

from __future__ import annotations

import sympy as sp

from glutheory.activations import Z
from glutheory.symbolic.gaussian import a, b, c
from glutheory.symbolic.kernels import g, m, sigma_v

__all__ = ["S", "T", "a", "b", "c", "g", "m", "sigma_p", "sigma_v", "sigma_w", "z"]

z = Z
S, T = sp.symbols("S T", real=True)
sigma_w, sigma_p = sp.symbols("sigma_w sigma_p", positive=True)
