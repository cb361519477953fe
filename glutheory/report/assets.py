"""The files that a page is made of: styles, scripts and the template, read from the installed package."""

from __future__ import annotations

import base64
import hashlib
from importlib import resources


def asset(name: str) -> str:
    """The text of a file in `glutheory/report/assets`.

    Args:
        name: of the file, with its suffix.

    Raises:
        FileNotFoundError: there is none of that name.
    """
    return resources.files("glutheory.report").joinpath("assets", name).read_text(encoding="utf-8")


def fingerprint(text: str) -> str:
    """The source expression by which a content security policy lets an inline style or script in: ``'sha256-…'``.

    Args:
        text: all that stands between the tags.
    """
    digest = hashlib.sha256(text.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode('ascii')}'"
