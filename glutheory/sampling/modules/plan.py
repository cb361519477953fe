"""For every parameter the smallest module in which its per-sample gradients can be taken, and a test of the choice.

A run of one sample and one of two show which axis of every tensor counts the samples. The kernels of two samples are
then compared with the plain gradients of each sample alone: parameters for which they differ are used in a way that
the hooks do not see (by another module, say), and go to torch.func on the whole model. Two outputs that differ from
those of the samples alone mean that the samples are not independent.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import torch
from torch import nn

from glutheory.errors import DomainError
from glutheory.sampling.modules.batches import Arguments, Axis, Call, Layout, layout
from glutheory.sampling.modules.layers import contraction
from glutheory.sampling.modules.run import Readout, Route, Run, call, detached, observe

Tensor = torch.Tensor
#: Entries of two kernels that are equal but for rounding differ by less than this, relative to the diagonal: the
#: square root of the unit roundoff and an order, since cancellation in deep networks multiplies rounding.
_CLOSE = {torch.float32: 4e-3, torch.float64: 1e-7}
#: Where a kernel is below this share of the whole one it is rounding, such as that of the keys' biases in attention.
_NOTHING = {torch.float32: 1e-7, torch.float64: 1e-14}


def plan(
    model: nn.Module, arguments: Arguments, readout: Readout, names: Sequence[str], workspace: int
) -> tuple[tuple[Route, ...], int]:
    """The routes of these parameters, and the number of outputs.

    Raises:
        DomainError: the samples are not independent of each other, or the output does not depend on the parameters.
    """
    n = next(x.shape[0] for x in arguments.leaves() if isinstance(x, Tensor))
    pair = arguments.rows(torch.tensor([0, n - 1]))
    alone = [pair.rows(slice(k, k + 1)) for k in range(2)]
    (_, one), (returned, two) = observe(model, alone[0]), observe(model, pair)
    exact = [_gradients(model, item, readout, names) for item in alone]
    whole = readout(returned)
    k = whole.shape[1]
    _independent(whole, exact)
    root = Layout(tuple(Axis(0) if isinstance(x, Tensor) else None for x in arguments.leaves()), Axis(0))
    places = {name: _place(model, name, one, two) for name in names}
    routes = _routes(places, model, one, two, root)
    ones = torch.ones((2, k), dtype=whole.dtype, device=whole.device)
    found = Run(model, [item for item in routes if item.path], pair, readout, 2, workspace).forward([ones])
    total = torch.stack([torch.stack([g.square().sum() for g in item[1].values()]).sum() for item in exact])
    wrong = {name for name, kernel in found.items() if not _agree(kernel, [item[1][name] for item in exact], total)}
    if wrong:
        routes = _routes({**places, **dict.fromkeys(wrong, "")}, model, one, two, root)
    return routes, k


def _gradients(
    model: nn.Module, arguments: Arguments, readout: Readout, names: Sequence[str]
) -> tuple[Tensor, dict[str, Tensor]]:
    """The outputs of one sample and the gradients of their sum, by plain automatic differentiation."""
    parameters = detached(model)
    chosen = [parameters[name].requires_grad_() for name in names]
    with torch.enable_grad():
        outputs = readout(call(model, arguments, parameters))
        if not outputs.requires_grad:
            raise DomainError(
                "model's output does not depend on the parameters in a way that torch can differentiate: "
                "remove torch.no_grad, detach and rounding from its forward pass, or choose other parameters."
            )
        found = torch.autograd.grad(outputs.sum(), chosen, allow_unused=True, materialize_grads=True)
    return outputs.detach(), dict(zip(names, found, strict=True))


def _independent(whole: Tensor, exact: Sequence[tuple[Tensor, Mapping[str, Tensor]]]) -> None:
    """Refuse models that mix the samples of a batch, or draw random numbers."""
    separate = torch.cat([item[0] for item in exact])
    if separate.shape != whole.shape:
        raise DomainError(
            f"model returns the shape {tuple(whole.shape)} for two inputs and {tuple(separate.shape)} for each alone: "
            "give output=, a function that makes one row per input of what it returns."
        )
    error = (separate - whole).abs().max()
    scale = whole.abs().max()
    if not bool(torch.isfinite(separate).all()):
        raise DomainError("model's output is not finite for the first or the last input: check the inputs and weights.")
    if bool(error > _CLOSE[whole.dtype] * scale):
        raise DomainError(
            f"model's output for one input changes by {float(error):.2g} with the other inputs of the batch, or by "
            "chance: call model.eval() and switch off batch statistics and random layers."
        )


def _place(model: nn.Module, name: str, one: Mapping[str, Call], two: Mapping[str, Call]) -> str:
    """The path of the smallest module that contains all uses of this parameter and can be differentiated alone."""
    parameter = model.get_parameter(name)
    paths = [n.rpartition(".")[0] for n, p in model.named_parameters(remove_duplicate=False) if p is parameter]
    path = _common(paths)
    while path:
        found = layout(one[path], two[path]) if path in one and path in two else None
        structured = paths == [path] and contraction(model.get_submodule(path)) is not None
        if found is not None and (found.single or (structured and found.arguments[0] is not None)):
            return path
        path = path.rpartition(".")[0]
    return path


def _common(paths: Sequence[str]) -> str:
    """The longest path that all of these begin with."""
    parts = [path.split(".") for path in paths]
    shared = []
    for steps in zip(*parts, strict=False):
        if len(set(steps)) > 1:
            break
        shared.append(steps[0])
    return ".".join(shared)


def _routes(
    places: Mapping[str, str], model: nn.Module, one: Mapping[str, Call], two: Mapping[str, Call], root: Layout
) -> tuple[Route, ...]:
    """One route per module and way."""
    routes: dict[tuple[str, bool], Route] = {}
    for name, path in places.items():
        local = name[len(path) + 1 :] if path else name
        # a parameter from further down (of a parametrisation, say) is none of the layer's own
        structured = bool(path) and "." not in local and contraction(model.get_submodule(path)) is not None
        found = layout(one[path], two[path]) if path else root
        assert found is not None
        route = routes.get((path, structured), Route(path, found, {}, structured))
        routes[path, structured] = replace(route, names={**route.names, local: name})
    return tuple(routes.values())


def _agree(kernel: Tensor, gradients: Sequence[Tensor], total: Tensor) -> bool:
    """Whether the kernel of two samples is that of their gradients, but for rounding."""
    dtype = gradients[0].dtype
    flat = torch.stack([gradient.flatten() for gradient in gradients])
    true = (flat @ flat.T).double()
    size = true.diagonal().sqrt() * _CLOSE[dtype] ** 0.5 + (total.double() * _NOTHING[dtype]).sqrt()
    return bool(((kernel - true).abs() <= torch.outer(size, size)).all())
