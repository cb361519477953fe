"""The symbols in which formulas are written: to substitute for, or to write an activation in.

z                            the argument of an activation
a, b, c                      E[u²], E[v²] and E[uv] of the pre-activations at x and x'; a, b > 0
rho                          c/√(ab), to put in: ``S.subs({a: 1, b: 1, c: rho})`` is S at variance 1
S, T                         the dual activations, which `Derivation.formulas` keeps
g, m                         ⟨x, x'⟩ and the hidden width, in the standard parametrisation
sigma_v, sigma_w, sigma_p    standard deviations of the weights V, W and P, likewise

They carry what is known of them, as that a is positive, so for SymPy the text "a" is another symbol:
``S.subs({"a": 1})`` changes nothing and says nothing. By name it is ``S.subs(named(a=1, b=1, c=0.5))``.
Where |c| = √(ab) a formula with Φ₂ can have 0/0, which SymPy calls nan: `glutheory.evaluate` has the value.
"""

from typing import Any

import sympy as sp

from glutheory.activations import Z as z  # noqa: N811 (the letter in formulas)
from glutheory.errors import UnknownNameError
from glutheory.symbolic.facts import RHO as rho  # noqa: N811 (likewise)
from glutheory.symbolic.gaussian import a, b, c
from glutheory.symbolic.kernels import g, m, sigma_v

__all__ = ["S", "T", "a", "b", "c", "g", "m", "named", "rho", "sigma_p", "sigma_v", "sigma_w", "z"]

S, T = sp.symbols("S T", real=True)
sigma_w, sigma_p = sp.symbols("sigma_w sigma_p", positive=True)


def named(**values: Any) -> dict[sp.Symbol, Any]:
    """What ``subs`` takes, from the names of symbols: ``S.subs(named(a=1, b=1, c=rho))``.

    Raises:
        UnknownNameError: no formula has a symbol of that name; the message has those there are.
    """
    known = {name: value for name in __all__ if isinstance(value := globals()[name], sp.Symbol)}
    for name in values:
        if name not in known:
            raise UnknownNameError(f"no symbol of the formulas is named {name!r}: use {', '.join(sorted(known))}.")
    return {known[name]: value for name, value in values.items()}


def __dir__() -> list[str]:
    return [*__all__]
