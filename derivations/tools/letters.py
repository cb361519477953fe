r"""The letters of a formula in LaTeX: K, \tilde K, \lambda or \mathrm{cond}, with a subscript (``m_d``).

What a sum, an integral or a maximum binds is not counted, nor are numbers, e, π, differentials and named functions.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_UPRIGHT = (
    "Var Tr tr diag det span id sign max min lim ln log exp sin cos tan cosh sinh arcsin arctan erf odd even He Re Im "
    "O o step ReLU GELU SiLU softplus sigmoid"
)
#: Words in upright letters that mean the same everywhere, and Landau's symbols.
_WORDS = frozenset(_UPRIGHT.split())
_ACCENTS = ("tilde", "bar", "hat")
_LETTERS = (
    "alpha beta gamma delta epsilon varepsilon zeta eta theta vartheta kappa lambda mu nu xi rho sigma tau phi varphi "
    "chi psi omega ell Gamma Delta Theta Lambda Sigma Phi Psi Omega"
)
#: Commands that are letters.
GREEK = frozenset(_LETTERS.split())
#: The same letter under two names, in LaTeX and in SymPy.
SAME = {"varepsilon": "epsilon", "ell": "l"}
_BIG = r"\\(?:sum|prod|int|max|min|lim|bigcup|sup|inf)"
_TOKEN = re.compile(r"\\[A-Za-z]+|[A-Za-z]|[{}^_']|\d+|\S")


@dataclass(frozen=True, order=True)
class Letter:
    """A name in a formula: its base with an accent, and its subscript, "" without."""

    base: str
    index: str = ""

    def __str__(self) -> str:
        return f"{self.base}_{self.index}" if self.index else self.base


def letters(latex: str) -> set[Letter]:
    """The letters of a formula that are not bound in it."""
    found, bound = _read(latex)
    return {letter for letter in found if letter.base not in bound}


def _read(latex: str) -> tuple[set[Letter], set[str]]:
    text = unworded(latex)
    bound = set(_bound(text))
    # ∂/∂x and d/dx: the d is an operator, the variable is a letter
    text = re.sub(r"\\frac\{?d(?![A-Za-z])\s*(\^\{?\w\}?)?([^{}]*)\}?\{d\s*(?=[\\A-Za-z(])", r"{\2}{", text)
    text = re.sub(r"\\frac\{d([^{}]*)\}\{d\s*(?=[\\A-Za-z(])", r"{\1}{", text)
    if r"\int" in text:
        text = re.sub(r"\\[,;]\s*d(?=[\\A-Za-z])", " ", text)
    found: set[Letter] = set()
    tokens = _TOKEN.findall(text)
    place = 0
    while place < len(tokens):
        token = tokens[place]
        place += 1
        if token == "_":
            _, place = _group(tokens, place)  # what belongs to no letter, such as the range of a sum
            continue
        name, place = _name(token, tokens, place)
        if not name or (token == "e" and tokens[place : place + 1] == ["^"]):
            continue
        while place < len(tokens) and tokens[place] == "'":
            place += 1
        index = ""
        if place < len(tokens) and tokens[place] == "_":
            inside, place = _group(tokens, place + 1)
            index = "".join(item.lstrip("\\") for item in inside if item not in "{}")
        if name not in _WORDS:
            found.add(Letter(name, index))
    return found, bound


def _name(token: str, tokens: list[str], place: int) -> tuple[str, int]:
    """The name that starts at a token, "" if none does, and where to go on."""
    command = token[1:] if token.startswith("\\") else ""
    if command in _ACCENTS:
        inside, place = _group(tokens, place)
        inner, _ = _name(inside[0], inside, 1) if inside else ("", 0)
        return (f"{command} {inner}" if inner else ""), place
    if command in ("mathrm", "operatorname", "mathcal", "mathbb", "mathbf"):
        inside, place = _group(tokens, place)
        word = "".join(inside)
        return ("" if command in ("mathcal", "mathbb", "mathbf") or not word.isalpha() else word), place
    if command in GREEK:
        return SAME.get(command, command), place
    return (token if token.isalpha() else ""), place


def _group(tokens: list[str], place: int) -> tuple[list[str], int]:
    """The tokens of the group or of the one token at a place, without its braces, and the place behind."""
    if place >= len(tokens) or tokens[place] != "{":
        return tokens[place : place + 1], place + 1
    depth, start = 0, place
    while place < len(tokens):
        depth += {"{": 1, "}": -1}.get(tokens[place], 0)
        place += 1
        if depth == 0:
            break
    return tokens[start + 1 : place - 1], place


def words(latex: str) -> str:
    r"""What stands in its \text."""
    return " ".join(re.findall(r"\\text\{((?:[^{}]|\{[^{}]*\})*)\}", latex))


def unworded(latex: str) -> str:
    r"""Without words in \text, environments, spaces and the sizes of brackets."""
    text = re.sub(r"\\(?:text|texttt|overset)\{(?:[^{}]|\{[^{}]*\})*\}", " ", latex)
    text = re.sub(r"\\(?:begin|end)\{\w+\}|\\(?:[bB]ig+[lrm]?|left|right|displaystyle|textstyle)\b", " ", text)
    return re.sub(r"\\\\(\[\w+\])?", " ", text)


def _bound(text: str) -> Iterator[str]:
    """The letters that a sum, an integral, a maximum or a "for all" binds."""
    for match in re.finditer(_BIG + r"\s*(?:\\(?:no)?limits)?_(\{[^{}]*(?:\{[^{}]*\}[^{}]*)*\}|\\?\w)", text):
        left = re.split(r"=|\\(?:ge|le|ne|in|ll|mid)\b|[<>|]", match.group(1).strip("{}"))[0]
        yield from (letter.base for letter in _flat(left))
        yield from (letter.base for letter in _flat(match.group(1).strip("{}")) if "<" in match.group(1))
    if r"\int" in text:
        for match in re.finditer(r"(?:\\[,;]\s*|\s)d(\\[a-z]+|[A-Za-z])\b", text):
            yield from (letter.base for letter in _flat(match.group(1)))


def _flat(text: str) -> set[Letter]:
    tokens = [token for token in _TOKEN.findall(text) if token not in ("_", "^")]
    return {Letter(name) for at, token in enumerate(tokens) if (name := _name(token, tokens, at + 1)[0])}
