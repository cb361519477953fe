"""A stack's recursion as a Python module or a C99 file; S and T are those of `glutheory.printing.program`."""

from __future__ import annotations

from collections.abc import Sequence

import sympy as sp

from glutheory.errors import DerivationError
from glutheory.printing import c99, source
from glutheory.printing.comments import harmless, identifier
from glutheory.printing.program import Program, program_of
from glutheory.printing.stable import floats
from glutheory.printing.stack_contents import Equation, StackReport, equations, handed_on, plain
from glutheory.printing.styles import PYTHON, c99_style
from glutheory.printing.writer import Writer
from glutheory.symbolic.duals import dual
from glutheory.symbolic.kernels import d, m
from glutheory.symbolic.recursion import Loop, Node

_ARGUMENTS = (
    "kernels(a, b, c) gives the NNGP and the NTK in the limit of wide layers, with a = x.x/d, b = x'.x'/d > 0 and "
    "c = x.x'/d, |c| <= sqrt(a*b)"
)
_ACCURACY = (
    "Through the layers 1 - |rho| is formed by subtraction: of nearly parallel rows the kernels lose as many digits as "
    "it does."
)


def python_module(found: StackReport) -> str:
    """The source text of a module with ``kernels(a, b, c)``, which needs nothing but the standard library's `math`.

    Raises:
        DerivationError: a mean over positions, a symbolic constant, or functions that `math` lacks.
    """
    whole = _program(found, "Python")
    write = Writer(PYTHON)
    names = _arguments(found)
    body = _Python(found, write)
    body.run(found.derivation.recursions[0].nodes, "    ")
    end = found.derivation.recursions[0].end
    ntk = "0.0" if end.ntk is None else body.text(end.ntk)
    lines = [
        f"def kernels({', '.join(names)}):",
        '    """NNGP and NTK."""',
        *body.lines,
        f"    return {body.text(end.moments.mixed)}, {ntk}",
    ]
    return source.assembled(whole, _head(found), ["\n".join(lines)])


def c_source(found: StackReport) -> str:
    """The text of a C99 file with ``PREFIX_kernels(a, b, c, &nngp, &ntk)``, which needs nothing but ``math.h``.

    Raises:
        DerivationError: a mean over positions, a symbolic constant, or functions that C99 lacks.
    """
    whole = _program(found, "C")
    name = identifier(found.stack.name)
    body = _C(found, Writer(c99_style(f"{name}_")))
    body.run(found.derivation.recursions[0].nodes, "    ")
    end = found.derivation.recursions[0].end
    ntk = "0.0" if end.ntk is None else body.text(end.ntk)
    arguments = ", ".join(f"double {argument}" for argument in _arguments(found))
    unused = [argument for argument in ("a", "b") if argument not in body.read]
    lines = [
        "/* NNGP and NTK. */",
        f"static inline void @kernels({arguments}, double *nngp, double *ntk)",
        "{",
        *body.declared(),
        *(f"    (void){argument};" for argument in unused),
        *body.lines,
        f"    *nngp = {body.text(end.moments.mixed)};",
        f"    *ntk = {ntk};",
        "}",
    ]
    return c99.assembled(whole, name, _head(found), ["\n".join(lines)], _EXAMPLE.replace("%MORE%", _more(found)))


_EXAMPLE = r"""
#ifdef GLUTHEORY_EXAMPLE
#include <stdio.h>

int main(void)
{
    const double points[3][3] = {{1.0, 1.0, 0.5}, {2.0, 0.5, -0.3}, {4.0, 1.0, 1.5}};
    int i;
    printf("%6s %6s %6s %24s %24s\n", "a", "b", "c", "nngp", "ntk");
    for (i = 0; i < 3; i++) {
        const double a = points[i][0], b = points[i][1], c = points[i][2];
        double nngp, ntk;
        @kernels(a, b, c%MORE%, &nngp, &ntk);
        printf("%6g %6g %6g %24.17g %24.17g\n", a, b, c, nngp, ntk);
    }
    return 0;
}
#endif
"""


def _more(found: StackReport) -> str:
    """Values for the dimension and the width in the example."""
    return "".join({"d": ", 64.0", "m": ", 1024.0"}[name] for name in _arguments(found)[3:])


def _program(found: StackReport, language: str) -> Program:
    if len(found.derivation.recursions) > 1:
        raise DerivationError(
            f"no {language} code for a stack with a mean over positions: use the text or JSON format, or `evaluate`."
        )
    return program_of([(f"_{word}", dual(act)) for act, word in found.activations.items()], (), language)


