"""The safe parser for a user's activation, such as ``z*erf(z)`` or ``max(0, z)**2``.

Three walls, none of which executes anything: the characters (a token pattern), the grammar (a whitelist over
Python's syntax tree) and the size of every intermediate result (`expression_size`), lest SymPy hang.
"""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable
from fractions import Fraction
from functools import partial

import sympy as sp

from glutheory.activations.expression_size import admit, admit_argument, admit_exponent
from glutheory.activations.names import canonical, nearest
from glutheory.activations.variable import Z
from glutheory.activations.zoo import activation_names, definition
from glutheory.errors import ExpressionError

MAX_LENGTH = 500  #: characters of text
MAX_NODES = 150  #: numbers, names, operations and calls in the text
MAX_DEPTH = 60  #: nesting of operations (a sum of n terms nests n deep)
MAX_CALLS = 6  #: nesting of function calls
MAX_ARGUMENTS = 4  #: of max and min, whose arguments SymPy compares pairwise
MAX_DIGITS = 40  #: of a literal, its decimal exponent counted in

_NUMBER = re.compile(r"(?:\d+\.?\d*|\.\d+)(?:[eE]([+-]?\d+))?(?![\w.])", re.ASCII)
_TOKEN = re.compile(rf"[ \t]+|[A-Za-z_]\w*|{_NUMBER.pattern}|[-+*/(),]", re.ASCII)
_CONSTANTS = {"pi": sp.pi, "e": sp.E}
_ALIASES = {"Phi": "normal_cdf", "heaviside": "step"}
_FUNCTIONS: dict[str, Callable[..., sp.Expr]] = {
    "log": sp.log,
    "sqrt": sp.sqrt,
    "sinh": sp.sinh,
    "cosh": sp.cosh,
    "atan": sp.atan,
    "erfc": sp.erfc,
    "max": sp.Max,
    "min": sp.Min,
}
#: What other languages call it, and how it is written here.
_ELSEWHERE = {
    "ln": "write log(z).",
    "log1p": "write log(1 + z).",
    "expm1": "write exp(z) - 1.",
    "maximum": "write max(0, z).",
    "minimum": "write min(0, z).",
    "clip": "write max(-1, min(1, z)).",
    "clamp": "write max(-1, min(1, z)).",
    "where": "write conditions with heaviside, max and min, as in z*heaviside(z).",
} | dict.fromkeys(
    ("floor", "ceil", "ceiling", "round", "trunc", "frac", "mod", "fmod"),
    "only finitely many kinks and jumps are read, write those that matter, as in heaviside(z) + heaviside(z - 1).",
)
_OPERATORS: dict[type[ast.operator], Callable[[sp.Expr, sp.Expr], sp.Expr]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}


def function_names() -> tuple[str, ...]:
    """The names of the functions that an expression may call."""
    return tuple(dict.fromkeys((*_FUNCTIONS, *_ALIASES, *activation_names())))


def parse_expression(text: str) -> sp.Expr:
    """The SymPy expression, in the symbol `glutheory.activations.Z`, that a formula in ``z`` (or ``Z``) stands for.

    The formula is written with numbers (decimals are taken exactly), ``pi``, ``e``, ``+ - * / **`` with
    integer exponents, and the functions of `function_names`. Nothing in it is ever executed. Whether the
    function is real and finite for all real z and has a Gaussian expectation is not decided here.

    Raises:
        ExpressionError: the text is not such a formula, is beyond one of the limits here or in
            `expression_size`, does not depend on z, or contains a constant that is infinite or not real.
    """
    if not isinstance(text, str):
        raise ExpressionError(f"expression {text!r:.60} is not a text: give a string such as 'z*erf(z)'.")
    shown = repr(text if len(text) <= 60 else text[:57] + "...")
    try:
        result = _build(_in_z(_syntax_tree(text)), text.strip(), MAX_DEPTH, MAX_CALLS)
        if Z not in result.free_symbols:
            raise ExpressionError(f"it equals {result}, which does not depend on z: write a function of z.")
    except ExpressionError as refusal:
        raise ExpressionError(f"expression {shown}: {refusal}") from None
    return result


