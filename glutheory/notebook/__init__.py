"""What notebooks show of results: `glutheory.shown` asks for it, by name, when a notebook does."""

from __future__ import annotations

from glutheory.notebook.forms import html, latex, markdown, text

__all__ = ["html", "latex", "markdown", "text"]
