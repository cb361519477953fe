"""The JSON form of what a command has found: the same head everywhere."""

from __future__ import annotations

from typing import Any

from glutheory.ground.files import plain


def record(command: str, version: int = 1, /, **fields: Any) -> dict[str, Any]:
    """A record: its schema ``glutheory.<command>``, the schema's version, the package's, and the fields by `plain`.

    Args:
        command: the name of the command.
        version: of the schema; raised when a field changes its meaning.
        **fields: the content, in this order.
    """
    from glutheory import __version__

    head = {"schema": f"glutheory.{command}", "schema_version": version, "package_version": __version__}
    return {**head, **{name: plain(value) for name, value in fields.items()}}
