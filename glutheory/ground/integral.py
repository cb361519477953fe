"""`acb.integral` that neither loses an exception of the integrand nor an interrupt.

python-flint goes on after an exception in the integrand, with an undefined value: an interrupt could leave a wrong
number behind. Python runs the handlers of signals where it likes, so at the entry of the integrand as well, before any
`try` of it is in force; they therefore wait until the integral is over, which from then on is quick.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
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
    while True:
        raised: list[BaseException] = []
        with _signals_wait() as came:

            def guarded(x: acb, analytic: bool, raised: list[BaseException] = raised, came: list[int] = came) -> acb:
                if raised or came:
                    return acb("nan")
                try:
                    return integrand(x, analytic)
                except BaseException as error:  # noqa: BLE001 (raised again below)
                    raised.append(error)
                    return acb("nan")

            value: acb = acb.integral(guarded, low, high, **limits)
        if raised:
            raise raised[0]
        if not came:
            return value
        # a handler that raises nothing: once more


@contextmanager
def _signals_wait() -> Iterator[list[int]]:
    """Python's handlers of signals run at the end of the block; the signals that came by then are listed in order."""
    came: list[int] = []
    # handlers run in the main thread, and can be set there alone
    if threading.current_thread() is not threading.main_thread():
        yield came
        return

    def note(number: int, frame: Any) -> None:  # noqa: ARG001 (a handler's arguments)
        came.append(number)

    before = {number: signal.getsignal(number) for number in _SIGNALS}
    handlers = {number: handler for number, handler in before.items() if callable(handler)}
    try:
        for number in handlers:
            signal.signal(number, note)
        yield came
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
        for number in came:
            handlers[number](number, None)