def _syntax_tree(text: str) -> ast.expr:
    """The first wall: length, characters, Python's grammar, number of nodes."""
    if len(text) > MAX_LENGTH:
        raise ExpressionError(f"it has {len(text)} characters: shorten it to at most {MAX_LENGTH}.")
    text = text.strip()
    if not text:
        raise ExpressionError("it is empty: write a function of z such as 'z*erf(z)'.")
    position = 0
    while position < len(text):
        token = _TOKEN.match(text, position)
        if token is None:
            raise ExpressionError(_bad_character(text, position))
        position = token.end()
    try:
        tree = ast.parse(text, mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        reason = getattr(error, "msg", None) or "it is nested too deeply"
        raise ExpressionError(f"it is no complete formula ({reason}): write one such as 'z*erf(z)'.") from None
    count = sum(isinstance(node, ast.expr) for node in ast.walk(tree))
    if count > MAX_NODES:
        raise ExpressionError(f"it has {count} parts: simplify it to at most {MAX_NODES}.")
    return tree.body


def _in_z(tree: ast.expr) -> ast.expr:
    """With z for a capital Z where there is no z: statisticians write the variable so."""
    names = [node for node in ast.walk(tree) if isinstance(node, ast.Name)]
    if "z" not in {node.id for node in names}:
        for node in names:
            node.id = "z" if node.id == "Z" else node.id
    return tree


def _bad_character(text: str, position: int) -> str:
    character = text[position]
    if character == "^":
        return f"'^' at position {position + 1} is not a power here: write '**'."
    if character == "." and not text[position + 1 : position + 2].isdigit():
        return (
            f"'.' at position {position + 1} is in no number: remove it (attributes are not allowed; write relu(z), "
            "not torch.relu(z))."
        )
    if character in "<>":
        return f"{character!r} at position {position + 1}: {_ELSEWHERE['where']}"
    if character in "0123456789.":
        start = text[position : position + 10]
        return f"{start!r} is not a decimal number: write products with '*', as in '2*z'."
    return (
        f"character {character!r} (U+{ord(character):04X}) at position {position + 1} is not allowed: "
        "use ASCII letters, digits and + - * / ** ( ) , only."
    )


def _build(node: ast.expr, text: str, depth: int, calls: int) -> sp.Expr:
    """The second wall: one node of the whitelist, with the nesting still allowed below it."""
    if depth == 0:
        raise ExpressionError(f"it is nested more than {MAX_DEPTH} deep: simplify it.")
    match node:
        case ast.Constant():
            return _literal(ast.get_source_segment(text, node) or "")
        case ast.Name(id=name):
            return _symbol(name)
        case ast.UnaryOp(op=ast.USub() | ast.UAdd() as op, operand=operand):
            value = _build(operand, text, depth - 1, calls)
            return -value if isinstance(op, ast.USub) else value
        case ast.BinOp(left=left, op=op, right=right):
            first, second = (_build(side, text, depth - 1, calls) for side in (left, right))
            if isinstance(op, ast.Pow):
                return _evaluate(operator.pow, first, admit_exponent(second))
            if type(op) in _OPERATORS:
                return _evaluate(_OPERATORS[type(op)], first, second)
        case ast.Call(func=ast.Name(id=name), args=nodes, keywords=[]):
            if calls == 0:
                raise ExpressionError(f"its functions are nested more than {MAX_CALLS} deep: simplify it.")
            return _call(name, [_build(argument, text, depth - 1, calls - 1) for argument in nodes])
        case ast.Call():
            raise ExpressionError("it calls what is not a function's name: write products with '*'.")
    segment = ast.get_source_segment(text, node) or text
    raise ExpressionError(
        f"{segment[:40]!r} is not arithmetic: use numbers, z, pi, e, + - * / ** and functions of z only."
    )


def _literal(source: str) -> sp.Expr:
    number = _NUMBER.fullmatch(source)
    if number is None:
        raise ExpressionError(f"{source[:40]!r} is not a decimal number: write 3, 0.25 or 1e-3.")
    exponent = number[1] or "0"
    if len(source) > MAX_DIGITS or len(source) + abs(int(exponent)) > MAX_DIGITS:
        raise ExpressionError(f"the number {source[:40]} is too long: give at most {MAX_DIGITS} digits.")
    # From the text, not from the float: 0.1 is one tenth.
    return sp.Rational(Fraction(source))


def _symbol(name: str) -> sp.Expr:
    if name == "z":
        return Z
    if name in _CONSTANTS:
        return _CONSTANTS[name]
    if name in function_names():
        raise ExpressionError(f"{name!r} is a function: write {name}(z).")
    raise ExpressionError(f"unknown name {name[:40]!r}: the variable is z and the constants are pi and e.")


def _call(name: str, arguments: list[sp.Expr]) -> sp.Expr:
    known = function_names()
    if name == "z" or name in _CONSTANTS:
        raise ExpressionError(f"{name!r} is not a function: write products with '*', as in {name}*(z + 1).")
    if name not in known:
        name = canonical(name)
    if name not in known:
        remedy = _ELSEWHERE.get(name.lower()) or nearest(name[:40], known)
        raise ExpressionError(f"unknown function {name[:40]!r}: {remedy}")
    most = MAX_ARGUMENTS if name in {"max", "min"} else 1
    least = min(most, 2)
    if not least <= len(arguments) <= most:
        wanted = "one argument" if most == 1 else f"{least} to {most} arguments"
        raise ExpressionError(f"{name} is called with {len(arguments)} arguments: give it {wanted}.")
    if name in _FUNCTIONS:
        kinked, value = name in {"max", "min"}, _FUNCTIONS[name]
    else:
        template = definition(_ALIASES.get(name, name))
        kinked = template.has(sp.Heaviside, sp.sign, sp.Abs, sp.Max, sp.Min)
        value = partial(_substitute, template)
    return _evaluate(value, *(admit_argument(argument, kinked=kinked) for argument in arguments))


def _evaluate(function: Callable[..., sp.Expr], *arguments: sp.Expr) -> sp.Expr:
    """The third wall: SymPy builds and evaluates, then the result is measured."""
    try:
        value = function(*arguments)
    except (RecursionError, MemoryError, ArithmeticError, ValueError, TypeError):
        # SymPy's own refusals, for instance to compare values that need not be real.
        raise ExpressionError("it cannot be evaluated as a real function: write a simpler one.") from None
    return admit(value)


def _substitute(template: sp.Expr, argument: sp.Expr) -> sp.Expr:
    return template.xreplace({Z: argument})
