"""Quadratic forms of kernels, by which a batch is tested while its kernel is formed, or before."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import torch

from glutheory.sampling.modules.sinks import Sink

Tensor = torch.Tensor


class Forms:
    """A sink that keeps of each kernel K only wᵀKw, and the terms w_i² K_ii.

    Of gradients J, of which the kernel would be JJᵀ, the form is ‖Jᵀw‖²: rows that are mistaken for others are rows of
    J, and no kernel is formed.
    """

    joined = False

    def __init__(self, weights: Tensor, names: Iterable[str]) -> None:
        """With these weights, for the kernels of these parameters."""
        self._weights = weights
        self._parts: dict[str, list[tuple[Tensor, Tensor]]] = {name: [] for name in names}
        #: the terms w_i² K_ii, by the name of the parameter
        self.shares: dict[str, Tensor] = {}
        #: of sums of the kernels of a weight and a bias, by the name of the weight
        self.sums: dict[str, Forms] = {}

    def read(self) -> tuple[dict[str, float], dict[str, float]]:
        """The forms wᵀKw and the traces Σ_i w_i² K_ii, by the name of the parameter."""
        # from the device once, not number by number
        places = [name for name, parts in self._parts.items() for _ in parts]
        values = [torch.stack(pair).double() for parts in self._parts.values() for pair in parts]
        forms, traces = dict.fromkeys(self._parts, 0.0), dict.fromkeys(self._parts, 0.0)
        for name, (form, trace) in zip(places, torch.stack(values).tolist() if values else (), strict=True):
            forms[name] += form
            traces[name] += trace
        return forms, traces

    def rows(self, name: str, gradients: Tensor) -> None:
        """See `Sink`."""
        if name in self._parts:
            w = self._weights.to(gradients.dtype)
            self._add(name, torch.linalg.vector_norm(w @ gradients), w * torch.linalg.vector_norm(gradients, dim=1))

    def pairs(self, name: str, p: slice, q: slice, products: Tensor) -> None:
        """See `Sink`."""
        if name in self._parts:
            w = self._weights.to(products.dtype)
            form = (w[p] @ (products @ w[q])).double()
            self._parts[name].append((form if p == q else 2 * form, self._share(name, p, q, products)))

    def _share(self, name: str, p: slice, q: slice, products: Tensor) -> Tensor:
        """The part of the trace that these products give."""
        if p != q:
            return torch.zeros((), dtype=torch.float64, device=products.device)
        terms = self._weights[p].double().square() * products.diagonal().double()
        self._terms(name)[p] += terms
        return terms.sum()

    def _terms(self, name: str) -> Tensor:
        if name not in self.shares:
            self.shares[name] = torch.zeros_like(self._weights, dtype=torch.float64)
        return self.shares[name]

    def single(self, _a: Tensor, _g: Tensor, _names: Mapping[str, str]) -> Sink:
        """See `Sink`."""
        return self

    def apart(self, a: Tensor, g: Tensor, names: Mapping[str, str]) -> None:
        """Take the weight and the bias of a linear layer that is called on one vector a sample, without a product."""
        w = self._weights.to(g.dtype)
        scaled = w[:, None] * g
        lengths = torch.linalg.vector_norm(scaled, dim=1)
        if names["weight"] in self._parts:
            sizes = torch.linalg.vector_norm(a, dim=1)
            self._add(names["weight"], torch.linalg.vector_norm(scaled.T @ a), lengths * sizes)
        if names["bias"] in self._parts:
            self._add(names["bias"], torch.linalg.vector_norm(scaled.sum(0)), lengths)

    def of_sum(self, names: Mapping[str, str]) -> Forms:
        """Of the sum of the kernels of these parameters, under the name of the weight."""
        found = self.sums[names["weight"]] = Forms(self._weights, [names["weight"]])
        return found

    def _add(self, name: str, root: Tensor, lengths: Tensor) -> None:
        terms = lengths.double().square()
        self._terms(name).add_(terms)
        self._parts[name].append((root.double().square(), terms.sum()))


class Both:
    """A sink that tests what another one adds up."""

    def __init__(self, forms: Forms, sums: Sink) -> None:
        """The test, and the sums."""
        self._forms, self._sums = forms, sums
        self.joined = sums.joined

    def rows(self, name: str, gradients: Tensor) -> None:
        """See `Sink`."""
        self._forms.rows(name, gradients)
        self._sums.rows(name, gradients)

    def pairs(self, name: str, p: slice, q: slice, products: Tensor) -> None:
        """See `Sink`."""
        self._forms.pairs(name, p, q, products)
        self._sums.pairs(name, p, q, products)

    def single(self, _a: Tensor, _g: Tensor, _names: Mapping[str, str]) -> Sink:
        """See `Sink`: where the kernels of weight and bias come as one, each is tested, and so is their sum."""
        if not (self.joined and len(_names) == 2):
            return self
        self._forms.apart(_a, _g, _names)
        return Both(self._forms.of_sum(_names), self._sums)
