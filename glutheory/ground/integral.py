"""`acb.integral` that neither loses an exception of the integrand nor an interrupt.

python-flint goes on after an exception in the integrand, with an undefined value: an interrupt could leave a wrong
number behind. Python runs the handlers of signals where it likes, so at the entry of the integrand as well, before any
`try` of it is in force; they therefore wait until a value of the integrand has been found.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from flint import acb

#: Signals whose handlers are known to raise: Ctrl-C, `timeout`, and clocks.
_SIGNALS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGALRM") if hasattr(signal, name)]


def integral(integrand: Callable[[acb, bool], acb], low: Any, high: Any, **limits: Any) -> acb:
    """`acb.integral`, out of which an exception in the integrand, or of a signal's handler, comes as itself.

    Args:
        integrand: what to integrate, as python-flint takes it.
        low: the lower end, a ball.
        high: the upper end.
        limits: tolerances and limits of `acb.integral`.
    """
    raised: list[BaseException] = []
    with _signals_wait() as handle:

        def guarded(x: acb, analytic: bool) -> acb:
            if raised:
                return acb("nan")
            try:
                value = integrand(x, analytic)
                handle()
                return value
            except BaseException as error:  # noqa: BLE001 (raised again below)
                raised.append(error)
                return acb("nan")

        value: acb = acb.integral(guarded, low, high, **limits)
    if raised:
        raise raised[0]
    return value


@contextmanager
def _signals_wait() -> Iterator[Callable[[], None]]:
    """Python's handlers of signals run when what is given is called, and at the end of the block."""
    # handlers run in the main thread, and can be set there alone
    if threading.current_thread() is not threading.main_thread():
        yield lambda: None
        return
    came: list[int] = []
    handlers: dict[int, Any] = {number: signal.getsignal(number) for number in _SIGNALS}

    def note(number: int, frame: Any) -> None:  # noqa: ARG001 (a handler's arguments)
        came.append(number)

    def put(number: int) -> None:
        if callable(handlers[number]):
            signal.signal(number, note)

    def handle() -> None:
        while came:
            number = came.pop(0)
            handlers[number](number, None)
            # a handler may have put another one in its place, to be asked once only
            if signal.getsignal(number) is not note:
                handlers[number] = signal.getsignal(number)
                put(number)

    def restore(number: int) -> None:
        if signal.getsignal(number) is note:
            signal.signal(number, handlers[number])

    try:
        # every one is restored, whatever the handlers of those before raise
        with ExitStack() as stack:
            for number in _SIGNALS:
                stack.callback(restore, number)
                put(number)
            yield handle
    finally:
        for number in came:
            handlers[number](number, None)
