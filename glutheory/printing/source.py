"""A report as a Python module that needs nothing but the standard library's `math`."""

from __future__ import annotations

from typing import Any

import sympy as sp

from glutheory.errors import DerivationError
from glutheory.printing.groups import Group, a, b, c
from glutheory.printing.notation import Notation
from glutheory.printing.report import Report
from glutheory.printing.styles import ASCII, PYTHON
from glutheory.printing.terminal import ascii_text
from glutheory.printing.writer import Writer
from glutheory.symbolic.duals import HERMITE, MIXTURE

_DELTA = sp.Symbol("delta", nonnegative=True)
_KNOWN = (sp.exp, sp.sin, sp.cos, sp.tanh, sp.erf, sp.erfc, sp.log, sp.asin)

_EXP_SINH = '''
def exp_sinh(e, x):
    """exp(e)*sinh(x) without overflow where the product is finite."""
    return math.copysign(0.5 * math.exp(e + abs(x)) * math.expm1(-2.0 * abs(x)), x)


def exp_cosh(e, x):
    """exp(e)*cosh(x) without overflow where the product is finite."""
    return 0.5 * math.exp(e + abs(x)) * (1.0 + math.exp(-2.0 * abs(x)))

'''

# The trapezoidal rule on log κ converges exponentially (`glutheory.symbolic.kolmogorov` proves an error bound for its
# own, finer rule); with 40 nodes the rule's error is below the rounding errors of floats.
_MIXTURE = '''
def _density(x):
    """The Kolmogorov density, by whichever of its two series converges faster."""
    if x > 0.8:
        return 8.0 * x * sum((-1) ** (n - 1) * n * n * math.exp(-2.0 * (n * x) ** 2) for n in range(1, 9))
    return math.sqrt(2.0 * math.pi) * sum(
        ((m * math.pi / (2.0 * x * x)) ** 2 - 1.0 / (x * x)) * math.exp(-((m * math.pi / x) ** 2) / 8.0)
        for m in (1, 3, 5, 7)
    )


def _rule(low=-2.0, high=1.5, count=40):
    """Nodes and weights of the trapezoidal rule on log(kappa)."""
    step = (high - low) / (count - 1)
    nodes = [math.exp(low + i * step) for i in range(count)]
    return [(x, step * x * _density(x)) for x in nodes]


_RULE = _rule()


def _average(kernel, a, b, c):
    """The mean of the kernel over two independent Kolmogorov variables."""
    return math.fsum(w1 * w2 * kernel(a, b, c, k1, k2) for k1, w1 in _RULE for k2, w2 in _RULE)

'''

_MIXTURE_USE = '''def S(a, b, c):
    """E[phi(u) phi(v)]."""
    return _average(_S, a, b, c)


def T(a, b, c):
    """E[phi'(u) phi'(v)] = dS/dc."""
    return _average(_T, a, b, c)


'''


def module(found: Report) -> str:
    """The source text of a module with S, T, nngp and ntk.

    Raises:
        DerivationError: a Hermite series, or functions that `math` lacks.
    """
    if found.method == HERMITE or found.notation is None:
        raise DerivationError(
            f"no Python code for {found.network.name!r}: its S is an infinite Hermite series whose coefficients are "
            "integrals; use the text or JSON format, or `evaluate` for values."
        )
    if len(found.network.branches) > 1 and not found.network.gated:
        raise DerivationError(
            f"no Python code for {found.network.name!r}: a product of branches needs the variances of each; print the "
            "modules of its activations."
        )
    notation, mixed = found.notation, found.method == MIXTURE
    bodies = [_function(name, formula, notation, mixed) for name, formula in zip("ST", notation.formulas, strict=True)]
    helpers = _EXP_SINH if any("exp_sinh(" in body or "exp_cosh(" in body for body in bodies) else ""
    parts = [_head(found) + "\nimport math", helpers, _MIXTURE if mixed else "", *bodies]
    parts += [_MIXTURE_USE if mixed else "", _kernels(found)]
    return "\n\n\n".join(part.strip("\n") for part in parts if part) + "\n"


def _head(found: Report) -> str:
    gate = Writer(ASCII)(found.gate.expr)
    return ascii_text(
        f'"""Kernels of the two-layer network {found.network.name!r}, phi(z) = {gate} ({found.method}).\n\n'
        "a, b > 0 are the variances and c, |c| <= sqrt(a*b), the covariance of the pre-activations u, v at x, x'\n"
        "(of the gate of a gated network). In the NTK parametrisation a = x.x/d, b = x'.x'/d, c = x.x'/d.\n"
        '"""\n'
    )


