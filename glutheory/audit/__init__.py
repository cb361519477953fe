"""Read-only support for feed-forward networks as they occur in models: `glutheory audit`.

``audit("llama", changes={"hidden_size": 64, "num_hidden_layers": 2})``, or ``audit(model)`` for a model in memory,
gives the condition number of the NTK of each feed-forward network as it is, and those of its parameter-matched twin of
the other kind: non-gated for a gated one, gated for a plain one. Needs torch, and transformers for models by name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from glutheory.audit.findings import Audit, BlockAudit, Ratio, Side
    from glutheory.audit.run import audit

__all__ = ["Audit", "BlockAudit", "Ratio", "Side", "audit"]


def __getattr__(name: str) -> Any:
    # the command line reads the help of `audit` without torch
    if name == "audit":
        from glutheory.audit.run import audit

        return audit
    if name in __all__:
        from glutheory.audit import findings

        return getattr(findings, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
