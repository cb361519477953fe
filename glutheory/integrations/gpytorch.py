"""The kernels as a `gpytorch.kernels.Kernel`, with the variances of the weights as hyperparameters.

>>> import gpytorch
>>> from glutheory.integrations.gpytorch import NTKKernel
>>> kernel = gpytorch.kernels.ScaleKernel(NTKKernel("swiglu"))

In the ntk parametrisation the readout's variance and the scale of a `ScaleKernel` are one parameter twice: fix one, for
instance by ``kernel.base_kernel.raw_readout_variance.requires_grad_(False)``. So are all the variances of relu and the
other homogeneous activations.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from glutheory.errors import DomainError, MissingDependencyError
from glutheory.ground.arguments import integer
from glutheory.layers import Stack
from glutheory.networks import Network, weights
from glutheory.networks import network as named_network
from glutheory.numeric.gradient import check_finite
from glutheory.numeric.reading import check_rows

try:
    import gpytorch
    import torch
except ImportError:
    raise MissingDependencyError.of("this needs", "gpytorch", "gpytorch") from None

from glutheory.integrations.kernel import Kernel
from glutheory.integrations.products import lazy_gram
from glutheory.integrations.torch import gram, gram_diagonal

_SUFFIX = "_variance"
#: Of the names of a stack's numbers that are no variances.
_FACTORS = ("residual", "scale")


class NTKKernel(gpytorch.kernels.Kernel):
    """The NTK or NNGP of a network, as in `glutheory.gram`.

    Each kind of weight has a variance of shape `batch_shape`: the readout, and the network's roles (hidden; value and
    gate; branch1, branch2, …). That of the gate, say, is the attribute ``gate_variance``, which can be set; it is the
    transform of the parameter ``raw_gate_variance`` under the constraint ``raw_gate_variance_constraint``. Its prior,
    if any, is ``gate_variance_prior``.

    A stack has the numbers that its layers say (`Stack.numbers`: variances of weights and biases, factors); those that
    `variances` names are parameters, with these initial values: that of ``block.gate`` is ``block_gate_variance``, of
    ``block.gate.bias`` ``block_gate_bias_variance``, and the factor ``block.residual`` is ``block_residual``. Behind
    norms some are the same parameter twice, or none: name those that are to be learnt.

    Args:
        network: a `Network` of any activations, the name of one, or a `Stack` without a mean over positions.
        kind: "ntk" or "nngp".
        parametrization: "ntk" or "standard".
        width: the number of hidden units; only for "standard", which needs it.
        variances: the initial ones by name, numbers or tensors of shape `batch_shape`. Left out: 1 in the ntk
            parametrisation; LeCun's, 1/features and 1/width, in the standard one; of a stack, no parameters.
        features: the number of features; only for the initial variances of "standard".
        variance_prior: one `gpytorch.priors.Prior` for all the variances, or a mapping of names to priors.
        variance_constraint: the same with constraints; left out: `gpytorch.constraints.Positive`.
        strip: if given, a matrix of more rows is never formed: products with it are computed in strips of that many
            rows, each time anew (see `GramLinearOperator`), as GPyTorch's iterative methods need them. Left out: it is
            formed, which is faster as long as there is room for it.
        batch_shape: for a batch of kernels with variances of their own, as in all kernels of GPyTorch.
        active_dims: the features to use; left out: all.

    Raises:
        DomainError: an argument that does not fit; the message names it, its value and the remedy.
        UnknownNameError: no network of that name.
    """

    has_lengthscale = False

    def __init__(
        self,
        network: Network | Stack | str = "swiglu",
        *,
        kind: str = "ntk",
        parametrization: str = "ntk",
        width: int | None = None,
        variances: Mapping[str, Any] | None = None,
        features: int | None = None,
        variance_prior: Any = None,
        variance_constraint: Any = None,
        strip: int | None = None,
        batch_shape: torch.Size | None = None,
        active_dims: Any = None,
    ) -> None:
        super().__init__(batch_shape=batch_shape, active_dims=active_dims)
        net = network if isinstance(network, Stack) else named_network(network)
        if kind not in ("ntk", "nngp"):
            raise DomainError(f"kind is {kind!r}: use 'ntk' or 'nngp'.")
        check_finite(net, kind)
        self.strip = None if strip is None else integer("strip", strip, 1)
        self.network, self.kind, self.parametrization, self.width = net, kind, parametrization, width
        if isinstance(net, Stack):
            _check_stack(net, {"features": features, "strip": strip})
            initial = _of_stack(net, variances or {})
            self.roles: tuple[str, ...] = tuple(initial)
        else:
            initial = _initial(net, parametrization, width, variances, features)
            self.roles = ("readout", *net.roles)
        self.attributes = {_attribute(role, net): role for role in self.roles}
        priors = _by_role("variance_prior", variance_prior, self.roles)
        constraints = _by_role("variance_constraint", variance_constraint, self.roles)
        for role in self.roles:
            self._register(role, initial[role], role in (variances or {}), priors.get(role), constraints.get(role))

    def _register(self, role: str, initial: Any, given: bool, prior: Any, constraint: Any) -> None:
        """The parameter of one role, its constraint and its prior."""
        name = _attribute(role, self.network)
        self.register_parameter(name="raw_" + name, parameter=torch.nn.Parameter(torch.zeros(self.batch_shape)))
        if constraint is None:
            constraint = gpytorch.constraints.Positive()
        self.register_constraint("raw_" + name, constraint)
        if given or constraint.initial_value is None:
            setattr(self, name, initial)
        if prior is not None:
            if not isinstance(prior, gpytorch.priors.Prior):
                raise TypeError(f"Expected gpytorch.priors.Prior but got {type(prior).__name__}")
            self.register_prior(name + "_prior", prior, partial(_read, name=name), partial(_write, name=name))

    def _role(self, name: str) -> str | None:
        """The role whose variance is the attribute of that name."""
        found: str | None = self.__dict__.get("attributes", {}).get(name)
        return found

    def __getattr__(self, name: str) -> Any:
        if self._role(name) is None:
            return super().__getattr__(name)
        raw = super().__getattr__("raw_" + name)
        return super().__getattr__(f"raw_{name}_constraint").transform(raw)

    def __setattr__(self, name: str, value: Any) -> None:
        if self._role(name) is None:
            super().__setattr__(name, value)
            return
        raw = getattr(self, "raw_" + name)
        value = torch.as_tensor(value).to(raw)
        self.initialize(**{"raw_" + name: getattr(self, f"raw_{name}_constraint").inverse_transform(value)})

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self.attributes]

    @property
    def variances(self) -> dict[str, torch.Tensor]:
        """The variances by name, each of shape `batch_shape`: what `gram` takes."""
        return {role: getattr(self, name) for name, role in self.attributes.items()}

    def forward(
        self,
        x1: torch.Tensor,
        x2: torch.Tensor,
        diag: bool = False,
        last_dim_is_batch: bool = False,
        **params: Any,  # noqa: ARG002 (the signature of all kernels)
    ) -> Any:
        """The kernel matrix, shape (…, n, m), a tensor or an operator; or its diagonal, shape (…, n)."""
        variances = self.variances
        if last_dim_is_batch:
            x1, x2 = (x.transpose(-1, -2).unsqueeze(-1) for x in (x1, x2))
            variances = {role: value.unsqueeze(-1) for role, value in variances.items()}
        if self.strip is not None and not diag and x1.shape[-2] > self.strip:
            options = Kernel(self.network, self.kind, self.parametrization, self.width, (), self.roles)
            return lazy_gram(options, self.strip, x1, x2, variances)
        function = gram_diagonal if diag else gram
        found: torch.Tensor = function(
            self.network,
            x1,
            None if _same(x1, x2) else x2,
            kind=self.kind,
            parametrization=self.parametrization,
            width=self.width,
            variances=variances or None,
        )
        return found


def _check_stack(stack: Stack, given: Mapping[str, Any]) -> None:
    """Refuse what a stack has no use for, now and not when the first rows come."""
    check_rows(stack)
    for name, value in given.items():
        if value is not None:
            why = "its matrix is always formed" if name == "strip" else "its layers need none"
            raise DomainError(
                f"{name} is {repr(value)[:60]}, and the network is the stack {stack.name!r}: {why}; leave it out."
            )


def _attribute(role: str, network: Network | Stack) -> str:
    """The attribute of a variance or factor: names of torch's parameters have no dots."""
    last = role.rpartition(".")[2].rstrip("0123456789")
    factor = isinstance(network, Stack) and last in _FACTORS
    return role.replace(".", "_") + ("" if factor else _SUFFIX)


