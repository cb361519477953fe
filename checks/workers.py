"""What a process of a pool does first."""

from __future__ import annotations

import multiprocessing
import os
import threading


def prepare() -> None:
    """One thread for matrix products, and an end if the parent is killed, which the pool's queue would not notice."""
    from threadpoolctl import threadpool_limits

    threadpool_limits(1)
    parent = multiprocessing.parent_process()
    assert parent is not None

    def follow() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=follow, daemon=True).start()
