"""A report as a Python module that needs nothing but the standard library's `math`."""

from __future__ import annotations

from collections.abc import Sequence

from glutheory.printing.comments import folded, head, wrapped
from glutheory.printing.contents import Report
from glutheory.printing.program import Function, Program, nodes, program
from glutheory.printing.quadrature import python_functions, python_helper
from glutheory.printing.styles import PYTHON
from glutheory.printing.writer import Writer

_OVERFLOW = "Where a value is beyond the range of floats, OverflowError is raised or the value is infinite."
_HELPERS = {
    "root": '''
def _root(a, b, c):
    """sqrt(a*b - c*c) from the exact difference (0 if that is negative), without overflow or underflow."""
    (p, i), (q, j) = math.frexp(a), math.frexp(b)
    k = (i + j) // 2
    q = math.ldexp(q, i + j - 2 * k)  # a*b = p*q * 4**k with p, q in [1/2, 2)
    r = min(max(math.ldexp(c, -k), -2.0), 2.0)
    difference = (int(math.ldexp(p, 53)) * int(math.ldexp(q, 53)) << 54) - int(math.ldexp(r, 80)) ** 2
    return math.ldexp(math.sqrt(difference), k - 80) if difference > 0 else 0.0
''',
    "exp_sinh": '''
def _exp_sinh(e, x):
    """exp(e)*sinh(x) without overflow where the product is finite."""
    return math.copysign(0.5 * math.exp(e + abs(x)) * math.expm1(-2.0 * abs(x)), x)
''',
    "exp_cosh": '''
def _exp_cosh(e, x):
    """exp(e)*cosh(x) without overflow where the product is finite."""
    return 0.5 * math.exp(e + abs(x)) * (1.0 + math.exp(-2.0 * abs(x)))
''',
    "Phi": '''
def _Phi(x):
    """The standard normal distribution function."""
    return 0.5 * math.erfc(-x / math.sqrt(2.0))
''',
    "mean": '''
def _mean(given, a, b, c, delta):
    """The mean over two independent Kolmogorov variables."""
    return math.fsum(
        weight * weight_prime * given(a, b, c, delta, kappa, kappa_prime)
        for kappa, weight in _RULE
        for kappa_prime, weight_prime in _RULE
    )
''',
}
_RULE_COMMENT = """\
# (kappa, weight): the trapezoidal rule for means over a Kolmogorov variable; 2*kappa times a standard normal
# variable is logistic. The rule's error is below the rounding errors of floats."""


def module(found: Report) -> str:
    """The source text of a module with S, T, nngp and ntk; of each branch's S and T for a product of branches.

    Raises:
        DerivationError: a symbolic constant, or functions that `math` lacks.
    """
    return assembled(program(found, "Python"), head(found), ())


def assembled(whole: Program, about: list[str], more: Sequence[str]) -> str:
    """The source text of a program.

    Args:
        whole: its functions.
        about: what the module's docstring says first.
        more: source text of functions that call these.
    """
    texts = ['"""' + "\n".join(wrapped([*about, f"{whole.accuracy} {_OVERFLOW}"])) + '\n"""\n\nimport math']
    if "mean" in whole.helpers:
        rows = "\n".join(f"    ({node.kappa!r}, {node.weight!r})," for node in nodes())
        texts.append(f"{_RULE_COMMENT}\n_RULE = (\n{rows}\n)")
    integrals = [python_functions(own, suffix) for suffix, own in whole.integrated]
    helpers = {*whole.helpers, *(["Phi"] if any("_Phi(" in text for text in integrals) else [])}
    texts += [text for name, text in _HELPERS.items() if name in helpers]
    texts += [python_helper(), *integrals] if integrals else []
    texts += [_function(function) for function in whole.functions]
    texts += more
    return "\n\n\n".join(text.strip("\n") for text in texts) + "\n"


def _function(function: Function) -> str:
    write = Writer(PYTHON)
    private = "_" if function.name.endswith("_given") else ""
    arguments = ", ".join(map(str, function.arguments))
    lines = [f"def {private}{function.name}({arguments}):", f'    """{function.meaning}"""']
    for line in function.lines:
        lines += statement(f"{line.symbol} = ", write(line.value), f"  # {line.comment}" if line.comment else "")
    if function.diverges:
        lines += ["    if root == 0.0:", "        return math.inf  # phi jumps at 0"]
    value = write(function.value)
    lines += statement("return ", f"{value}.0" if value.isdigit() else value)
    return "\n".join(lines)


def statement(start: str, value: str, comment: str = "", indent: str = "    ") -> list[str]:
    """A statement on one line, or folded within brackets."""
    whole = f"{indent}{start}{value}{comment}"
    if len(whole) <= 110:
        return [whole]
    return [f"{indent}{start}({comment}", *folded(f"{indent}    {value}", f"{indent}    "), f"{indent})"]
