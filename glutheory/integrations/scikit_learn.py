"""The kernels of two-layer networks and of stacks for scikit-learn: Gaussian processes, kernel ridge regression, SVMs.

Needs scikit-learn, the extra ``scikit-learn``.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any, Literal

import numpy as np

from glutheory.errors import DomainError, MissingDependencyError
from glutheory.integrations.text import network_text, plain
from glutheory.layers import Stack
from glutheory.networks import Network
from glutheory.networks import network as named_network
from glutheory.numeric import gram
from glutheory.numeric.diagonals import diagonal
from glutheory.numeric.gradient import check_finite, gram_gradient
from glutheory.numeric.reading import check_rows, prepare

try:
    from sklearn.gaussian_process.kernels import Hyperparameter, Kernel
    from sklearn.utils import check_array
except ImportError as error:
    raise MissingDependencyError.of("this needs", "scikit-learn", "scikit-learn") from error

#: A pair, or a pair for each branch, or "fixed".
Bounds = tuple[float, float] | Literal["fixed"] | Any

#: Of the factors of a kernel, whose values range with those of inputs and targets.
_WIDE = (1e-14, 1e14)


class NTKKernel(Kernel):
    """The kernel of a network, e.g. ``NTKKernel("swiglu")``, wherever scikit-learn takes a kernel.

    Usable in GaussianProcessRegressor and GaussianProcessClassifier, where the variances of the weights are learnt
    with the analytic gradient of the likelihood; composable with ``+``, ``*``, ``**``, WhiteKernel and ConstantKernel;
    and as ``KernelRidge(kernel=...)``, ``SVC(kernel=...)`` and the like, where every parameter can be searched
    (``kernel__network``, ``kernel__gate_variance``). Values are float64, as accurate as `glutheory.gram`.

    Variances are in units of 1/fan-in, in both parametrisations: 1 is LeCun's initialisation, 2 is He's. (For the
    standard parametrisation `glutheory.gram` takes the variances themselves: these over d, that of the readout over the
    width.) Only those of the network's own weights count; the others are fixed and ignored. What is learnt unless
    bounds say otherwise is the readout's variance, a factor of the kernel. The value weights' variance is another one,
    and so is that of weights before ReLU; before other activations large variances come close to it, where the
    likelihood has a ridge that leads out of any bounds. Give bounds for those that are to be learnt instead, or
    besides.

    A gated network without biases is 0 at x = 0, and so is its kernel: a constant in y cannot be represented. Centre y
    (``normalize_y=True``), or give the readout a bias, ``NTKKernel("swiglu", bias_variance=1.0)``, which adds that
    constant to every entry, is learnt, and is what ``NTKKernel("swiglu") + ConstantKernel()`` is. Features should be of
    order 1, as StandardScaler makes them.

    A stack, ``NTKKernel(glutheory.stack("swiglu", 12))``, has the numbers that its layers say: variances of weights and
    biases, and factors. For others, and those to be learnt, give `layer_numbers`, one for each of ``stack.numbers`` in
    that order, and bounds: ``NTKKernel(stack, layer_numbers=np.ones(6), layer_numbers_bounds=(0.01, 100))``. Behind
    norms some of them are the same twice, or do not matter: give those bounds that are close, or multiply by a
    ``ConstantKernel`` instead.

    As scikit-learn wants it, the constructor checks nothing; the first use does.

    Args:
        network: a name (see `glutheory.network_names`), a `Network` of any activations, or a `Stack`.
        kind: "ntk" or "nngp".
        parametrization: "ntk" or "standard".
        width: the number of hidden units; only for "standard", which needs it.
        readout_variance: of the readout's weights.
        bias_variance: of the readout's bias, as it is: it is added to every entry; 0 for none, which is not learnt.
        hidden_variance: of the hidden weights of a network without gate.
        value_variance: of the value branch of a gated network.
        gate_variance: of the gate branch of a gated network.
        branch_variances: of a product of branches that is no gated network: one number for all, or one for each.
        readout_variance_bounds: where learning may go: a pair, or "fixed"; the others alike.
        bias_variance_bounds: see above.
        hidden_variance_bounds: see above.
        value_variance_bounds: see above.
        gate_variance_bounds: see above.
        branch_variances_bounds: see above; a pair for all, or one for each.
        layer_numbers: of a stack, an array with one for each of its ``numbers``; left out, as its layers say.
        layer_numbers_bounds: see above; a pair for all, or one for each.
    """

    def __init__(
        self,
        network: str | Network | Stack = "swiglu",
        *,
        kind: str = "ntk",
        parametrization: str = "ntk",
        width: int | None = None,
        readout_variance: float = 1.0,
        readout_variance_bounds: Bounds = _WIDE,
        bias_variance: float = 0.0,
        bias_variance_bounds: Bounds = _WIDE,
        hidden_variance: float = 1.0,
        hidden_variance_bounds: Bounds = "fixed",
        value_variance: float = 1.0,
        value_variance_bounds: Bounds = "fixed",
        gate_variance: float = 1.0,
        gate_variance_bounds: Bounds = "fixed",
        branch_variances: Any = 1.0,
        branch_variances_bounds: Bounds = "fixed",
        layer_numbers: Any = None,
        layer_numbers_bounds: Bounds = "fixed",
    ) -> None:
        self.network = network
        self.kind = kind
        self.parametrization = parametrization
        self.width = width
        self.readout_variance = readout_variance
        self.readout_variance_bounds = readout_variance_bounds
        self.bias_variance = bias_variance
        self.bias_variance_bounds = bias_variance_bounds
        self.hidden_variance = hidden_variance
        self.hidden_variance_bounds = hidden_variance_bounds
        self.value_variance = value_variance
        self.value_variance_bounds = value_variance_bounds
        self.gate_variance = gate_variance
        self.gate_variance_bounds = gate_variance_bounds
        self.branch_variances = branch_variances
        self.branch_variances_bounds = branch_variances_bounds
        self.layer_numbers = layer_numbers
        self.layer_numbers_bounds = layer_numbers_bounds

    @property
    def hyperparameter_readout_variance(self) -> Any:
        """scikit-learn's description of the readout's variance."""
        return self._hyperparameter("readout")

    @property
    def hyperparameter_bias_variance(self) -> Any:
        """scikit-learn's description of the variance of the readout's bias."""
        learnt = np.ndim(self.bias_variance) == 0 and self.bias_variance != 0
        return Hyperparameter("bias_variance", "numeric", self.bias_variance_bounds if learnt else "fixed")

    @property
    def hyperparameter_hidden_variance(self) -> Any:
        """scikit-learn's description of the hidden weights' variance."""
        return self._hyperparameter("hidden")

    @property
    def hyperparameter_value_variance(self) -> Any:
        """scikit-learn's description of the value weights' variance."""
        return self._hyperparameter("value")

    @property
    def hyperparameter_gate_variance(self) -> Any:
        """scikit-learn's description of the gate weights' variance."""
        return self._hyperparameter("gate")

    @property
    def hyperparameter_branch_variances(self) -> Any:
        """scikit-learn's description of the branches' variances."""
        bounds = self.branch_variances_bounds if self._generic() else "fixed"
        count = np.size(self.branch_variances)
        return Hyperparameter("branch_variances", "numeric", bounds, count)

    @property
    def hyperparameter_layer_numbers(self) -> Any:
        """scikit-learn's description of a stack's numbers."""
        learnt = isinstance(self.network, Stack) and self.layer_numbers is not None
        bounds = self.layer_numbers_bounds if learnt else "fixed"
        return Hyperparameter("layer_numbers", "numeric", bounds, max(1, np.size(self.layer_numbers)))

    def __call__(self, X: Any, Y: Any = None, eval_gradient: bool = False) -> Any:
        """The kernel's matrix, and with `eval_gradient` its derivatives.

        Args:
            X: rows, array-like of shape (n, d).
            Y: rows, array-like of shape (m, d); left out: X.
            eval_gradient: whether to return the derivatives with respect to `theta` too; only without Y.

        Returns:
            K, shape (n, m), float64; with `eval_gradient` the pair of K and an array of shape (n, n, len(theta)).

        Raises:
            DomainError: a bad parameter, rows of different lengths, values that are not finite (a ValueError).
            TypeError: sparse matrices, as anywhere in scikit-learn.
            UnknownNameError: no network of that name.
        """
        X = _matrix("X", X)
        if eval_gradient:
            if Y is not None:
                raise DomainError(
                    "eval_gradient is True and Y is given: leave Y out, the gradient is that of the matrix of X."
                )
            arguments = self._arguments(X)
            asked = [part.name for part in self.hyperparameters if not part.fixed]
            if isinstance(self.network, Stack) and "layer_numbers" not in asked:
                K, slopes = gram(**arguments), np.empty((len(X), len(X), 0))
            else:
                K, slopes = gram_gradient(**arguments)
            free = [self._slope(slopes, name) for name in asked]
            gradient = np.concatenate(free, axis=2) if free else np.empty((*K.shape, 0))
            return self._finished(K, X), gradient
        if Y is None:
            return self._finished(gram(**self._arguments(X)), X)
        return gram(**self._arguments(X), Y=_matrix("Y", Y)) + self._bias()

    def diag(self, X: Any) -> np.ndarray:
        """The diagonal of the matrix, shape (n,), bit for bit, in a time proportional to n."""
        arguments = self._arguments(_matrix("X", X))
        kind = arguments.pop("kind")
        with np.errstate(all="ignore"):
            return np.asarray(diagonal(prepare(**arguments), kind)) + self._bias()

    def is_stationary(self) -> bool:
        """False: the kernel depends on the rows, not on their difference alone."""
        return False

    def __repr__(self) -> str:
        """A call that makes an equal kernel: the network, and whatever is not as by default.

        A stack that no line describes is shown by its layers.
        """
        default = NTKKernel()
        changed = [
            f"{name}={plain(value)!r}"
            for name, value in self.get_params().items()
            if name != "network" and not np.array_equal(value, getattr(default, name))
        ]
        return f"{type(self).__name__}({', '.join([network_text(self.network), *changed])})"

    def _finished(self, K: np.ndarray, X: np.ndarray) -> np.ndarray:
        """The matrix with its bias and its exact diagonal."""
        K = K + self._bias()
        np.fill_diagonal(K, self.diag(X))
        return K

    def _bias(self) -> float:
        return 0.0 if self._is_zero(self.bias_variance) else float(_positive("bias_variance", self.bias_variance, ""))

    @staticmethod
    def _is_zero(value: Any) -> bool:
        return np.ndim(value) == 0 and np.isreal(value) and value == 0

    def _generic(self) -> bool:
        return "branch1" in self._roles()

    def _roles(self) -> tuple[str, ...]:
        """The branches whose variances are parameters here; none of a stack."""
        return () if isinstance(self.network, Stack) else named_network(self.network).roles

    def _hyperparameter(self, role: str) -> Any:
        name = f"{role}_variance"
        roles = self._roles()
        own = role in roles or (role == "readout" and bool(roles))
        return Hyperparameter(name, "numeric", getattr(self, f"{name}_bounds") if own else "fixed")

    def _arguments(self, X: np.ndarray) -> dict[str, Any]:
        """The arguments of `gram`, all checked."""
        net = self.network if isinstance(self.network, Stack) else named_network(self.network)
        if self.kind not in ("ntk", "nngp"):
            raise DomainError(f"kind is {self.kind!r}: use 'ntk' or 'nngp'.")
        check_finite(net, self.kind)
        if isinstance(net, Stack):
            self._check_stack(net)
            return {
                "network": net,
                "X": X,
                "kind": self.kind,
                "parametrization": self.parametrization,
                "width": self.width if self.parametrization == "standard" else None,
                "variances": self._numbers(net),
            }
        if self.layer_numbers is not None:
            raise DomainError(f"layer_numbers is {repr(self.layer_numbers)[:60]}: only a stack has some; leave it out.")
        found = {"readout": _positive("readout_variance", self.readout_variance)}
        if self._generic():
            given = self.branch_variances
            if np.ndim(given) > 1 or np.size(given) not in (1, len(net.roles)):
                raise DomainError(
                    f"branch_variances is {given!r}: give one number for all {len(net.roles)} branches of "
                    f"{net.name!r}, or one for each."
                )
            values = np.broadcast_to(np.ravel(given), len(net.roles))
            found |= {role: _positive("branch_variances", value) for role, value in zip(net.roles, values, strict=True)}
        else:
            found |= {role: _positive(f"{role}_variance", getattr(self, f"{role}_variance")) for role in net.roles}
        arguments = {"network": net, "X": X, "kind": self.kind, "parametrization": self.parametrization}
        if self.parametrization == "standard":
            prepare(net, X[:0], parametrization="standard", width=self.width)  # complains of a bad width
            found = {
                role: value / (int(self.width or 1) if role == "readout" else X.shape[1])
                for role, value in found.items()
            }
            arguments["width"] = self.width
        return arguments | {"variances": found}

    def _check_stack(self, stack: Stack) -> None:
        check_rows(stack)
        for name, value in self.get_params().items():
            own = name.endswith(("_variance", "_variances")) and name != "bias_variance"
            if own and not np.array_equal(value, 1.0):
                raise DomainError(
                    f"{name} is {value!r}: the layers of a stack say their variances; give layer_numbers, and for a "
                    "scale multiply by a ConstantKernel."
                )

    def _numbers(self, stack: Stack) -> dict[str, Any] | None:
        """The values of a stack's numbers, if they are given."""
        if self.layer_numbers is None:
            return None
        given, names = np.ravel(np.asarray(self.layer_numbers, dtype=object)), tuple(stack.numbers)
        if np.ndim(self.layer_numbers) > 1 or len(given) != len(names):
            raise DomainError(
                f"layer_numbers has {len(given)} entries: give one for each of {', '.join(names)} (stack.numbers)."
            )
        values = [_positive(f"layer_numbers[{k}]", value, "") for k, value in enumerate(given)]
        return dict(zip(names, values, strict=True))

    def _slope(self, slopes: np.ndarray, name: str) -> np.ndarray:
        """The derivatives with respect to one hyperparameter's logarithm, shape (n, n, its elements)."""
        if name == "bias_variance":
            return np.full((*slopes.shape[:2], 1), self._bias())
        if name == "layer_numbers":
            return slopes
        if name == "branch_variances":
            each = slopes[:, :, 1:]
            return each if np.size(self.branch_variances) > 1 else each.sum(axis=2, keepdims=True)
        place = ("readout", *self._roles()).index(name.removesuffix("_variance"))
        return slopes[:, :, place : place + 1]


def _matrix(name: str, X: Any) -> np.ndarray:
    """A float64 matrix; the sentence about a bad one is scikit-learn's own, which its users know."""
    try:
        return np.asarray(check_array(X, dtype=np.float64, ensure_min_samples=0, input_name=name))
    except ValueError as error:
        raise DomainError(str(error)) from error


def _positive(name: str, value: Any, units: str = ", in units of 1/fan-in") -> Fraction:
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = np.nan
    if not 0 < number < np.inf:
        raise DomainError(f"{name} is {value!r}: give a finite number > 0{units}.")
    return Fraction(number)
