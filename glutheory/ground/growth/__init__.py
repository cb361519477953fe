"""Proved bounds of functions on strips around the real axis.

`growth` bounds an expression in z by a `Growth` C(1+|z|)^n e^{p|z|}.
"""

from __future__ import annotations

from glutheory.ground.growth.bound import Growth, growth

__all__ = ["Growth", "growth"]
