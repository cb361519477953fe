"""Proved bounds of functions on strips around the real axis."""

from __future__ import annotations

from glutheory.ground.growth.bound import Growth, growth

__all__ = ["Growth", "growth"]
