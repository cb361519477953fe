"""The committed pages of the proofs, and the names of the scripts."""

from derivations import catalog
from derivations.tools import render

NAMES = catalog.names()


def texts() -> dict[str, str]:
    """File name → text, as committed; `test_every_step_is_confirmed` runs each proof and compares."""
    return {path.name: path.read_text(encoding="utf-8") for path in sorted(render.RENDERED.glob("*.md"))}
