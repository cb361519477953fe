"""The kernel that a study is about, in the words of `glutheory.gram`, and how it differs from what that gives unasked.

Studies have defaults of their own: `spectrum` and `dynamics` are about networks of some width with LeCun's variances,
as they are trained; `phase` about the NNGP kernel, for which its certificate and limits are proved. `gram`, `kernel`,
`depth` and `derive` have the NTK in the ntk parametrisation. The first line of a page says which kernel it is and,
where that is not gram's default, by which option it would be.
"""

from __future__ import annotations

from typing import Any

#: Where rows have other norms.
NORMS = "The theory of gating speaks of rows of norm √d."
#: Of `glutheory.gram`.
KIND, PARAMETRIZATION = "ntk", "ntk"


def gram_options(kind: str, parametrization: str, width: int | None = None) -> dict[str, Any]:
    """The keyword arguments with which `glutheory.gram` gives this kernel, for JSON."""
    own = {"kind": kind, "parametrization": parametrization}
    return own if width is None else {**own, "width": width}


def difference(kind: str, parametrization: str) -> str:
    """E.g. `` (gram: --parametrization ntk)``; empty where the kernel is that of gram's defaults."""
    options = []
    if kind != KIND:
        options.append(f"--kind {KIND}")
    if parametrization != PARAMETRIZATION:
        options.append(f"--parametrization {PARAMETRIZATION}")
    return f" (gram: {' '.join(options)})" if options else ""
