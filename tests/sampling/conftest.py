"""Sampling on one thread."""

from __future__ import annotations

from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    """One thread: these arrays are small, and where other work keeps the cores busy, threads wait for each other."""
    torch = pytest.importorskip("torch", reason="glutheory.sampling needs torch")
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
