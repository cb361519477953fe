"""Names for the quantities of a recursion, and which of them need none: plain numbers, and S and T that are short."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from functools import lru_cache

import sympy as sp

from glutheory.activations import Activation
from glutheory.ground.normal_form import KAPPA
from glutheory.ground.symmetry import Ray
from glutheory.symbolic.duals import dual
from glutheory.symbolic.gaussian import a, b, c
from glutheory.symbolic.homogeneity import homogeneous
from glutheory.symbolic.kernels import Moments
from glutheory.symbolic.recursion import Call, Follow, Let, Line, Linear, words

_V = sp.Symbol("V", positive=True)


class Names:
    """Fresh names, and the lines that give them their meaning."""

    def __init__(self) -> None:
        self.used: Counter[str] = Counter()

    def name(self, base: str) -> str:
        """The base with a number of its own."""
        self.used[base] += 1
        return f"{base}_{self.used[base]}"

    def symbol(self, base: str, positive: bool = False) -> sp.Symbol:
        """A symbol of a fresh name."""
        return sp.Symbol(self.name(base), positive=True) if positive else sp.Symbol(self.name(base), real=True)

    def moments(self, base: str) -> Moments:
        """Three symbols of one fresh name: at x twice, at x' twice, at x and x'."""
        name = self.name(base)
        return Moments(*(sp.Symbol(f"{name}_{of}", real=True) for of in ("x", "x'", "xx'")))

    def named(self, moments: Moments, lines: list[Line], base: str = "Sigma") -> Moments:
        """The moments, each a number or a name."""
        found = []
        for value, own in zip(moments, ("M", "M", "M") if base == "M" else ("A", "B", base), strict=True):
            if value.is_number or value.is_Symbol:
                found.append(value)
                continue
            known = next((line.symbol for line in lines if isinstance(line, Let) and line.value == value), None)
            if known is None:
                known = self.symbol(own, positive=own in "AB")
                lines.append(Let(known, value))
            found.append(known)
        return Moments(*found)

    def ntk(
        self, terms: Sequence[tuple[sp.Symbol | None, sp.Expr]], own: Sequence[tuple[int, sp.Expr]], lines: list[Line]
    ) -> sp.Symbol | None:
        """The name of a linear form; None for zero."""
        totals: dict[sp.Symbol, sp.Expr] = {}
        for symbol, factor in terms:
            if symbol is not None:
                totals[symbol] = totals.get(symbol, sp.S.Zero) + factor
        if not totals and not own:
            return None
        if not own and len(totals) == 1 and (1 in totals.values()):
            return next(iter(totals))
        made = self.symbol("Theta")
        lines.append(Linear(made, tuple(totals.items()), tuple(own)))
        return made

    def follow(self, sources: tuple[str, ...], how: Callable[..., Ray | None], lines: list[Line]) -> str:
        """The name of what x' is as a multiple of x, by this rule from earlier ones."""
        name = self.name("ray")
        lines.append(Follow(name, sources, how))
        return name

    def dual(self, act: Activation, at: Moments, ray: str | None, lines: list[Line]) -> tuple[sp.Expr, sp.Expr]:
        """S and T at a point: the closed form where it is a polynomial or a plain number, else names."""
        plain = short(act, at, ray == "")
        if plain is not None:
            return plain
        for line in lines:
            if isinstance(line, Call) and (line.activation, line.point, line.ray) == (act, at, ray):
                return line.S, line.T or sp.S.Zero
        word = words([act])[act]
        number = self.name(word).rpartition("_")[2]
        S, T = (sp.Symbol(f"{letter}_{word}_{number}", real=True) for letter in "ST")
        lines.append(Call(S, None if ray in ("", None) else T, act, at, ray))
        return S, T


def short(act: Activation, at: Moments, same: bool) -> tuple[sp.Expr, sp.Expr] | None:
    """S and T at a point where they are short: polynomials; without functions where v = u or c = 0 (T is not asked)."""
    kernels, diagonal, independent = _forms(act)
    point = dict(zip((a, b, c), at, strict=True))
    if kernels is not None:
        return kernels[0].subs(point, simultaneous=True), kernels[1].subs(point, simultaneous=True)
    form = (
        diagonal.subs(_V, at.mixed) if same else independent.subs(point, simultaneous=True) if at.mixed == 0 else sp.nan
    )
    return None if form.has(sp.nan, sp.Function, sp.exp) else (form, sp.S.Zero)


@lru_cache(maxsize=128)
def _forms(act: Activation) -> tuple[tuple[sp.Expr, sp.Expr] | None, sp.Expr, sp.Expr]:
    """S and T where they are polynomials; S(V,V,V) and S(a,b,0) where they scale; NaN where not."""
    own = dual(act)
    if not own.terms or own.s.kernel.has(KAPPA):
        return None, sp.nan, sp.nan
    S, T = own.s.kernel, own.t.kernel
    if all(kernel.is_polynomial(a, b, c) for kernel in (S, T)):
        return (S, T), sp.nan, sp.nan
    degree = homogeneous(act)
    if degree is None:
        return None, sp.nan, sp.nan
    ends = [sp.simplify(S.subs({a: 1, b: 1, c: value}, simultaneous=True)) for value in (1, 0)]
    return None, ends[0] * _V**degree, ends[1] * (sp.sqrt(a) * sp.sqrt(b)) ** degree
