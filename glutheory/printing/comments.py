"""What a user wrote, made harmless for the comments and names of program text in any language."""

from __future__ import annotations

import re
import textwrap

from glutheory.printing import sentences
from glutheory.printing.constants import constants, written
from glutheory.printing.contents import Report
from glutheory.printing.groups import readable
from glutheory.printing.styles import ASCII
from glutheory.printing.writer import Writer
from glutheory.terminal import ascii_text

_LONGEST = 300  #: characters of a user's own text


_ARGUMENTS = (
    "a, b > 0 are the variances and c, |c| <= sqrt(a*b), the covariance of the pre-activations u, v at x, x' (of the "
    "gate of a gated network): S = E[phi(u) phi(v)], T = E[phi'(u) phi'(v)] = dS/dc. In the NTK parametrisation "
)


def harmless(text: str) -> str:
    r"""The text as one line of printable ASCII that ends no comment or string and begins no escape.

    ``*/``, ``*)``, ``(*``, ``/*`` and trigraphs are broken by a space, backslashes become slashes, quotes apostrophes.
    """
    plain = "".join(ch if ch.isprintable() else " " for ch in ascii_text(" ".join(text.split())))
    plain = plain.replace("\\", "/").replace('"', "'")
    plain = re.sub(r"\*(?=[/)])|/(?=[*/])|\((?=\*)|\?(?=\?)|'(?=')", r"\g<0> ", plain)
    return plain if len(plain) <= _LONGEST else plain[: _LONGEST - 3] + "..."


def identifier(text: str) -> str:
    """A name made from the text: letters, digits and single underscores, a letter first."""
    words = "_".join(re.findall(r"[A-Za-z0-9]+", ascii_text(text)))[:40].rstrip("_")
    return words if words[:1].isalpha() else f"kernel_{words}".rstrip("_")


def head(found: Report) -> list[str]:
    """What every format says first, as paragraphs: the network, its activations and the meaning of the arguments."""
    write = Writer(ASCII)
    acts = found.network.branches if len(found.network.branches) > 1 and not found.network.gated else [found.gate]
    own = constants(act.expr for act in acts)
    definitions = [
        harmless(f"phi{'' if len(acts) == 1 else f'_{i}'}(z) = {write(readable(own.named(act.expr)))}")
        for i, act in enumerate(acts, start=1)
    ]
    definitions += [f"{write(symbol)} = {written(value)}" for symbol, value in own.table]
    about = f"Kernels of the two-layer network '{harmless(found.network.name)}', {', '.join(definitions)}"
    return [
        f"{about} ({found.method}).",
        f"{_ARGUMENTS}{_setting(found)}.",
    ]


def _setting(found: Report) -> str:
    """What a, b, c are in the NTK parametrisation, with dots for norms and inner products."""
    equations = ", ".join(sentences.setting(found).equations("ntk"))
    dotted = re.sub("⟨([^,⟩]+),([^⟩]+)⟩", r"\1.\2", re.sub("‖([^‖]+)‖²", r"\1.\1", equations))
    return harmless(dotted)


def wrapped(paragraphs: list[str], width: int = 110) -> list[str]:
    """The paragraphs as lines, an empty one between them."""
    lines: list[str] = []
    for paragraph in paragraphs:
        lines += [*([""] if lines else []), *textwrap.wrap(paragraph, width, break_on_hyphens=False)]
    return lines


def folded(statement: str, indent: str, width: int = 110, *, after: bool = False) -> list[str]:
    """A long statement on several lines, broken before (or after) a plus or minus, or after a comma."""

    def glued(sign: re.Match[str]) -> str:
        if sign[1][0] in "*/":
            return f"\0{sign[1]}\0"
        return f"\0{sign[1]} " if after else f" {sign[1]}\0"

    text = re.sub(r" (\*\*?|/|[+-]) ", glued, statement.lstrip())
    start = " " * (len(statement) - len(statement.lstrip()))
    lines = textwrap.wrap(
        text, width, initial_indent=start, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )
    return [line.replace("\0", " ") for line in lines]
