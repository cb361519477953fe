"""S and T as a quadrature in the printed program: for activations whose formula would lose digits, or that have none.

E[f(u) g(v)] = E[f(sqrt(a) x) E[g(sqrt(b) (rho x + r y)) | x]] with independent standard normal x, y and r = √(1−ρ²):
Gauss–Legendre panels in both, cut at the places of `glutheory.printing.panels`, in x where a kink of g passes on the
scale r/ρ, and in geometric progression towards branch points. The deltas of φ' at the jumps of φ are taken out first.
The same lines in Python and in C; only φ and φ' and their places are the activation's own. Nothing is printed before
the rule has been held against the derived values (`glutheory.printing.trial`).
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

import numpy as np
import sympy as sp

from glutheory.activations import Z
from glutheory.ground.branch_points import branched
from glutheory.ground.normal_form import ExpQuad
from glutheory.ground.pieces import Pieces
from glutheory.printing import quadrature_c, quadrature_python
from glutheory.printing.comments import folded
from glutheory.printing.panels import Grid, grid
from glutheory.printing.stable import floats
from glutheory.printing.styles import PYTHON, c99_style
from glutheory.printing.writer import Writer
from glutheory.symbolic.duals import HERMITE, Dual

#: Nodes on a panel, its widest in standard deviations, and the innermost beside a branch point: where φ' is like √z,
#: 16 nodes leave 1e-4 of that panel's share of √z, 3e-11 for 1e-7.
NODES, WIDEST, FINEST = 16, 1.5, 1e-7
#: Places beyond which a value takes seconds in Python.
_SLOW = 60
_ACCURACY = (
    "S and T are quadratures of the defining integral: the errors are below 1e-12 of the scale "
    "sqrt(f(a, a, a)*f(b, b, b)), f = S or T, for variances "
    "from 0.01 to 100, at |c| = sqrt(a*b) too, as long as the scale is above 1e-280. %JUMPS%A value takes "
)
_JUMPING = (
    "Where phi jumps, T(a, a, a) is infinite: T's scale is sqrt(T(a, a, |rho|*a)*T(b, b, |rho|*b)), rho = "
    "c/sqrt(a*b), and the value itself at |rho| = 1. "
)


def accuracy(duals: Iterable[Dual]) -> str:
    """What the errors of the programs are like, and how long they take."""
    grids = [grid(own.activation) for own in duals]
    slow = any(len(own.places) > _SLOW for own in grids)
    time = (
        "up to a minute in Python, a second in C: phi changes fast"
        if slow
        else "up to a second in Python, milliseconds in C"
    )
    return f"{_ACCURACY.replace('%JUMPS%', _JUMPING if any(own.jumps for own in grids) else '')}{time}."


def needs_quadrature(own: Dual) -> bool:
    """Whether a program integrates: for a Hermite series, for bivariate distribution functions, and 1 − exp(…)."""
    if own.method == HERMITE or any(part.stable is not None for part in own.s.parts):
        return True
    # a constant beside exponentials, as in sin²: small variances would be differences of numbers near 1
    waves = [term.kernel for term in own.terms if term.power == 0 and isinstance(term.kernel, ExpQuad)]
    return ExpQuad() in waves and any(kernel.alpha.is_imaginary for kernel in waves)


@lru_cache(maxsize=1)
def rule() -> tuple[tuple[float, float], ...]:
    """The nodes of Gauss and Legendre on [−1, 1] with their weights."""
    nodes, weights = np.polynomial.legendre.leggauss(NODES)
    return tuple((float(x), float(w)) for x, w in zip(nodes, weights, strict=True))


def python_helper() -> str:
    """The functions that all activations of a module share; `_root` is needed besides."""
    rows = "\n".join(f"    ({x!r}, {w!r})," for x, w in rule())
    shared = _filled(quadrature_python.SHARED, _numbers()).strip()
    return f"# Gauss-Legendre nodes and weights on [-1, 1]\n_RULE16 = (\n{rows}\n)\n\n\n{shared}"


def _returned(text: str, indent: int) -> list[str]:
    """A return of Python's, in brackets where it takes several lines."""
    one = folded(f"{' ' * indent}return {text}", "")
    return one if len(one) == 1 else folded(f"{' ' * indent}return ({text})", " " * (indent + 4))


def python_functions(own: Dual, suffix: str) -> str:
    """S and T of an activation, their names with this suffix."""
    panels = grid(own.activation)
    found = panels.found
    write = Writer(PYTHON)
    kinks = [repr(kink) for kink in panels.kinks]
    bodies = []
    for branches in (found.branches, found.derivative()):
        lines = []
        for i, branch in enumerate(branches):
            text = _decimal(write(floats(_guarded(branch, found), "Python")))
            lines += [f"    if z < {kinks[i]}:", *_returned(text, 8)] if i < len(kinks) else _returned(text, 4)
        bodies.append("\n".join(lines))
    table = {
        "PLACES": "\n".join(
            line
            for group in (_places(panels), *_marked(panels).values())
            for line in folded(f"    {_tuple(group)},", " " * 5)
        ),
        "JUMPS": _tuple(list(map(repr, panels.jumps)))[1:-1],
        "PHI": bodies[0],
        "SLOPE": bodies[1],
    }
    return _filled(quadrature_python.OWN, table).replace("@", suffix).strip()


