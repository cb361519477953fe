"""The smallest trainings of the check of trained transformers, and results made up."""

# ruff: noqa: E402  (the checks need torch)

from __future__ import annotations

from dataclasses import replace

import pytest

torch = pytest.importorskip("torch", reason="the checks need torch")
pytest.importorskip("einops", reason="the architectures need einops")

from checks.claims.generalization.task import FULL, Course, Material
from checks.settings import Settings

SETTINGS = Settings()
#: One step per epoch.
TINY = Material("mixer-digits", train=16, test=24, batch=16, recipes=FULL.materials[0].recipes)
ALTERED = replace(TINY, augmented=True)
COURSE = Course(TINY, "adamw", "reglu", "test/0", 4)
