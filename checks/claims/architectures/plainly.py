"""Gram matrices in float32 throughout, as the released scripts form them: one long sum over the entries of gradients.

A road of its own beside `module_ntk`: plain automatic differentiation, one input after the other, nothing by layers.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

#: The released scripts replace a smallest eigenvalue below this by it.
FLOOR = 1e-12


def plain_kernels(model: Any, inputs: Any, output: Any) -> dict[str, npt.NDArray[np.float64]]:
    """The Gram matrices of all parameters and of the feed-forward networks, in the model's own precision.

    Args:
        model: of one output.
        inputs: shape (n, …).
        output: what is differentiated, of what the model returns: shape (n, 1).
    """
    import torch

    from glutheory.architectures import feed_forward_parameters

    parameters, inner = dict(model.named_parameters()), set(feed_forward_parameters(model))
    rest = [value for name, value in parameters.items() if name not in inner]
    chosen = [*rest, *(value for name, value in parameters.items() if name in inner)]
    sizes = [value.numel() for value in chosen]
    J = chosen[0].new_empty((len(inputs), sum(sizes)))
    for i, row in enumerate(J):
        gradients = torch.autograd.grad(output(model(inputs[i : i + 1])).squeeze(), chosen)
        torch.cat([gradient.flatten() for gradient in gradients], out=row)
    ffn = J[:, sum(sizes[: len(rest)]) :]
    return {which: (part @ part.T).double().cpu().numpy() for which, part in (("all", J), ("ffn", ffn))}


def clamped(K: npt.NDArray[np.float64]) -> float:
    """The condition number as those scripts print it: eigenvalues in float32, the smallest at least `FLOOR`."""
    values = np.linalg.eigvalsh(K.astype(np.float32))
    return float(values[-1] / max(values[0], np.float32(FLOOR)))
