"""One forward pass and one backward pass per output, in which every layer forms its Gram matrices as soon as it can.

Parameters that no layer of its own serves are differentiated in the whole model, by torch.func or plainly.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import torch
from torch import nn

from glutheory.sampling.modules import plain
from glutheory.sampling.modules.batches import Arguments, Axis
from glutheory.sampling.modules.contractions import Products
from glutheory.sampling.modules.differentiated import UNMAPPABLE, differentiated, hopeless
from glutheory.sampling.modules.layers import contraction
from glutheory.sampling.modules.routes import Route
from glutheory.sampling.modules.sinks import Sink
from glutheory.sampling.modules.subject import Subject

Tensor = torch.Tensor


class Run:
    """A forward pass of a batch, and what its layers need to form their kernels in backward passes.

    The graph of the forward pass is there until `close`.
    """

    def __init__(self, subject: Subject, routes: Sequence[Route], arguments: Arguments, rows: int) -> None:
        """Run the model forward.

        Args:
            subject: the network.
            routes: where gradients are taken, one per module; none that is the whole model.
            arguments: of the model, for all rows of the batch.
            rows: of the batch.
        """
        self._subject, self._routes, self._rows = subject, routes, rows
        #: parameters whose kernels could not be formed, with the error
        self.failed: dict[str, BaseException] = {}
        self._how = Products(1)
        self._only: Tensor | None = None
        self._sink: Sink | None = None
        #: of modules that are called more than once, what came in and the derivatives that came back, call by call
        self._calls: dict[str, list[tuple[Tensor, Tensor]]] = {}
        device = next(subject.model.parameters()).device
        # the graph begins at the layers whose kernels are wanted: each adds this zero to its output
        self._anchor = torch.zeros((), dtype=torch.float32, device=device, requires_grad=True)
        self._listening = True
        handles = [
            subject.model.get_submodule(route.path).register_forward_hook(self._hook(route), with_kwargs=True)
            for route in routes
        ]
        try:
            self._target: Tensor | None = subject.outputs(arguments, rows)
        finally:
            self._listening = False
            for handle in handles:
                handle.remove()

    @property
    def outputs(self) -> Tensor:
        """Of the batch, shape (rows, k)."""
        assert self._target is not None
        return self._target.detach()

    def close(self) -> None:
        """Give up the graph, which leads back here and would keep itself alive."""
        self._target = None

    def take(
        self, cotangent: Tensor, how: Products, sink: Sink, only: Tensor | None = None, *, last: bool = False
    ) -> None:
        """Hand over the kernels of Σ cotangent · output, for a cotangent of shape (rows, k).

        Args:
            cotangent: of the outputs.
            how: which products.
            sink: takes the gradients or their products.
            only: the places of some rows; None: all.
            last: no other backward pass will follow, and the graph need not be kept.
        """
        assert self._target is not None
        if not self._target.requires_grad:
            return
        self._how, self._sink, self._only = how, sink, only
        self._calls.clear()
        try:
            torch.autograd.grad(self._target, self._anchor, cotangent, retain_graph=not last, allow_unused=True)
            self._together()
        finally:
            self._sink = None

    def _hook(self, route: Route) -> Callable[..., Tensor | None]:
        def hook(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], found: Any) -> Tensor | None:
            along = route.layout.output
            if not self._listening or not isinstance(found, Tensor) or not found.is_floating_point():
                return None
            if route.structured and not (args and isinstance(args[0], Tensor)):
                return None  # no kernel will come, which the tests see
            output: Tensor = found
            if along.dim is not None and along.dim >= output.ndim:
                return None
            if along.dim is None:
                # the same for all samples so far: from here on one copy each, so that each has its own gradient
                output = output.expand(self._rows, *output.shape[1:])
            if not output.requires_grad:
                output = output + self._anchor.to(output.dtype)
            if not output.requires_grad:
                return None  # under torch.no_grad: no gradient will come
            # a layer of known form reads its first argument only
            given = args[0].detach() if route.structured else Arguments(args, kwargs).detached()
            output.register_hook(lambda g: self._take(route, module, given, g))  # type: ignore[no-untyped-call]
            return output

        return hook

    def _take(self, route: Route, module: nn.Module, given: Any, g: Tensor) -> None:
        """The derivatives with respect to this module's output have come."""
        if self._sink is None:
            return  # of a backward pass within the model
        with torch.no_grad():
            try:
                if route.structured:
                    axis, along = route.layout.arguments[0] or Axis(None), route.layout.output
                    along = Axis(0) if along.dim is None else along
                    x, y = self._chosen(axis.first(given, self._rows), along.first(g, self._rows))
                    if route.layout.calls == 1:
                        self._contract(route, module, x, y)
                    else:
                        self._calls.setdefault(route.path, []).append((x, y))
                else:
                    self._differentiate(route, module, given, g)
            except UNMAPPABLE as error:
                self._fail(route, error)

    def _chosen(self, *tensors: Tensor) -> list[Tensor]:
        return [x if self._only is None else x[self._only] for x in tensors]

    def _differentiate(self, route: Route, module: nn.Module, given: Arguments, g: Tensor) -> None:
        parameters = dict(module.named_parameters(remove_duplicate=False))
        chosen = {local: parameters[local].detach() for local in route.names}
        axes, only = route.layout.arguments, self._only
        if only is not None:
            leaves = given.leaves()
            for k, along in enumerate(axes):
                if along is not None and along.dim is not None:
                    leaves[k] = leaves[k].index_select(along.dim, only)
            given, g = given.replaced(leaves), g.index_select(route.layout.output.dim or 0, only)
        scratch = partial(self._subject.scratch, module)
        assert self._sink is not None
        differentiated(
            module, chosen, given, route.layout, g, how=self._how, sink=self._sink, names=route.names, scratch=scratch
        )

    def _together(self) -> None:
        """The gradient of a module that was called more than once is the sum over its calls, like over positions."""
        with torch.no_grad():
            for route in (route for route in self._routes if route.structured and route.path in self._calls):
                try:
                    x, g = (torch.cat(parts, dim=1) for parts in zip(*self._calls.pop(route.path), strict=True))
                    self._contract(route, self._subject.model.get_submodule(route.path), x, g)
                except UNMAPPABLE as error:
                    self._fail(route, error)

    def _contract(self, route: Route, module: nn.Module, x: Tensor, g: Tensor) -> None:
        form = contraction(module)
        assert form is not None
        assert self._sink is not None
        x = self._how.cast(x) if x.is_floating_point() else x
        form(module, x, self._how.cast(g), route.names, self._how, self._sink)

    def _fail(self, route: Route, error: BaseException) -> None:
        if hopeless(error):
            raise error
        self.failed |= dict.fromkeys(route.names.values(), error)


def whole(subject: Subject, route: Route, arguments: Arguments, cotangent: Tensor, how: Products, sink: Sink) -> None:
    """Hand over the kernels of parameters that are differentiated in the whole model."""
    names = tuple(route.names.values())
    if route.plain:
        plain.products(subject, names, arguments, cotangent, how, sink)
    else:
        parameters = subject.parameters()
        chosen = {name: parameters[name] for name in names}
        differentiated(
            subject.model,
            chosen,
            arguments,
            route.layout,
            cotangent,
            how=how,
            sink=sink,
            names=route.names,
            output=lambda returned: subject.read(returned, 1),
            scratch=subject.scratch,
        )