def c_helper(duals: Iterable[Dual]) -> str:
    """The functions that all activations of a file share, with room for the places of each; @root is needed besides."""
    columns = {"NODES": [x for x, _ in rule()], "WEIGHTS": [w for _, w in rule()]}
    rows = {name: "\n".join(folded(", ".join(map(repr, own)), " " * 4)) for name, own in columns.items()}
    grids = [grid(own.activation) for own in duals]
    graded = 1 + 2 * len(_progression())
    room = {
        "INNER": str(max(len(own.places) + graded * len(own.branches) + 2 for own in grids)),
        "OUTER": str(
            max(2 * (len(own.places) + graded * len(own.branches)) + 11 * len(own.kinks) + 2 for own in grids)
        ),
    }
    return _filled(quadrature_c.SHARED, {**rows, **room, **_numbers()}).strip()


def c_functions(own: Dual, suffix: str, prefix: str) -> str:
    """S and T of an activation, their names with this suffix; the prefix is written as @."""
    panels = grid(own.activation)
    found = panels.found
    write = Writer(c99_style(prefix))
    kinks = [repr(kink) for kink in panels.kinks]
    bodies = []
    for branches in (found.branches, found.derivative()):
        lines = []
        for i, branch in enumerate(branches):
            text = f"return {write(floats(_guarded(branch, found), 'C'))};"
            inside = (
                [f"    if (z < {kinks[i]}) {{", *folded(f"        {text}", " " * 12), "    }"] if i < len(kinks) else []
            )
            if not branch.has(Z) and not kinks:
                lines.append("    (void)z;")
            lines += inside or folded(f"    {text}", " " * 8)
        bodies.append("\n".join(lines))
    marked = _marked(panels)
    jumps = list(map(repr, panels.jumps))
    tables = "".join(
        f"static const double @{name}$[{len(values)}] = {{{', '.join(values)}}};\n"
        for name, values in {**marked, "jumps": jumps}.items()
        if values
    )
    deltas = "\n        + @delta_pairs(@slope$, &@grid$, @jumps$, a, b, c, root, rho, r)" if jumps else ""
    table = {
        "PLACES": "\n".join(folded(", ".join(_places(panels)), " " * 4)),
        "TABLES": tables,
        "COUNT": str(len(panels.places)),
        "KINKS": str(len(kinks)),
        "BRANCHES": str(len(panels.branches)),
        "POINTERS": ", ".join(f"@{name}$" if values else "0" for name, values in marked.items()),
        "DELTAS": deltas,
        "PHI": bodies[0],
        "SLOPE": bodies[1],
    }
    return _filled(quadrature_c.OWN, table).replace("$", suffix).strip()


def _guarded(branch: sp.Expr, found: Pieces) -> sp.Expr:
    """The branch with |x|^(n/2) for the x^(n/2) of a branch point: at a rounded kink x may be -1e-16."""
    kinks = [kink for kink in found.kinks if branched(branch, kink)]
    if not kinks:
        return branch
    return branch.replace(
        lambda node: node.is_Pow and node.exp.is_Rational and node.exp.q == 2 and node.has(Z),
        lambda node: sp.Pow(sp.Function("fabs", real=True)(node.base), node.exp),
    )


def _places(panels: Grid) -> list[str]:
    """The places as they are written: kinks exactly, for others a few digits do."""
    return [repr(place if place in panels.kinks else float(f"{place:.4g}")) for place in panels.places]


def _marked(panels: Grid) -> dict[str, list[str]]:
    """The kinks as they are written, and those that are branch points."""
    return {"kinks": list(map(repr, panels.kinks)), "branches": list(map(repr, panels.branches))}


def _progression() -> list[float]:
    """The distances of places from a branch point."""
    found = [FINEST]
    while found[-1] * 4 < 96:
        found.append(found[-1] * 4)
    return found


def _numbers() -> dict[str, str]:
    return {"WIDEST": repr(WIDEST), "FINEST": repr(FINEST)}


def _tuple(texts: list[str]) -> str:
    return f"({', '.join(texts)}{',' if len(texts) == 1 else ''})"


def _filled(text: str, table: dict[str, str]) -> str:
    for name, value in table.items():
        text = text.replace(f"%{name}%", value)
    return text


def _decimal(text: str) -> str:
    return f"{text}.0" if text.lstrip("-").isdigit() else text