def _arguments(found: StackReport) -> list[str]:
    """a, b, c, and in the standard parametrisation the dimension and the width, where they occur."""
    used: set[sp.Symbol] = set()
    for step in found.derivation.recursions[0].steps():
        for _, right in equations(found, step):
            used |= right.free_symbols
    return ["a", "b", "c", *(symbol.name for symbol in (d, m) if symbol in used)]


def _head(found: StackReport) -> list[str]:
    more = {"d": "d the dimension of x", "m": "m the width"}
    extra = "".join(f", {more[name]}" for name in _arguments(found)[3:])
    where = "ntk parametrisation" if found.parametrization == "ntk" else "standard parametrisation"
    about = f"Kernels of the deep network '{harmless(found.stack.name)}': {harmless(found.layers)}"
    own = [f"phi of S_{word}, T_{word}: {harmless(str(act.expr))}" for act, word in found.activations.items()]
    return [f"{about}.", f"{_ARGUMENTS}{extra} ({where}).", *([f"{'; '.join(own)}."] if own else []), _ACCURACY]


class _Body:
    """The statements of a recursion."""

    language = ""

    def __init__(self, found: StackReport, write: Writer) -> None:
        self._found, self._write = found, write
        self.lines: list[str] = []
        self.read: set[str] = set()
        self._names: dict[str, None] = {}

    def text(self, expr: sp.Expr) -> str:
        """A formula."""
        moved = expr.subs({s: sp.Symbol(plain(s.name), positive=s.is_positive, real=True) for s in expr.free_symbols})
        self.read |= {symbol.name for symbol in moved.free_symbols}
        return self._write(floats(moved, self.language))

    def name(self, symbol: sp.Symbol) -> str:
        """A name that is assigned to."""
        made = plain(symbol.name)
        self._names[made] = None
        return made

    def run(self, nodes: Sequence[Node], indent: str) -> None:
        """The statements of these nodes."""
        for node in nodes:
            if not isinstance(node, Loop):
                self.comment(harmless(node.layer), indent)
                for left, right in equations(self._found, node):
                    self.assign([(left, right)], indent)
                continue
            first, then = handed_on(node)
            self.assign(first, indent)
            self.begin(node.times, indent)
            self.run(node.body, indent + "    ")
            self.assign(then, indent + "    ")
            self.end(indent)

    def comment(self, text: str, indent: str) -> None:
        """A comment on a line of its own."""
        raise NotImplementedError

    def assign(self, pairs: Sequence[Equation], indent: str) -> None:
        """Several assignments at once."""
        raise NotImplementedError

    def begin(self, times: int, indent: str) -> None:
        """The head of a loop."""
        raise NotImplementedError

    def end(self, indent: str) -> None:
        """The end of a loop."""
        raise NotImplementedError


class _Python(_Body):
    language = "Python"

    def comment(self, text: str, indent: str) -> None:
        self.lines.append(f"{indent}# {text}"[:110])

    def assign(self, pairs: Sequence[Equation], indent: str) -> None:
        if pairs:
            values = ", ".join(self.text(right) for _, right in pairs)
            start = f"{', '.join(self.name(left) for left, _ in pairs)} = "
            self.lines += source.statement(start, values, indent=indent)

    def begin(self, times: int, indent: str) -> None:
        self.lines.append(f"{indent}for _ in range({times}):")

    def end(self, indent: str) -> None:
        pass


class _C(_Body):
    language = "C"

    def __init__(self, found: StackReport, write: Writer) -> None:
        super().__init__(found, write)
        self._deepest = 0

    def comment(self, text: str, indent: str) -> None:
        self.lines.append(f"{indent}/* {text} */")

    def assign(self, pairs: Sequence[Equation], indent: str) -> None:
        # at once: what is handed on is read before any of it is changed
        fresh = {left for left, _ in pairs}
        crossed = len(pairs) > 1 and any(right.free_symbols & (fresh - {left}) for left, right in pairs)
        for left, right in pairs:
            target = f"next_{plain(left.name)}" if crossed else self.name(left)
            if crossed:
                self._names[target] = None
            self.lines += c99.statement(f"{target} = {self.text(right)};", indent)
        if crossed:
            self.lines += [f"{indent}{self.name(left)} = next_{plain(left.name)};" for left, _ in pairs]

    def begin(self, times: int, indent: str) -> None:
        level = len(indent) // 4 - 1
        self._deepest = max(self._deepest, level + 1)
        self.lines.append(f"{indent}for (i{level} = 0; i{level} < {times}; i{level}++) {{")

    def end(self, indent: str) -> None:
        self.lines.append(f"{indent}}}")

    def declared(self) -> list[str]:
        """The declarations of all names."""
        made = c99.statement(f"double {', '.join(self._names)};") if self._names else []
        counters = ", ".join(f"i{level}" for level in range(self._deepest))
        return [*made, *([f"    int {counters};"] if counters else [])]
