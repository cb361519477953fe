"""Where text goes: a terminal with its width, characters and colours, or a file."""

from __future__ import annotations

import os
import re
import shutil
import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from glutheory.errors import DomainError
from glutheory.files import replacing

MAX_WIDTH = 100
_PROBE = "−·√⟨⟩∞π⊙ρθκσφ∈²ᵀ≥✓"

_ASCII = {
    "−": "-", "–": "-", "·": "*", "×": "x", "⊙": "*", "√": "sqrt", "∞": "inf", "∈": "in", "≤": "<=", "≥": ">=",
    "⟨": "<", "⟩": ">", "‖": "|", "∂": "d", "Σ": "sum", "∏": "prod", "∫": "int", "→": "->", "±": "+/-", "…": "...",
    "✓": "ok", "✗": "FAILED", "α": "alpha", "β": "beta", "γ": "gamma", "δ": "delta", "κ": "kappa", "λ": "lambda",
    "π": "pi", "ρ": "rho", "σ": "sigma", "τ": "tau", "φ": "phi", "θ": "theta", "Φ": "Phi", "ℚ": "Q", "’": "'",
    "²": "^2", "³": "^3", "⁰": "^0", "¹": "^1", "⁴": "^4", "⁵": "^5", "⁶": "^6", "⁷": "^7", "⁸": "^8", "⁹": "^9",
    "⁻": "^-", "≠": "!=",
}  # fmt: skip
_TABLE = str.maketrans(_ASCII)


@dataclass(frozen=True)
class Terminal:
    """A place to print to.

    Attributes:
        width: columns.
        unicode: whether it can show the characters of formulas; plain ASCII otherwise.
        colour: whether escape sequences are welcome.
    """

    width: int = MAX_WIDTH
    unicode: bool = True
    colour: bool = False

    @classmethod
    def of(cls, stream: TextIO, *, ascii_only: bool = False) -> Terminal:
        """What this stream can show; colour only on a terminal, and not where NO_COLOR is set."""
        tty = stream.isatty()
        width = min(MAX_WIDTH, shutil.get_terminal_size((MAX_WIDTH, 24)).columns) if tty else MAX_WIDTH
        colour = tty and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
        return cls(max(40, width), not ascii_only and _can_show(stream), colour)

    def prose(self, text: str) -> str:
        """The text in characters that can be shown."""
        return text if self.unicode else ascii_text(text)

    def bold(self, text: str) -> str:
        """A heading."""
        return f"\x1b[1m{text}\x1b[0m" if self.colour else text

    def alarm(self, text: str) -> str:
        """What must not be overlooked."""
        return f"\x1b[1;31m{text}\x1b[0m" if self.colour else text


def _can_show(stream: TextIO) -> bool:
    try:
        _PROBE.encode(getattr(stream, "encoding", None) or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def ascii_text(text: str) -> str:
    """The text in ASCII: mathematical signs by name, accents dropped, anything else a question mark."""
    text = re.sub(r"√(\w)", r"sqrt(\1)", text.replace("Σ(", "Sigma("))
    text = re.sub(r"(?<=\d)(?=[α-ω])", "*", text)
    plain = unicodedata.normalize("NFKD", text.translate(_TABLE))
    return "".join(ch for ch in plain if not unicodedata.combining(ch)).encode("ascii", "replace").decode()


def write_whole(path: Path, text: str) -> None:
    """Write the text in UTF-8 under a temporary name beside `path`, then rename it: no reader sees half a file.

    Raises:
        DomainError: the file cannot be written there.
    """
    try:
        if path.is_dir():
            raise IsADirectoryError(21, "it is a folder")
        with replacing(path) as beside:
            beside.write_text(text, encoding="utf-8", newline="\n")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise DomainError(
            f"--out is {str(path)[:200]!r}, which cannot be written ({reason}): give another file."
        ) from None
