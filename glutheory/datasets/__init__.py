"""Data sets that need no download: images and text by name or from a path the user gives, checked as they are read."""

from __future__ import annotations

from glutheory.datasets.image_sets import images
from glutheory.datasets.samples import Images, Text
from glutheory.datasets.splits import split
from glutheory.datasets.texts import text, windows

__all__ = ["Images", "Text", "images", "split", "text", "windows"]
