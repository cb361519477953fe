"""How symbols and functions are written: one record each for Unicode, ASCII, LaTeX, Python, C99 and Mathematica."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

_GREEK = (
    "alpha",
    "beta",
    "gamma",
    "delta",
    "kappa",
    "lambda",
    "mu",
    "phi",
    "rho",
    "sigma",
    "tau",
    "theta",
    "Sigma",
    "Theta",
)
_LETTERS = dict(zip(_GREEK, "αβγδκλμφρστθΣΘ", strict=True))
#: The names of a definition's long numbers, of which there are seldom more.
_CONSTANTS = {f"k_{i}": f"k{digit}" for i, digit in enumerate("₁₂₃₄₅₆₇₈₉", start=1)}
_SUPERSCRIPTS = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
_MATH_NAMES = {"arcsin": "asin", "arccos": "acos", "arctan": "atan"}
_MATH_FUNCTIONS = (
    "exp",
    "sin",
    "cos",
    "sinh",
    "cosh",
    "tanh",
    "erf",
    "erfc",
    "log",
    "asin",
    "acos",
    "atan",
    "atan2",
    "fabs",
)
_PYTHON_OWN = {"Φ": "_Phi", "root": "_root", "exp_sinh": "_exp_sinh", "exp_cosh": "_exp_cosh"}
_MATHEMATICA_NAMES = {"arcsin": "ArcSin", "arccos": "ArcCos", "arctan": "ArcTan"}


@dataclass(frozen=True)
class Style:
    """One way of writing formulas.

    Attributes:
        letters: the spelling of Greek letters, and of indexed names that are not written with `subscript`.
        minus, times, infinity, pi, inner: − · ∞ π and the inner product ⟨x,x'⟩.
        fraction, root, power, call: layout of the four constructions, from the strings of their parts.
        brackets: the parentheses around a sum.
        subscript: the layout of an index.
        number: how a whole number is written.
        comma: what separates the arguments of S and T.
        e, i: Euler's number and the imaginary unit.
    """

    letters: Mapping[str, str]
    minus: str
    times: str
    infinity: str
    pi: str
    inner: str
    fraction: Callable[[str, str], str]
    root: Callable[[str], str]
    power: Callable[[str, str], str]
    call: Callable[[str, str], str]
    brackets: tuple[str, str]
    subscript: Callable[[str], str]
    number: Callable[[str], str] = str
    comma: str = ","
    e: str = "e"
    i: str = "i"

    @property
    def latex(self) -> bool:
        """Whether fractions and roots bracket their own arguments."""
        return self.brackets[0] != "("


def _inline_root(sign: str) -> Callable[[str], str]:
    return lambda body: f"{sign}{body}" if len(body) == 1 else f"{sign}({body})"


def _inline_power(base: str, exponent: str) -> str:
    if exponent.isdigit():
        return base + exponent.translate(_SUPERSCRIPTS)
    return f"{base}^{exponent}" if len(exponent) == 1 else f"{base}^({exponent})"


def _latex_power(base: str, exponent: str) -> str:
    plain = re.sub(r"\\frac\{(\d+)\}\{(\d+)\}", r"\1/\2", exponent)
    return f"{{{base}}}^{{{plain}}}" if "^" in base else f"{base}^{{{plain}}}"


def _latex_call(name: str, argument: str) -> str:
    commands = {
        "arcsin": r"\arcsin",
        "arccos": r"\arccos",
        "arctan": r"\arctan",
        "sin": r"\sin",
        "cos": r"\cos",
        "sinh": r"\sinh",
        "cosh": r"\cosh",
        "tanh": r"\tanh",
        "log": r"\log",
        "max": r"\max",
        "min": r"\min",
        "Φ": r"\Phi",
        "δ": r"\delta",
    }
    if name == "exp":
        return f"e^{{{argument}}}"
    command = commands.get(name) or (
        name if len(name) == 1 or "\\" in name or "_" in name else rf"\operatorname{{{name}}}"
    )
    return rf"{command}\left({argument}\right)"


UNICODE = Style(
    letters=_LETTERS | _CONSTANTS,
    minus="−",
    times="·",
    infinity="∞",
    pi="π",
    inner="⟨x,x'⟩",
    fraction=lambda top, bottom: f"{top}/{bottom}",
    root=_inline_root("√"),
    power=_inline_power,
    call=lambda name, argument: f"{name}({argument})",
    brackets=("(", ")"),
    subscript=lambda index: f"_{index}",
)


ASCII = Style(
    letters={name: name for name in _GREEK},
    minus="-",
    times="*",
    infinity="inf",
    pi="pi",
    inner="<x,x'>",
    fraction=lambda top, bottom: f"{top}/{bottom}",
    root=lambda body: f"sqrt({body})",
    power=lambda base, exponent: (
        f"{base}^{exponent}" if exponent.isdigit() or len(exponent) == 1 else f"{base}^({exponent})"
    ),
    call=lambda name, argument: f"{ {'Φ': 'Phi', 'Φ₂': 'Phi2', 'δ': 'delta'}.get(name, name) }({argument})",
    brackets=("(", ")"),
    subscript=lambda index: f"_{index}",
)


LATEX = Style(
    letters={name: rf"\{'varphi' if name == 'phi' else name}" for name in _GREEK},
    minus="-",
    times=" ",
    infinity=r"\infty",
    pi=r"\pi",
    inner=r"\langle x,x'\rangle",
    fraction=lambda top, bottom: rf"\frac{{{top}}}{{{bottom}}}",
    root=lambda body: rf"\sqrt{{{body}}}",
    power=_latex_power,
    call=_latex_call,
    brackets=(r"\left(", r"\right)"),
    subscript=lambda index: f"_{{{index}}}" if len(index) == 1 else r"_{\mathrm{" + index.replace("_", r"\_") + "}}",
)


def _python_call(name: str, argument: str) -> str:
    name = _MATH_NAMES.get(name, name)
    if name.startswith("mean_"):
        return f"_mean(_{name.removeprefix('mean_')}_given, {argument})"
    return f"{'math.' + name if name in _MATH_FUNCTIONS else _PYTHON_OWN.get(name, name)}({argument})"


PYTHON = replace(
    ASCII,
    times=" * ",
    infinity="math.inf",
    pi="math.pi",
    inner="g",
    fraction=lambda top, bottom: f"{top} / {bottom}",
    root=lambda body: f"math.sqrt({body})",
    power=lambda base, exponent: f"{base}**{exponent}" if exponent.isdigit() else f"{base} ** ({exponent})",
    call=_python_call,
    brackets=("(", ")"),
    subscript=lambda index: f"_{index}",
    comma=", ",
    e="math.e",
)


def c99_style(prefix: str) -> Style:
    """How formulas are written in C, where the module's own functions carry this prefix."""

    def call(name: str, argument: str) -> str:
        name = _MATH_NAMES.get(name, name)
        if name.startswith("mean_"):
            return f"{prefix}mean({prefix}{name.removeprefix('mean_')}_given, {argument})"
        return f"{name if name in _MATH_FUNCTIONS else prefix + {'Φ': 'Phi'}.get(name, name)}({argument})"

    def power(base: str, exponent: str) -> str:
        if exponent in ("2.0", "3.0") and base.isidentifier():
            return f"({' * '.join([base] * int(exponent[0]))})"
        return f"pow({base[1:-1] if base[0] == '(' else base}, {exponent})"

    return replace(
        PYTHON,
        infinity="INFINITY",
        pi="GLUTHEORY_PI",
        root=lambda body: f"sqrt({body})",
        power=power,
        call=call,
        number=lambda digits: f"{digits}.0",
        e="exp(1.0)",
    )


def _mathematica_call(name: str, argument: str) -> str:
    if name == "Φ":
        return f"(Erfc[-({argument})/Sqrt[2]]/2)"
    if name == "Φ₂":
        numbers, correlation = argument.split("; ")
        return f"CDF[BinormalDistribution[{correlation}], {{{numbers}}}]"
    if name[0] in "ST" or name in _MATH_FUNCTIONS:
        own = "".join(word[:1].upper() + word[1:] for word in name.split("_"))
        name = f"@{own}" if name[0] in "ST" else own
    name = _MATHEMATICA_NAMES.get(name, name)
    return f"{name}[{argument}]"


MATHEMATICA = replace(
    PYTHON,
    times="*",
    infinity="Infinity",
    pi="Pi",
    fraction=lambda top, bottom: f"{top}/{bottom}",
    root=lambda body: f"Sqrt[{body}]",
    power=lambda base, exponent: f"{base}^{exponent}" if exponent.isalnum() else f"{base}^({exponent})",
    call=_mathematica_call,
    e="E",
    i="I",
)
