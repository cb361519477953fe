"""One forward pass and one backward pass per output, in which every layer forms its Gram matrices as soon as it can."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import nn
from torch.func import functional_call

from glutheory.sampling.modules.batches import Arguments, Axis, Call, Layout
from glutheory.sampling.modules.differentiated import differentiated
from glutheory.sampling.modules.layers import contraction

Tensor = torch.Tensor
#: Makes a tensor of shape (rows, outputs) of what the model returns.
Readout = Callable[[Any], Tensor]


@dataclass(frozen=True)
class Route:
    """Where the gradients of some parameters are taken.

    Attributes:
        path: of the module in the model; "" is the model itself.
        layout: the samples' axes there.
        names: of the parameters in that module, with their names in the model.
        structured: by the known form of the layer, not by torch.func.
    """

    path: str
    layout: Layout
    names: Mapping[str, str]
    structured: bool


def call(model: nn.Module, arguments: Arguments, parameters: Mapping[str, Tensor]) -> Any:
    """What the model returns with these parameters in place of its own."""
    return functional_call(model, dict(parameters), arguments.args, dict(arguments.kwargs))


def detached(model: nn.Module) -> dict[str, Tensor]:
    """All parameters without a graph; a shared one is one tensor under the first of its names."""
    return {name: parameter.detach() for name, parameter in model.named_parameters()}


def observe(model: nn.Module, arguments: Arguments) -> tuple[Any, dict[str, Call]]:
    """What the model returns, and the calls of its modules, by path."""
    calls: dict[str, Call] = {}

    def note(path: str) -> Callable[..., None]:
        def hook(_: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], output: Any) -> None:
            plain = isinstance(output, Tensor) and output.is_floating_point()
            shapes, shape = tuple(Arguments(args, kwargs).shapes()), output.shape if plain else None
            first = calls.get(path, Call(0, shapes, shape))
            alike = first.alike and (first.arguments, first.output) == (shapes, shape)
            calls[path] = replace(first, count=first.count + 1, alike=alike)

        return hook

    hooks = [
        module.register_forward_hook(note(path), with_kwargs=True)
        for path, module in model.named_modules(remove_duplicate=False)
        if path
    ]
    try:
        with torch.no_grad():
            return call(model, arguments, detached(model)), calls
    finally:
        for handle in hooks:
            handle.remove()


@dataclass
class Run:
    """The kernels of a batch: `kernels` by the names of the parameters in the model, complete after `forward`.

    Attributes:
        model: the network.
        routes: where gradients are taken, one per module.
        arguments: of the model, for all rows of the batch.
        readout: of what it returns.
        rows: of the batch.
        workspace: bytes of temporary arrays.
        kernels: shape (rows, rows) each, in float64.
    """

    model: nn.Module
    routes: Sequence[Route]
    arguments: Arguments
    readout: Readout
    rows: int
    workspace: int
    kernels: dict[str, Tensor] = field(default_factory=dict)
    _listening: bool = False
    #: of modules that are called more than once, what came in and the derivatives that came back, call by call
    _calls: dict[str, list[tuple[Tensor, Tensor]]] = field(default_factory=dict)

    def forward(self, cotangents: Iterable[Tensor]) -> dict[str, Tensor]:
        """The sum of the kernels of Σ cotangent · output for these cotangents, each of shape (rows, outputs)."""
        inner = [route for route in self.routes if route.path]
        parameters = detached(self.model)
        device = next(iter(parameters.values())).device
        for name in (name for route in self.routes for name in route.names.values()):
            self.kernels[name] = torch.zeros((self.rows, self.rows), dtype=torch.float64, device=device)
        sequence = list(cotangents)
        if inner:
            # the graph begins at the layers whose kernels are wanted: each adds this zero to its output
            anchor = torch.zeros((), dtype=torch.float32, device=device, requires_grad=True)
            with torch.enable_grad(), self._hooks(inner, anchor):
                self._listening = True
                target = self.readout(call(self.model, self.arguments, parameters))
                self._listening = False
                for k, cotangent in enumerate(sequence):
                    if target.requires_grad:
                        torch.autograd.grad(
                            target, anchor, cotangent, retain_graph=k + 1 < len(sequence), allow_unused=True
                        )
                        self._together(inner)
            del target
        for route in (route for route in self.routes if not route.path):
            chosen = {local: parameters[name] for local, name in route.names.items()}
            for cotangent in sequence:
                self._add(
                    route,
                    differentiated(
                        self.model,
                        chosen,
                        self.arguments,
                        route.layout,
                        cotangent,
                        workspace=self.workspace,
                        output=self.readout,
                    ),
                )
        return {name: (kernel + kernel.T) / 2 for name, kernel in self.kernels.items()}

    @contextmanager
    def _hooks(self, routes: Sequence[Route], anchor: Tensor) -> Iterator[None]:
        handles = [
            self.model.get_submodule(route.path).register_forward_hook(self._hook(route, anchor), with_kwargs=True)
            for route in routes
        ]
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()

    def _hook(self, route: Route, anchor: Tensor) -> Callable[..., Tensor | None]:
        def hook(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], output: Tensor) -> Tensor | None:
            if not self._listening:
                return None
            if route.layout.output.dim is None:
                # the same for all samples so far: from here on one copy each, so that each has its own gradient
                output = output.expand(self.rows, *output.shape[1:])
            if not output.requires_grad:
                output = output + anchor.to(output.dtype)
            given = Arguments(args, kwargs).detached()
            output.register_hook(lambda g: self._take(route, module, given, g))  # type: ignore[no-untyped-call]
            return output

        return hook

    def _take(self, route: Route, module: nn.Module, given: Arguments, g: Tensor) -> None:
        """The derivatives with respect to this module's output have come."""
        with torch.no_grad():
            if route.structured:
                axis, along = route.layout.arguments[0] or Axis(None), route.layout.output
                along = Axis(0) if along.dim is None else along
                x, y = axis.first(given.args[0], self.rows), along.first(g, self.rows)
                if route.layout.calls == 1:
                    self._contract(route, module, x, y)
                else:
                    self._calls.setdefault(route.path, []).append((x, y))
            else:
                parameters = dict(module.named_parameters(remove_duplicate=False))
                chosen = {local: parameters[local].detach() for local in route.names}
                self._add(route, differentiated(module, chosen, given, route.layout, g, workspace=self.workspace))

    def _together(self, routes: Sequence[Route]) -> None:
        """The gradient of a module that was called more than once is the sum over its calls, like over positions."""
        with torch.no_grad():
            for route in (route for route in routes if route.structured and route.path in self._calls):
                x, g = (torch.cat(parts, dim=1) for parts in zip(*self._calls.pop(route.path), strict=True))
                self._contract(route, self.model.get_submodule(route.path), x, g)

    def _contract(self, route: Route, module: nn.Module, x: Tensor, g: Tensor) -> None:
        form = contraction(module)
        assert form is not None
        self._add(route, form(module, x, g, tuple(route.names), self.workspace))

    def _add(self, route: Route, found: Mapping[str, Tensor]) -> None:
        for local, kernel in found.items():
            self.kernels[route.names[local]] += kernel
