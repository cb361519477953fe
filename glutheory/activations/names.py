"""Names of activations as people write them: any case, with or without underscores, and other libraries' names."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from types import MappingProxyType

from glutheory.activations.zoo import ZOO, activation_names
from glutheory.errors import with_article

#: How many names a message lists, and the longest one that may be a name.
_SHOWN, _LONGEST = 24, 40
_FILLERS = re.compile(r"[\s_.^-]+")
_FORMULA = re.compile(r"[()*/+]")

#: Other name -> name in the zoo: the one table of them. What differs in case or underscores only is not repeated.
LIBRARY_NAMES: Mapping[str, str] = MappingProxyType(
    {
        # transformers
        "gelu_accurate": "gelu_tanh",
        "gelu_fast": "gelu_tanh",
        "gelu_new": "gelu_tanh",
        "gelu_python": "gelu",
        "gelu_python_tanh": "gelu_tanh",
        "gelu_pytorch_tanh": "gelu_tanh",
        "linear": "identity",
        # jax
        "hard_silu": "hard_swish",
        "logistic": "sigmoid",
        # what people call them
        "fast_gelu": "gelu_tanh",
        "new_gelu": "gelu_tanh",
        "tanh_gelu": "gelu_tanh",
        "gelu_erf": "gelu",
        "exact_gelu": "gelu",
        "lrelu": "leaky_relu",
        "sqrelu": "squared_relu",
        "relu_squared": "squared_relu",
        "heaviside": "step",
        "phi": "normal_cdf",
        "square": "monomial2",
        "cube": "monomial3",
    }
)


def squeezed(name: str) -> str:
    """The name in small letters without underscores, hyphens, points, carets and blanks."""
    return _FILLERS.sub("", name).lower()


@lru_cache(maxsize=1)
def _spellings() -> Mapping[str, str]:
    others = {squeezed(name): own for name, own in LIBRARY_NAMES.items()}
    return others | {squeezed(name): name for name in ZOO}


def canonical(name: str) -> str:
    """The zoo's name for it, e.g. ``leaky_relu`` for LeakyReLU; the name itself where the zoo has none."""
    if name in ZOO or len(name) > _LONGEST:
        return name
    return _spellings().get(squeezed(name), name)


def nearest(name: str, known: Iterable[str]) -> str:
    """A clause suggesting the nearest of the `known` names, e.g. ``did you mean 'relu'?``."""
    known = tuple(known)
    close = difflib.get_close_matches(name.lower(), known, n=3, cutoff=0.5)
    if close:
        return "did you mean " + " or ".join(repr(match) for match in close) + "?"
    more = ", …; `glutheory list` shows the zoo." if len(known) > _SHOWN else "."
    return "the known names are " + ", ".join(known[:_SHOWN]) + more


def unknown(kind: str, name: object, known: Iterable[str] | None = None) -> str:
    """The sentence about an unknown name of an activation or network; a formula is told where formulas go."""
    text = name if isinstance(name, str) else repr(name)
    short = text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
    if isinstance(name, str) and _FORMULA.search(name):
        return (
            f"unknown {kind} {short!r}: a formula is given as glutheory.Activation({short!r}), "
            "on the command line with --activation."
        )
    if not isinstance(name, str):
        return (
            f"{kind} is {short}, of type {type(name).__name__}: "
            f"give a name such as 'silu', or {with_article(kind.capitalize())}."
        )
    return f"unknown {kind} {short!r}: {nearest(short, activation_names() if known is None else known)}"
