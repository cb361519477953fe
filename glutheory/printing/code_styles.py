"""How formulas are written in programs: Python, C99 and Mathematica."""

from __future__ import annotations

from dataclasses import replace

from glutheory.printing.styles import ASCII, Style

_MATH_NAMES = {"arcsin": "asin", "arccos": "acos", "arctan": "atan"}
_MATH_FUNCTIONS = ("exp", "sin", "cos", "sinh", "cosh", "tanh", "erf", "erfc", "log", "asin", "acos", "atan", "atan2")
_PYTHON_OWN = {"Φ": "_Phi", "root": "_root", "exp_sinh": "_exp_sinh", "exp_cosh": "_exp_cosh"}


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


_MATHEMATICA_NAMES = {"arcsin": "ArcSin", "arccos": "ArcCos", "arctan": "ArcTan"}


def _mathematica_call(name: str, argument: str) -> str:
    if name == "Φ":
        return f"(Erfc[-({argument})/Sqrt[2]]/2)"
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
