"""A report as Mathematica definitions: exact rationals and named functions, for any precision."""

from __future__ import annotations

import sympy as sp

from glutheory.printing.comments import folded, head, identifier, wrapped
from glutheory.printing.contents import Report
from glutheory.printing.program import KERNELS, MEANINGS, branch_duals, kernel_calls, require_closed
from glutheory.printing.styles import MATHEMATICA
from glutheory.printing.ways import Notation, present
from glutheory.printing.writer import Writer
from glutheory.symbolic.duals import MIXTURE, Dual, split_mixture

_CHECKED = (
    "How this was checked: its text was parsed again by SymPy's parser of Mathematica's language, and the values were "
    "compared with enclosures in ball arithmetic; no Mathematica kernel took part."
)
_CLOSED = (
    "Exact arguments give exact values, to be evaluated with N[..., digits]. With machine numbers digits are lost as "
    "|c| approaches Sqrt[a*b]: give exact or more precise arguments there."
)
_MIXED = (
    "A last argument gives the digits, e.g. @S[1, 1, 1/2, 40]; 16 without it. @SGiven and @TGiven are exact for given "
    "kappa, kappaPrime, which are independent and Kolmogorov distributed: 2*kappa times a standard normal variable is "
    "logistic. @Mean averages by the trapezoidal rule on Log[kappa], whose error falls exponentially; @MeanNIntegrate "
    "leaves it to NIntegrate."
)
_RULE = """
(* The density of the Kolmogorov distribution, by whichever of its two series converges faster. *)
@Density[x_, digits_] := With[{terms = Ceiling[3*Sqrt[digits]/2] + 3},
  If[x > 4/5,
    8*x*Sum[(-1)^(n - 1)*n^2*Exp[-2*n^2*x^2], {n, 1, terms}],
    Sqrt[2*Pi]*Sum[((m*Pi/(2*x^2))^2 - 1/x^2)*Exp[-(m*Pi/x)^2/8], {m, 1, 2*terms - 1, 2}]]]

(* Nodes and weights of the trapezoidal rule on Log[kappa]. *)
@Nodes[digits_] := @Nodes[digits] = With[{t = N[(10*digits/3 + 12)*Log[2], digits + 15]},
  With[{h = 37*Pi/(25*t)},
    Table[{Exp[k*h], h*Exp[k*h]*@Density[Exp[k*h], digits]},
      {k, Floor[Log[Pi/Sqrt[8*t]]/h] - 1, Ceiling[Log[t/2]/(2*h)] + 1}]]]

(* The mean of given[a, b, c, kappa, kappaPrime]. *)
@Mean[given_, a_, b_, c_, digits_] := With[{rule = @Nodes[digits]},
  Sum[rule[[i, 2]]*rule[[j, 2]]*given[a, b, c, rule[[i, 1]], rule[[j, 1]]],
    {i, 1, Length[rule]}, {j, 1, Length[rule]}]]

@MeanNIntegrate[given_, a_, b_, c_, digits_] :=
  NIntegrate[@Density[x, digits]*@Density[y, digits]*given[a, b, c, x, y],
    {x, 0, Infinity}, {y, 0, Infinity}, WorkingPrecision -> digits + 10, PrecisionGoal -> digits]
"""


def package(found: Report) -> str:
    """The text of a file with nameS, nameT, nameNNGP and nameNTK; of each branch's S and T for a product of branches.

    Raises:
        DerivationError: a Hermite series or a symbolic constant.
    """
    require_closed(found, "Mathematica")
    name = camel(identifier(found.network.name))
    duals = branch_duals(found)
    mixed = any(own.method == MIXTURE for _, own in duals)
    definitions = [text for suffix, own in duals for text in _dual(own, camel(suffix), mixed)]
    for kernel, value in kernel_calls(found).items():
        definitions += _defined(kernel.upper(), f"{KERNELS[kernel]}, NTK parametrisation.", _write(value), mixed)
    texts = [*([_RULE.strip()] if mixed else []), *definitions]
    about = [*head(found), _MIXED.replace("@", name) if mixed else _CLOSED, _CHECKED]
    first = "(* " + "\n".join(f"   {line}".rstrip() for line in wrapped(about)).strip() + " *)"
    return "\n\n".join([first, *(text.replace("@", name) for text in texts)]) + "\n"


def camel(name: str) -> str:
    """``leaky_relu`` as ``leakyRelu``, ``_branch1`` as ``Branch1``: Mathematica's names have no underscores."""
    first, *others = name.split("_")
    return first + "".join(word[:1].upper() + word[1:] for word in others)


def _dual(own: Dual, suffix: str, mixed: bool) -> list[str]:
    """The definitions of S and T; where the kernel is a mixture, first for given mixing variables.

    Args:
        own: the dual.
        suffix: of the names.
        mixed: whether S and T take a number of digits.
    """
    notation = present([part for kernel in (own.s.kernel, own.t.kernel) for part in split_mixture(kernel)])
    texts = []
    for i, (letter, meaning) in enumerate(MEANINGS.items()):
        fixed, average = notation.formulas[2 * i : 2 * i + 2]
        name, body = f"{letter}{suffix}", _with(fixed, notation)
        if own.method == MIXTURE:
            given = f"@{name}Given[a_, b_, c_, kappa_, kappaPrime_] := {_with(average, notation)}"
            texts.append("\n".join([f"(* {meaning} for given kappa, kappaPrime. *)", *folded(given, "  ", after=True)]))
            body = f"{body} + @Mean[@{name}Given, a, b, c, digits]"
        texts += _defined(name, f"{meaning}.", body, mixed)
    return texts


def _defined(name: str, meaning: str, body: str, mixed: bool) -> list[str]:
    """The definition of a function of a, b, c, with a number of digits as well where it is a mixture."""
    lines = [f"(* {meaning} *)"]
    if mixed:
        lines.append(f"@{name}[a_, b_, c_] := @{name}[a, b, c, 16]")
        text = f"@{name}[a_, b_, c_, digits_] := N[{body.replace('[a, b, c]', '[a, b, c, digits]')}, digits]"
    else:
        text = f"@{name}[a_, b_, c_] := {body}"
    return ["\n".join([*lines, *folded(text, "  ", after=True)])]


def _with(formula: sp.Expr, notation: Notation) -> str:
    """The formula after its auxiliary quantities."""
    used: set[sp.Basic] = set(formula.free_symbols)
    definitions = [pair for group in notation.groups for pair in group.definitions(used)]
    text = _write(formula)
    for symbol, meaning in reversed(definitions):
        text = f"With[{{{_free_name(symbol.name)} = {_write(meaning)}}}, {text}]"
    return text


def _free_name(name: str) -> str:
    """A, D_1 and kappa' as aa, dd1 and kappaPrime."""
    letters = {"A": "aa", "D": "dd"}
    return (letters.get(name[0], name[0]) + name[1:]).replace("_", "").replace("'", "Prime")


def _write(expr: sp.Expr) -> str:
    """The expression with names that are free in Mathematica, where D, C, E, I, K, N and O are taken."""
    names = {symbol: _free_name(symbol.name) for symbol in expr.free_symbols}
    renamed = expr.xreplace({symbol: sp.Symbol(name, positive=symbol.is_positive) for symbol, name in names.items()})
    return Writer(MATHEMATICA)(renamed)
