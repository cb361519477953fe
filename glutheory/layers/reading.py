"""A stack from one line of text: ``swiglu x 12, rmsnorm, residual``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from glutheory.activations import Activation, nearest
from glutheory.errors import DomainError, UnknownNameError
from glutheory.layers.build import stack
from glutheory.layers.composition import Stack
from glutheory.networks import Network

_FIRST = re.compile(r"\s*(?P<network>.+?)\s+[x×]\s*(?P<depth>\d{1,9})\s*")
_NUMBERED = re.compile(r"(?P<word>scale|variance|bias)\s+(?P<value>\S+)")
#: Words, the argument of `stack` that each sets, and its value.
_WORDS: dict[str, tuple[str, Any]] = {
    "rmsnorm": ("norm", "rms"),
    "layernorm": ("norm", "layer"),
    "no norm": ("norm", None),
    "residual": ("residual", True),
    "no residual": ("residual", False),
    "gain": ("gain", True),
}


def network_word(text: str) -> str:
    """The network that a line names.

    Raises:
        DomainError: a line that does not begin with a network and the number of its blocks.
    """
    return _first(text)["network"]


def _first(text: str) -> re.Match[str]:
    found = _FIRST.fullmatch(str(text).split(",", 1)[0])
    if found is None:
        raise DomainError(
            f"stack is {str(text)[:60]!r}: begin with a network and the number of its blocks, e.g. "
            "'swiglu x 12, rmsnorm, residual'."
        )
    return found


def read_stack(text: str, networks: Mapping[str, Network | Activation] | None = None) -> Stack:
    """The stack that a line describes: ``NETWORK x DEPTH`` and, after commas, what is not as usual.

    The words are rmsnorm (the default), layernorm, no norm, residual (the default), no residual, gain, and with a
    number scale, variance and bias.

    Args:
        text: the line.
        networks: networks and activations of your own, by the names that the line may have for them; others are those
            of the zoo. ``read_stack("mine x 12", {"mine": Activation(...)})``.

    Raises:
        DomainError: a line of another form, or a word that is given twice or against another one.
        UnknownNameError: no such network or word.
    """
    found = _first(text)
    _, *rest = str(text).split(",")
    options: dict[str, Any] = {}
    for part in rest:
        word = " ".join(part.lower().split())
        numbered = _NUMBERED.fullmatch(word)
        if not word:
            raise DomainError(f"stack is {str(text)[:60]!r}: there is nothing after a comma, leave it out.")
        if numbered:
            key, value = numbered["word"], numbered["value"]
        elif word in _WORDS:
            key, value = _WORDS[word]
        else:
            known = (*_WORDS, "scale 1/2", "variance 2", "bias 0.1")
            raise UnknownNameError(f"stack has the word {word[:40]!r}: {nearest(word[:40], known)}")
        if key in options:
            raise DomainError(f"stack is {str(text)[:60]!r}: it says twice what the {key} is.")
        options[key] = value
    name = found["network"]
    return stack((networks or {}).get(name, name), int(found["depth"]), **options)
