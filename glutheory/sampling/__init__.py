"""Road 3, sampling: kernels of finite-width networks in torch, knowing nothing but the network.

``sampling.empirical_ntk("swiglu", X, width=4096, seed=0)`` is one draw of the kernel,
``sampling.monte_carlo("swiglu", X, width=4096, draws=100, seed=0)`` the mean of many and its standard error;
both take a `glutheory.Stack` of any depth, and ``sampling.width_bias(stack, X, limit, …)`` measures how far finite
networks are from their limit; ``sampling.module_ntk(model, inputs)`` is the kernel of any torch module as it is.
"""

from __future__ import annotations

from glutheory.errors import MissingDependencyError

try:
    import torch as _torch  # noqa: F401  (asked for first, for the sake of the message)
except ImportError:
    raise MissingDependencyError.of("glutheory.sampling needs", "torch", "torch") from None

from glutheory.sampling.estimate import Estimate, monte_carlo
from glutheory.sampling.feed_forward import FeedForward
from glutheory.sampling.modules import module_ntk
from glutheory.sampling.two_layer import empirical_ntk
from glutheory.sampling.width_bias import WidthBias, width_bias

__all__ = ["Estimate", "FeedForward", "WidthBias", "empirical_ntk", "module_ntk", "monte_carlo", "width_bias"]
