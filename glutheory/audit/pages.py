"""How an audit is shown: its text and its figure, under the names that every command's are called by."""

from __future__ import annotations

from glutheory.audit.figure import charts
from glutheory.audit.text import report as text

__all__ = ["charts", "text"]
