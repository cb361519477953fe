"""Integrals of balls: an exception or a signal within one is not lost, and leaves no number behind."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from flint import acb, arb, ctx

from glutheory.ground import bivariate
from glutheory.ground.integral import integral

WHOLE = arb(1).exp() - 1


class Interrupted:
    """exp as an integrand in the fifth call of which a signal comes.

    Attributes:
        places: where it was called.
        finished: and where it was not left by an exception.
    """

    def __init__(self, number: int = signal.SIGINT) -> None:
        self.number = number
        self.places: list[acb] = []
        self.finished: list[acb] = []

    def __call__(self, x: acb, analytic: bool) -> acb:  # noqa: ARG002 (python-flint's signature)
        self.places.append(x)
        if len(self.places) == 5:
            signal.raise_signal(self.number)
        self.finished.append(x)
        return x.exp()


def test_an_exception_comes_out_as_itself() -> None:
    seen: list[acb] = []

    def integrand(x: acb, analytic: bool) -> acb:  # noqa: ARG001 (python-flint's signature)
        seen.append(x)
        if len(seen) == 5:
            raise ZeroDivisionError("here")
        return x.exp()

    with pytest.raises(ZeroDivisionError, match="here"):
        integral(integrand, 0, 1)
    # nothing more was computed, and the next one is right
    assert len(seen) == 5
    assert integral(lambda x, analytic: x.exp(), 0, 1).real.overlaps(WHOLE)  # noqa: ARG005


def test_an_interrupt_waits_for_the_integrand() -> None:
    """At the entry of the integrand, where no `try` is in force yet, python-flint would go on without a word."""
    integrand = Interrupted()
    with pytest.raises(KeyboardInterrupt):
        integral(integrand, 0, 1)
    assert integrand.finished == integrand.places
    assert len(integrand.places) == 5
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@pytest.fixture
def handled() -> Iterator[list[int]]:
    """The signals that a user's handler, which raises nothing, was called for."""
    seen: list[int] = []
    before = signal.signal(signal.SIGTERM, lambda number, _: seen.append(number))
    yield seen
    signal.signal(signal.SIGTERM, before)


def test_a_handler_that_raises_nothing_costs_nothing(handled: list[int]) -> None:
    integrand = Interrupted(signal.SIGTERM)
    assert integral(integrand, 0, 1).real.overlaps(WHOLE)
    assert handled == [signal.SIGTERM]


def test_a_clock_that_ticks_does_not_stop_it(handled: list[int]) -> None:
    """A signal in every call: to begin again after each would never end."""
    calls: list[acb] = []

    def integrand(x: acb, analytic: bool) -> acb:  # noqa: ARG001 (python-flint's signature)
        calls.append(x)
        signal.raise_signal(signal.SIGTERM)
        return x.exp()

    assert integral(integrand, 0, 1).real.overlaps(WHOLE)
    assert len(handled) == len(calls) > 5


def test_a_handler_may_put_another_in_its_place() -> None:
    """The first Ctrl-C asks, the second one interrupts."""
    asked: list[int] = []

    def ask(number: int, frame: Any) -> None:  # noqa: ARG001 (a handler's arguments)
        asked.append(number)
        signal.signal(signal.SIGINT, signal.default_int_handler)

    before = signal.signal(signal.SIGINT, ask)
    try:
        first, second = Interrupted(), Interrupted()
        assert integral(first, 0, 1).real.overlaps(WHOLE)
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
        with pytest.raises(KeyboardInterrupt):
            integral(second, 0, 1)
    finally:
        signal.signal(signal.SIGINT, before)
    assert asked == [signal.SIGINT]


def test_integrals_within_an_integral() -> None:
    """The interrupt comes out of the outermost one, the inner one is computed to its end."""
    inner, seen = Interrupted(), []

    def outer(x: acb, analytic: bool) -> acb:  # noqa: ARG001 (python-flint's signature)
        seen.append(integral(inner, 0, 1))
        return x

    with pytest.raises(KeyboardInterrupt):
        integral(outer, 0, 1)
    assert len(seen) == 1
    assert seen[0].real.overlaps(WHOLE)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_other_threads_integrate_as_well() -> None:
    found: list[Any] = []
    thread = threading.Thread(target=lambda: found.append(integral(lambda x, analytic: x.exp(), 0, 1)))  # noqa: ARG005
    thread.start()
    thread.join()
    # the precision of a thread is its own
    assert found[0].real.overlaps(WHOLE)


@pytest.mark.parametrize("function", ["owen_t", "_integrated"])
def test_the_normal_distribution_loses_no_interrupt(function: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its integrals go by the same way: one interrupted, as it were, in the middle."""

    def interrupted(integrand: Any, low: Any, high: Any, **limits: Any) -> acb:
        calls: list[acb] = []

        def counted(x: acb, analytic: bool) -> acb:
            calls.append(x)
            if len(calls) == 3:
                signal.raise_signal(signal.SIGINT)
            value: acb = integrand(x, analytic)
            return value

        return integral(counted, low, high, **limits)

    monkeypatch.setattr(bivariate, "integral", interrupted)
    arguments = [arb(1), arb("0.5")] if function == "owen_t" else [arb(-9), arb(-8), arb("0.3"), arb("0.9")]
    assert ctx.prec == 53
    with pytest.raises(KeyboardInterrupt):
        getattr(bivariate, function)(*arguments)
