"""Gradients by plain automatic differentiation of the model as it is, with its own parameters: the reference.

Whatever can be trained can be differentiated so, checkpointed layers, functions with a backward pass of their own and
decisions that depend on the numbers included: one backward pass, as in training, after which each parameter has its
gradient. It knows nothing of layers, of the samples' axes or of torch.func, and is what all else is compared with.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch

from glutheory.sampling.modules.batches import Arguments
from glutheory.sampling.modules.contractions import Products, real
from glutheory.sampling.modules.differentiated import gram_of
from glutheory.sampling.modules.sinks import Sink
from glutheory.sampling.modules.subject import LOST, Subject

Tensor = torch.Tensor


def gradients(
    subject: Subject, arguments: Arguments, cotangent: Tensor, names: Sequence[str] | None = None
) -> tuple[Tensor, dict[str, Tensor], bool]:
    """The outputs of these rows, and the gradients of Σ cotangent · output.

    Args:
        subject: the network.
        arguments: of the rows.
        cotangent: shape (rows, k), or (rows, 1) to be expanded to it.
        names: of the parameters; None: all of the subject's.

    Returns:
        The outputs; the gradients by name, flat and real (of a complex parameter those with respect to its real and its
        imaginary part); and whether the outputs depend on these parameters at all.
    """
    names = subject.names if names is None else names
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("error", message=LOST)
            return _gradients(subject, arguments, cotangent, names, everything=False)
    except UserWarning as lost:
        if LOST not in str(lost):
            raise
        return _gradients(subject, arguments, cotangent, names, everything=True)


def _gradients(
    subject: Subject, arguments: Arguments, cotangent: Tensor, names: Sequence[str], *, everything: bool
) -> tuple[Tensor, dict[str, Tensor], bool]:
    chosen = {name: subject.chosen[name] for name in names}
    with torch.enable_grad(), subject.scratch(), _leaves(subject, names, everything):
        given = (
            arguments.replaced([_traced(x) for x in arguments.fresh().leaves()]) if everything else arguments.fresh()
        )
        outputs = subject.read(subject.model(*given.args, **given.kwargs), len(cotangent))
        depends = outputs.requires_grad
        if depends:
            # not torch.autograd.grad, which old checkpoints refuse
            torch.autograd.backward(outputs, cotangent.to(outputs.dtype).expand_as(outputs))
        found = {}
        for name, parameter in chosen.items():
            gradient = torch.zeros_like(parameter) if parameter.grad is None else parameter.grad
            found[name] = real(gradient.to_dense() if gradient.layout != torch.strided else gradient).flatten()
    return outputs.detach(), found, depends


def _traced(x: object) -> object:
    """The tensor with a graph behind it; no leaf, so that it may be changed in place."""
    if isinstance(x, Tensor) and (x.is_floating_point() or x.is_complex()):
        return x.requires_grad_() * 1
    return x


@contextmanager
def _leaves(subject: Subject, names: Sequence[str], everything: bool) -> Iterator[None]:
    """The model's parameters without gradients, of which these ask for some."""
    kept = [(name, p, p.requires_grad, p.grad) for name, p in subject.model.named_parameters()]
    wanted = set(names)
    try:
        for name, p, _, _ in kept:
            p.grad = None
            if p.is_floating_point() or p.is_complex():
                p.requires_grad_(everything or name in wanted)
        yield
    finally:
        for _, p, flag, gradient in kept:
            p.requires_grad_(flag)
            p.grad = gradient


def products(
    subject: Subject, names: Sequence[str], arguments: Arguments, cotangent: Tensor, how: Products, sink: Sink
) -> None:
    """Hand over per-sample gradients of these parameters, or their products, one row of the batch after the other."""

    def jacobian(block: slice) -> dict[str, Tensor]:
        rows = [
            gradients(subject, arguments.rows(slice(k, k + 1)), cotangent[k : k + 1], names)[1]
            for k in range(block.start, block.stop)
        ]
        return {name: torch.stack([row[name] for row in rows]) for name in names}

    parameters = [subject.chosen[name] for name in names]
    gram_of(jacobian, sum(p.numel() * p.itemsize for p in parameters), len(cotangent), how, sink)
