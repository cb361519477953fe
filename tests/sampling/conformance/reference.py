"""What is true of a subject, by plain passes of copies: its kernel, its precision, and whether its samples mix."""

from __future__ import annotations

import copy
from typing import Any

import torch

from glutheory.sampling.modules.precision import Precisions
from tests.sampling.autograd import per_sample
from tests.sampling.conformance.cases import Subject, alone, call

Tensor = torch.Tensor
#: The largest error of an entry, relative to the diagonal, by whether some arithmetic is float32: the unit roundoff,
#: times the root of a million terms in float64, times a hundred for what cancellation in deep networks costs.
TOLERANCE = {False: 1e-11, True: 1e-5}
#: More samples than any case has.
MANY = 100


def reference(subject: Subject) -> Tensor:
    """By plain automatic differentiation, one output of one sample at a time, on copies."""
    one = call(copy.deepcopy(subject.model), alone(subject.inputs, slice(0, 1)))
    count = (one if subject.output is None else subject.output(one)).numel()

    def output(k: int) -> Any:
        def chosen(returned: Any) -> Tensor:
            found = returned if subject.output is None else subject.output(returned)
            return found.reshape(-1)[k : k + 1]

        return chosen

    return sum(per_sample(subject.model, subject.inputs, output(k)) for k in range(count))  # type: ignore[return-value]


def mixed(subject: Subject, single: bool) -> bool | None:
    """Whether a sample's outputs or gradients depend on the others or on chance; None where not even torch gives them.

    By plain passes of copies, twice for all samples together, and once for each alone.
    """
    n = len(next(iter(subject.inputs.values())) if isinstance(subject.inputs, dict) else subject.inputs)
    try:
        whole, again, *parts = (
            passed(subject, index) for index in (slice(None), slice(None), *(slice(k, k + 1) for k in range(n)))
        )
    except Exception:  # noqa: BLE001 (other people's code: it may raise anything)
        return None
    apart = torch.cat([values for values, _ in parts]), torch.stack([gradient for _, gradient in parts]).sum(0)
    if not all(bool(torch.isfinite(x).all()) for x in (*whole, *apart)):
        return None
    return not all(
        torch.allclose(ours, theirs, 0, TOLERANCE[single] * float(ours.abs().max()))
        for other in (again, apart)
        for ours, theirs in zip(whole, other, strict=True)
    )


def passed(subject: Subject, index: slice) -> tuple[Tensor, Tensor]:
    """The outputs of these samples, and the gradient of their sum with weights 1, 2, … by all parameters."""
    model = copy.deepcopy(subject.model).requires_grad_()
    returned = call(model, alone(subject.inputs, index))
    found: Tensor = returned if subject.output is None else subject.output(returned)
    rows = found.reshape(len(found) if found.ndim else 1, -1)
    weights = torch.arange(1, MANY)[index][: len(rows)]
    torch.matmul(weights.to(rows), rows).sum().backward()
    flat = [torch.zeros_like(p) if p.grad is None else p.grad.to_dense() for p in model.parameters()]
    real = [torch.view_as_real(x) if x.is_complex() else x for x in flat]
    return rows.detach(), torch.cat([x.flatten() for x in real])


def coarse(subject: Subject) -> bool:
    """Whether some arithmetic of the model is float32 although its weights are float64."""
    seen = Precisions()
    with seen:
        call(copy.deepcopy(subject.model), alone(subject.inputs, slice(0, 1)))
    return seen.single