def _of_stack(stack: Stack, variances: Mapping[str, Any]) -> dict[str, Any]:
    """The initial values of those numbers that are parameters."""
    numbers = {name: value for name, value in variances.items() if not isinstance(value, torch.Tensor)}
    tensors = dict.fromkeys(variances.keys() - numbers, 1)
    made = stack.with_numbers(numbers | tensors).numbers
    return {name: value if name in tensors else float(made[name]) for name, value in variances.items()}


def _read(kernel: NTKKernel, *, name: str) -> torch.Tensor:
    """A variance; no closure, so that a kernel with priors can be pickled."""
    value: torch.Tensor = getattr(kernel, name)
    return value


def _write(kernel: NTKKernel, value: Any, *, name: str) -> None:
    setattr(kernel, name, value)


def _same(x1: torch.Tensor, x2: torch.Tensor) -> bool:
    """Whether the matrix may be computed as a symmetric one: its gradient then flows to x1 alone."""
    if x1 is x2:
        return True
    free = not (torch.is_grad_enabled() and (x1.requires_grad or x2.requires_grad))
    return free and x1.shape == x2.shape and bool(torch.equal(x1, x2))


def _by_role(name: str, given: Any, roles: tuple[str, ...]) -> dict[str, Any]:
    """The priors or constraints of each role."""
    if not isinstance(given, Mapping):
        return {} if given is None else dict.fromkeys(roles, given)
    unknown = [role for role in given if role not in roles]
    if unknown:
        raise DomainError(f"{name} has the key {unknown[0]!r}: the weights are {', '.join(roles)}.")
    return dict(given)


def _initial(
    net: Network, parametrization: str, width: int | None, variances: Mapping[str, Any] | None, features: int | None
) -> dict[str, Any]:
    """The initial variances of all roles; the checks are those of `weights`."""
    given = dict(variances or {})
    numbers = {role: value for role, value in given.items() if not isinstance(value, torch.Tensor)}
    unset = [role for role in net.roles if role not in given]
    if parametrization == "standard" and unset and features is None:
        raise DomainError(
            f"features is None: the standard parametrisation needs it, or variances for {', '.join(unset)}."
        )
    found = weights(net, features or 1, parametrization, width, numbers | dict.fromkeys(given.keys() - numbers, 1))
    exact = dict(zip(("readout", *net.roles), (found.readout, *found.branches), strict=True))
    return {role: given[role] if role in given.keys() - numbers else float(value) for role, value in exact.items()}
