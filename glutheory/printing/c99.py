"""A report as one C99 file that needs nothing but ``math.h``."""

from __future__ import annotations

import re
from collections.abc import Sequence

from glutheory.printing.comments import folded, head, identifier, wrapped
from glutheory.printing.contents import Report
from glutheory.printing.program import Function, Node, Program, nodes, program
from glutheory.printing.quadrature import c_functions, c_helper
from glutheory.printing.styles import c99_style
from glutheory.printing.writer import Writer

_LIMITS = "C99 with IEEE doubles; nothing is stored between calls. Not for -ffast-math, which reorders sums."
_HELPERS = {
    "root": """
/* sqrt(a*b - c*c) from the exact difference (0 if that is negative), without overflow or underflow. */
static inline double @root(double a, double b, double c)
{
    int i, j;
    const double p = frexp(a, &i), q = frexp(b, &j);
    const int odd = (i + j) % 2 != 0, k = (i + j - odd) / 2;
    const double r = ldexp(c, -k), square = r * r; /* a*b = p * 2^odd*q * 4^k with p, q in [1/2, 1) */
    const double difference = fma(p, ldexp(q, odd), -square) + fma(-r, r, square);
    if (difference < 0.0) {
        return 0.0;
    }
    return ldexp(sqrt(difference), k);
}
""",
    "exp_sinh": """
/* exp(e)*sinh(x) without overflow where the product is finite. */
static inline double @exp_sinh(double e, double x)
{
    return copysign(0.5 * exp(e + fabs(x)) * expm1(-2.0 * fabs(x)), x);
}
""",
    "exp_cosh": """
/* exp(e)*cosh(x) without overflow where the product is finite. */
static inline double @exp_cosh(double e, double x)
{
    return 0.5 * exp(e + fabs(x)) * (1.0 + exp(-2.0 * fabs(x)));
}
""",
    "Phi": """
/* The standard normal distribution function. */
static inline double @Phi(double x)
{
    return 0.5 * erfc(-x / sqrt(2.0));
}
""",
}
_MEAN = """
/* The mean over two independent Kolmogorov variables: 2*kappa times a standard normal variable is logistic. The
   trapezoidal rule on log(kappa) errs by less than the rounding errors; the sum is compensated (Neumaier). */
static inline double @mean(double (*given)(double, double, double, double, double, double), double a, double b,
    double c, double delta)
{
    static const double kappa[%COUNT%] = {
        %KAPPA%
    };
    static const double weight[%COUNT%] = {
        %WEIGHT%
    };
    double sum = 0.0, lost = 0.0;
    int i, j;
    for (i = 0; i < %COUNT%; i++) {
        for (j = 0; j < %COUNT%; j++) {
            const double term = weight[i] * weight[j] * given(a, b, c, delta, kappa[i], kappa[j]);
            const double next = sum + term;
            if (fabs(sum) >= fabs(term)) {
                lost += (sum - next) + term;
            } else {
                lost += (term - next) + sum;
            }
            sum = next;
        }
    }
    return sum + lost;
}
"""
_EXAMPLE = """
#ifdef GLUTHEORY_EXAMPLE
#include <stdio.h>

int main(void)
{
    const double points[3][3] = {{1.0, 1.0, 0.5}, {2.0, 0.5, -0.3}, {4.0, 1.0, 1.5}};
    int i;
    printf("%6s %6s %6s %24s %24s\\n", "a", "b", "c", "nngp", "ntk");
    for (i = 0; i < 3; i++) {
        const double a = points[i][0], b = points[i][1], c = points[i][2];
        printf("%6g %6g %6g %24.17g %24.17g\\n", a, b, c, @nngp(a, b, c), @ntk(a, b, c));
    }
    return 0;
}
#endif
"""


def source(found: Report) -> str:
    """The text of a file with PREFIX_S, PREFIX_T, PREFIX_nngp and PREFIX_ntk; of each branch's S and T for a product.

    The prefix is made from the network's name. All functions are ``static inline``, so that the file may be included.

    Raises:
        DerivationError: a symbolic constant, or functions that C99 lacks.
    """
    return assembled(program(found, "C"), identifier(found.network.name), head(found), (), _EXAMPLE)


def assembled(whole: Program, name: str, about: list[str], more: Sequence[str], example: str) -> str:
    """The source text of a program.

    Args:
        whole: its functions.
        name: the prefix of their names, and that of the file.
        about: what the first comment says first.
        more: source text of functions that call these, with ``@`` for the prefix.
        example: a main function, within its guard.
    """
    guard = f"GLUTHEORY_{name.upper()}_C"
    use = (
        f"Include this file, or run its example: cc -std=c99 -O2 -DGLUTHEORY_EXAMPLE {name}.c -lm && ./a.out (file and "
        "functions may be renamed)."
    )
    first = (
        "/* "
        + "\n".join(f"   {line}".rstrip() for line in wrapped([*about, whole.accuracy, _LIMITS, use])).strip()
        + " */"
    )
    texts = [f"#ifndef {guard}\n#define {guard}\n\n#include <math.h>"]
    functions = [_function(function, f"{name}_") for function in whole.functions]
    if whole.integrated or any("GLUTHEORY_PI" in function for function in (*functions, *more)):
        texts.append("#ifndef GLUTHEORY_PI\n#define GLUTHEORY_PI 3.14159265358979323846\n#endif")
    integrals = [c_functions(own, suffix, f"{name}_") for suffix, own in whole.integrated]
    helpers = {*whole.helpers, *(["Phi"] if any(f"{name}_Phi(" in text for text in integrals) else [])}
    texts += [text for helper, text in _HELPERS.items() if helper in helpers]
    if "mean" in whole.helpers:
        texts.append(_mean(nodes()))
    texts += [c_helper(own for _, own in whole.integrated), *integrals] if integrals else []
    texts += [*functions, *more, example, f"#endif /* {guard} */"]
    return "\n\n".join([first, *(text.strip("\n").replace("@", f"{name}_") for text in texts)]) + "\n"


def _mean(rule: tuple[Node, ...]) -> str:
    columns = {"KAPPA": [node.kappa for node in rule], "WEIGHT": [node.weight for node in rule]}
    text = _MEAN.replace("%COUNT%", str(len(rule)))
    for name, values in columns.items():
        rows = folded(", ".join(f"{value!r}" for value in values), " " * 8)
        text = text.replace(f"%{name}%", "\n".join(rows))
    return text


def _function(function: Function, prefix: str) -> str:
    write = Writer(c99_style(prefix))
    arguments = ", ".join(f"double {argument}" for argument in function.arguments)
    lines = [f"/* {function.meaning} */", f"static inline double {prefix}{function.name}({arguments})", "{"]
    for line in function.lines:
        comment = f" /* {line.comment} */" if line.comment else ""
        lines += statement(f"const double {line.symbol} = {write(line.value)};{comment}")
    unused = [argument for argument in function.arguments if argument not in function.used]
    lines += [f"    (void){argument};" for argument in unused]
    if function.diverges:
        lines += ["    if (root <= 0.0) {", "        return INFINITY; /* phi jumps at 0 */", "    }"]
    lines += [*statement(f"return {write(function.value)};"), "}"]
    return "\n".join(lines)


def statement(text: str, indent: str = "    ") -> list[str]:
    """A statement, folded where it is long."""
    text = re.sub(r"(= |return )\((\w+ \* \w+)\);", r"\1\2;", text)
    return folded(f"{indent}{text}", f"{indent}    ")