def _code(expr: sp.Expr) -> str:
    allowed = ("exp_sinh", "exp_cosh")
    if expr.has(sp.I) or any(
        not isinstance(f, _KNOWN) and f.func.__name__ not in allowed for f in expr.atoms(sp.Function)
    ):
        raise DerivationError(
            "no Python code: the closed form contains complex numbers or functions that Python's `math` lacks; use the "
            "text or JSON format, or `evaluate` for values."
        )
    return Writer(PYTHON)(expr)


def _stable(expr: sp.Expr) -> sp.Expr:
    """exp(e)·sinh(x) and exp(e)·cosh(x) as one function each."""
    for kind, name in ((sp.sinh, "exp_sinh"), (sp.cosh, "exp_cosh")):
        joined = sp.Function(name)

        def join(node: sp.Expr, kind: Any = kind, joined: Any = joined) -> sp.Expr:
            exponent = sp.Add(*(f.args[0] for f in node.args if isinstance(f, sp.exp)))
            own = [f for f in node.args if isinstance(f, kind)]
            rest = [f for f in node.args if not isinstance(f, sp.exp) and f is not own[0]]
            return sp.Mul(joined(exponent, own[0].args[0]), *rest)

        expr = expr.replace(lambda node, kind=kind: node.is_Mul and any(isinstance(f, kind) for f in node.args), join)
    return expr


def _function(name: str, formula: sp.Expr, notation: Notation, mixed: bool) -> str:
    meaning = "E[phi(u) phi(v)]" if name == "S" else "E[phi'(u) phi'(v)] = dS/dc"
    signature = f"_{name}(a, b, c, kappa, kappa_prime)" if mixed else f"{name}(a, b, c)"
    lines = [f"def {signature}:", f'    """{meaning}{" for given mixing variables" if mixed else ""}."""']
    used: set[sp.Basic] = set(formula.free_symbols)
    delta = False
    for group in notation.groups:
        if not group.plain and group.arcsine in formula.atoms(sp.asin):
            used |= {group.A}
        own, formula = _group_lines(group, formula, used)
        delta = delta or bool(own)
        lines += own
    if delta:
        comment = "# >= 0; rounding may leave less at |rho| = 1"
        lines.insert(2, f"    delta = max(0.0, a * b - c * c)  {comment}")
    lines.append(f"    return {_code(_stable(formula))}")
    return ascii_text("\n".join(lines).replace("kappa'", "kappa_prime") + "\n")


def _group_lines(group: Group, formula: sp.Expr, used: set[sp.Basic]) -> tuple[list[str], sp.Expr]:
    """The lines that compute a group's quantities, and the formula with its arcsine replaced by a variable."""
    theta = sp.Symbol("theta", real=True)
    angle = sp.Symbol(f"angle{group.A.name[1:]}")
    has_angle = group.arcsine in formula.atoms(sp.asin)
    if not (used & {group.A, group.D} or has_angle or (group.plain and theta in used)):
        return [], formula
    lines = []
    formula = formula.subs(group.arcsine, angle)
    if not group.plain and group.A in formula.free_symbols:
        lines.append(f"    {group.A} = {_code(group.product)}")
    rest = sp.expand(group.product - group.scale * a * b)
    lines.append(f"    {group.D} = {_code(group.scale * _DELTA + rest)}")
    if group.plain and any(node.exp < 0 for node in formula.atoms(sp.Pow) if node.base == group.D):
        lines += [f"    if {group.D} == 0.0:", "        return math.inf  # phi jumps at 0"]
    if has_angle:
        lines.append(f"    {angle} = math.atan2({_code(sp.sqrt(group.scale) * c)}, math.sqrt({group.D}))  # an arcsine")
    if group.plain and theta in used:
        lines.append(f"    theta = math.atan2(math.sqrt({group.D}), c)  # arccos(c/sqrt(a*b))")
    return lines, formula


def _kernels(found: Report) -> str:
    last = found.ntk.kernels.branches[-1]
    calls = {last.S: sp.Symbol("S(a, b, c)"), last.T: sp.Symbol("T(a, b, c)")}
    texts = {}
    for key in ("nngp", "ntk"):
        texts[key] = _code(found.ntk.formulas[key].subs(calls))
    return (
        'def nngp(a, b, c):\n    """The NNGP kernel, NTK parametrisation."""\n'
        f"    return {texts['nngp']}\n\n\n"
        'def ntk(a, b, c):\n    """The neural tangent kernel, NTK parametrisation."""\n'
        f"    return {texts['ntk']}\n"
    )
