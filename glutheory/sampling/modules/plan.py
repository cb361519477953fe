"""For every parameter the smallest module in which its per-sample gradients can be taken, and a first test of it.

A run of one sample and one of two show which axis of every tensor counts the samples. The kernels of two samples are
then compared with the plain gradients of each sample alone: parameters for which they differ are used in a way that
the hooks do not see (by another module, say), and are differentiated in the whole model. What holds for these two is
held against every batch once more, see `verify`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import torch
from torch import nn

from glutheory.errors import DomainError
from glutheory.sampling.modules import plain
from glutheory.sampling.modules.batches import Arguments, Axis, Call, Layout, layout
from glutheory.sampling.modules.contractions import Products
from glutheory.sampling.modules.differentiated import UNMAPPABLE, hopeless
from glutheory.sampling.modules.layers import contraction
from glutheory.sampling.modules.observe import observe
from glutheory.sampling.modules.precision import close, nothing
from glutheory.sampling.modules.routes import Route
from glutheory.sampling.modules.run import Run
from glutheory.sampling.modules.sinks import Sums, mirrored
from glutheory.sampling.modules.subject import CONSTANT, Subject

Tensor = torch.Tensor


def plan(subject: Subject, pair: Arguments, workspace: int) -> tuple[tuple[Route, ...], int]:
    """The routes of the subject's parameters, and the number of outputs.

    Args:
        subject: the network.
        pair: two samples.
        workspace: bytes of temporary arrays.

    Raises:
        DomainError: the output does not depend on the parameters, or has no row per sample.
    """
    alone = [pair.rows(slice(k, k + 1)) for k in range(2)]
    (single, one), (both, two) = observe(subject, alone[0], 1), observe(subject, pair, 2)
    k = both.shape[1]
    if single.shape[1] != k:
        raise DomainError(
            f"model returns {k} outputs for each of two inputs and {single.shape[1]} for one alone: "
            "give output=, a function that makes one row per input of what it returns."
        )
    ones = torch.ones((1, 1), dtype=both.dtype, device=both.device)
    exact = [plain.gradients(subject, item, ones) for item in alone]
    if not any(depends for _, _, depends in exact):
        raise DomainError(CONSTANT)
    root = Layout(tuple(Axis(0) if isinstance(x, Tensor) else None for x in pair.leaves()), Axis(0))
    places = {name: _place(subject.model, name, one, two) for name in subject.names}
    routes = _routes(places, subject.model, one, two, root)
    touched = {name for route in routes if not _traceable(subject, route) for name in route.names.values()}
    routes = demoted(subject, routes, touched, root)
    inner = [route for route in routes if route.path]
    found = {name: torch.zeros((2, 2), dtype=torch.float64, device=both.device) for name in subject.names}
    how = Products(workspace)
    failed: set[str] = set()
    try:
        run = Run(subject, inner, pair, 2)
        run.take(ones.expand(2, k), how, Sums(found, how), last=True)
        run.close()
        failed = set(run.failed)
    except UNMAPPABLE as error:
        if hopeless(error):
            raise
        failed = {name for route in inner for name in route.names.values()}
    for kernel in found.values():
        mirrored(kernel)
    total = torch.stack([torch.stack([g.double().square().sum() for g in item.values()]).sum() for _, item, _ in exact])
    wrong = {
        name
        for name in (name for route in inner for name in route.names.values())
        if name in failed or not _agree(found[name], [item[name] for _, item, _ in exact], total, subject.single)
    }
    return demoted(subject, routes, wrong, root), k


def demoted(subject: Subject, routes: Sequence[Route], wrong: set[str], root: Layout) -> tuple[Route, ...]:
    """These routes, but for the parameters that are wrong there the next way: torch.func on the whole model, then none.

    A model that changes its parameters when it is called is not given to torch.func.

    Raises:
        DomainError: one of the parameters was differentiated plainly already.
    """
    kept, traceable = [], _traceable(subject, Route("", root, {}, structured=False))
    more: dict[str, dict[str, str]] = {"model": {}, "autograd": {}}
    for route in routes:
        names = {local: name for local, name in route.names.items() if name not in wrong}
        if names:
            kept.append(replace(route, names=names))
        lost = wrong & set(route.names.values())
        if lost and route.plain:
            raise DomainError(
                f"model's gradient by {min(lost)!r} depends on the other inputs of the batch, on chance, or on whether "
                "torch computes it alone (it does for batch normalisation of permuted images, torch 2.13): call "
                "model.eval() and switch off batch statistics and random layers."
            )
        for name in lost:
            more["model" if route.path and traceable else "autograd"][name] = name
    for way, names in more.items():
        same = next((route for route in kept if not route.path and route.way == way), None)
        if same is not None and names:
            kept[kept.index(same)] = replace(same, names={**same.names, **names})
        elif names:
            kept.append(Route("", root, names, structured=False, plain=way == "autograd"))
    return tuple(kept)


def united(subject: Subject, routes: tuple[Route, ...], rows: int, workspace: int) -> tuple[Route, ...] | None:
    """All parameters together, where torch.func differentiates the whole model anyway for some; None where not.

    The passes through the layers are saved then. The gradients of all rows have to fit, as one Jacobian may.
    """
    others = [route for route in routes if route.path]
    some = [route for route in routes if not route.path]
    size = sum(p.numel() * p.itemsize for p in subject.chosen.values())
    if not others or len(some) != 1 or some[0].plain or rows * size > 4 * workspace:
        return None
    return (replace(some[0], names={name: name for name in subject.names}),)


def whole_names(routes: Sequence[Route]) -> set[str]:
    """Of the parameters that are differentiated in the whole model."""
    return {name for route in routes if not route.path for name in route.names.values()}


def _traceable(subject: Subject, route: Route) -> bool:
    """Whether no parameter of the module changes when it is called: torch.func crashes where numbers are put in."""
    changed = {id(tensor) for tensor in subject.changing}
    module = subject.model.get_submodule(route.path)
    return route.structured or not any(id(parameter) in changed for parameter in module.parameters())


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


def _agree(kernel: Tensor, gradients: Sequence[Tensor], total: Tensor, single: bool) -> bool:
    """Whether the kernel of two samples is that of their gradients, but for rounding."""
    flat = torch.stack(list(gradients)).double()
    true = flat @ flat.T
    size = true.diagonal().sqrt() * close(single) ** 0.5 + (total * nothing(single)).sqrt()
    return bool(((kernel - true).abs() <= torch.outer(size, size)).all())
