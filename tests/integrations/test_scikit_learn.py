"""`NTKKernel` in scikit-learn: its own checks of kernels and estimators, gradients, and explicit solutions.

The first part does to this kernel what scikit-learn's test_kernels.py does to every kernel in its list. Of that file,
anisotropy and stationarity do not apply: there is no length scale, and no value of it depends on x − x' alone.
"""

from __future__ import annotations

import pickle
import sys
import warnings
from collections.abc import Callable
from inspect import signature
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import sympy as sp

import glutheory as glu
from glutheory.activations import Activation, Z
from glutheory.errors import DomainError, MissingDependencyError, UnknownNameError
from glutheory.networks import Network, gated, product
from glutheory.numeric import gram

sklearn = pytest.importorskip("sklearn", reason="the tests of the scikit-learn kernel need scikit-learn")

from sklearn.base import clone  # noqa: E402 (after the skip)
from sklearn.datasets import load_diabetes  # noqa: E402
from sklearn.gaussian_process import GaussianProcessClassifier, GaussianProcessRegressor  # noqa: E402
from sklearn.gaussian_process.kernels import RBF, CompoundKernel, ConstantKernel, WhiteKernel  # noqa: E402
from sklearn.kernel_ridge import KernelRidge  # noqa: E402
from sklearn.metrics.pairwise import pairwise_kernels  # noqa: E402
from sklearn.model_selection import GridSearchCV  # noqa: E402
from sklearn.preprocessing import StandardScaler  # noqa: E402
from sklearn.svm import SVC  # noqa: E402
from sklearn.utils.estimator_checks import check_estimator  # noqa: E402

from glutheory.integrations.scikit_learn import NTKKernel  # noqa: E402

X, Y = np.random.RandomState(0).normal(0, 1, (5, 2)), np.random.RandomState(0).normal(0, 1, (6, 2))
for shared in (X, Y):
    shared.flags.writeable = False

WIDE = (1e-5, 1e5)
PLAIN = {
    "swiglu": NTKKernel(),
    "swiglu, biased": NTKKernel(bias_variance=0.5, gate_variance_bounds=WIDE),
    "relu": NTKKernel("relu", hidden_variance=2.0, hidden_variance_bounds=WIDE),
    "geglu nngp": NTKKernel("geglu", kind="nngp", value_variance_bounds=(1e-3, 1e3), gate_variance_bounds=WIDE),
    "standard": NTKKernel(
        "geglu",
        parametrization="standard",
        width=64,
        gate_variance=0.5,
        gate_variance_bounds=WIDE,
        value_variance=3.0,
        value_variance_bounds=(1, 9),
    ),
    "one for all": NTKKernel(product("relu", "erf"), branch_variances=0.5, branch_variances_bounds=WIDE),
    "one for each": NTKKernel(
        product("relu", "gelu"),
        branch_variances=[0.5, 2.0],
        branch_variances_bounds=WIDE,
        readout_variance_bounds="fixed",
    ),
    "half fixed": NTKKernel(gated("sin"), gate_variance_bounds="fixed"),
    "all fixed": NTKKernel("tanh", hidden_variance_bounds="fixed", readout_variance_bounds="fixed"),
}
COMPOSED = {
    "scaled": 2.0 * NTKKernel("relu"),
    "noisy": NTKKernel("erf") + WhiteKernel(3.0),
    "product": ConstantKernel(2.0) * NTKKernel("geglu") * RBF(2.0),
    "power": NTKKernel("relu", kind="nngp") ** 2,
}
KERNELS = PLAIN | COMPOSED
every_kernel = pytest.mark.parametrize("kernel", KERNELS.values(), ids=list(KERNELS))
every_plain_kernel = pytest.mark.parametrize("kernel", PLAIN.values(), ids=list(PLAIN))


def _differences(function: Callable[[np.ndarray], np.ndarray], at: np.ndarray) -> np.ndarray:
    """Richardson's extrapolation of central differences, steps 0.1, 0.05, 0.025, 0.0125: an error of about 1e-11."""
    columns = []
    for k in range(len(at)):
        unit = np.eye(len(at))[k]
        table = [(function(at + h * unit) - function(at - h * unit)) / (2 * h) for h in (0.1, 0.05, 0.025, 0.0125)]
        for level in (4, 16, 64):
            table = [(level * fine - coarse) / (level - 1) for coarse, fine in pairwise(table)]
        columns.append(table[0])
    return np.stack(columns, axis=-1) if columns else np.empty((*function(at).shape, 0))


class TestKernelChecks:
    @every_kernel
    def test_gradient(self, kernel: Any) -> None:
        kernel = clone(kernel)
        K, gradient = kernel(X, eval_gradient=True)
        np.testing.assert_array_equal(K, kernel(X))
        assert gradient.shape == (*K.shape, len(kernel.theta)) == (*K.shape, kernel.n_dims)
        # the truncation error of `_differences`, and rounding: 1e-15 K over a step of 0.0125, both times three levels
        found = _differences(lambda theta: kernel.clone_with_theta(theta)(X), kernel.theta)
        np.testing.assert_allclose(gradient, found, rtol=0, atol=1e-10 * abs(K).max())

    @every_plain_kernel
    def test_theta(self, kernel: Any) -> None:
        """As scikit-learn's test, where the variances of weights that the network does not have count as fixed."""
        kernel = clone(kernel)
        _, gradient = kernel(X, eval_gradient=True)
        names = [name.removesuffix("_bounds") for name in signature(NTKKernel).parameters if name.endswith("_bounds")]
        assert {part.name for part in kernel.hyperparameters} == set(names)
        free = [part for part in kernel.hyperparameters if not part.fixed]
        wanted = [np.log(np.ravel(getattr(kernel, part.name))) for part in free]
        np.testing.assert_array_equal(kernel.theta, np.concatenate([[], *wanted]))
        ends = np.cumsum([0, *(part.n_elements for part in free)])
        for part, (start, end) in zip(free, pairwise(ends), strict=True):
            rest = [k for k in range(len(kernel.theta)) if not start <= k < end]
            without = NTKKernel(**kernel.get_params() | {f"{part.name}_bounds": "fixed"})
            np.testing.assert_array_equal(without.theta, kernel.theta[rest])
            np.testing.assert_array_equal(without(X, eval_gradient=True)[1], gradient[..., rest])
        for part, (start, end) in zip(free, pairwise(ends), strict=True):
            theta = kernel.theta
            theta[start:end] = np.log(42)
            kernel.theta = theta
            np.testing.assert_allclose(getattr(kernel, part.name), 42, rtol=1e-14)
            setattr(kernel, part.name, np.full(end - start, 43.0) if end - start > 1 else 43.0)
            np.testing.assert_allclose(kernel.theta[start:end], np.log(43))

    @every_kernel
    def test_matrix_diagonal_and_pairwise_kernels_agree(self, kernel: Any) -> None:
        K = kernel(X)
        np.testing.assert_array_equal(kernel.diag(X), np.diag(K))
        rounding: dict[str, Any] = {"rtol": 0, "atol": 1e-14 * abs(K).max()}
        np.testing.assert_allclose(pairwise_kernels(X, Y, metric=kernel), kernel(X, Y), **rounding)
        if kernel is not COMPOSED["noisy"]:  # white noise is of the diagonal alone
            np.testing.assert_allclose(kernel(X, X), K, **rounding)
            np.testing.assert_allclose(pairwise_kernels(X, metric=kernel), K, **rounding)

    def test_operators_commute(self) -> None:
        kernel: Any = NTKKernel("relu")
        np.testing.assert_array_equal((kernel + 1.0)(X), (1.0 + kernel)(X))
        np.testing.assert_array_equal((3.0 * kernel)(X), (kernel * 3.0)(X))

    @every_kernel
    def test_clone_repr_and_pickle(self, kernel: Any) -> None:
        cloned = clone(kernel)
        assert cloned == kernel
        assert cloned is not kernel
        assert cloned.get_params() == kernel.get_params()
        assert cloned.hyperparameters == kernel.hyperparameters
        assert pickle.loads(pickle.dumps(kernel)) == kernel
        assert not kernel.is_stationary()
        assert kernel.requires_vector_input

    @every_plain_kernel
    def test_repr_is_a_call_that_makes_it_again(self, kernel: Any) -> None:
        assert eval(repr(kernel)) == kernel  # noqa: S307 (our own text)
        learned = kernel.clone_with_theta(kernel.theta + 0.1)
        assert eval(repr(learned)).theta.tolist() == learned.theta.tolist()  # noqa: S307

    @every_kernel
    def test_set_and_get_params(self, kernel: Any) -> None:
        kernel = clone(kernel)
        for part in kernel.hyperparameters:
            if not part.fixed:
                value = [10.0] * part.n_elements if part.n_elements > 1 else 10.0
                kernel.set_params(**{part.name: value})
                np.testing.assert_array_equal(kernel.get_params()[part.name], value)
        np.testing.assert_allclose(np.exp(kernel.theta), 10.0)

    def test_several_kernels_at_once(self) -> None:
        kernel = CompoundKernel([
            NTKKernel("relu", hidden_variance_bounds=WIDE), NTKKernel("geglu", gate_variance_bounds=WIDE)
        ])  # fmt: skip
        K, gradient = kernel(X, eval_gradient=True)
        assert K.shape == (5, 5, 2)
        assert gradient.shape == (5, 5, 2, 2)


#: The checks an estimator fails with any kernel of its own, RBF among them, and one with kernels that are not bounded.
SPARSE = "a Gram matrix of sparse rows is not on offer, and the estimator announces that it takes them"
CALLABLE = "SVC does not keep track of the features where the kernel is a function"
NOT_APPLICABLE: dict[str, dict[str, str]] = {
    "KernelRidge": {
        "check_estimator_sparse_tag": SPARSE,
        "check_sample_weight_equivalence_on_sparse_data": SPARSE,
    },
    "SVC": {
        "check_estimator_sparse_tag": SPARSE,
        "check_sample_weight_equivalence_on_sparse_data": SPARSE,
        "check_sample_weight_equivalence_on_dense_data": "true of no kernel that is a function",
        "check_n_features_in_after_fitting": CALLABLE,
        "check_n_features_in": CALLABLE,
        "check_class_weight_classifiers": "supposes a bounded kernel: DotProduct() ** 2 fails as well",
    },
    "GaussianProcessRegressor": {},
    "GaussianProcessClassifier": {},
}
#: Within wider bounds the optimiser's first step may go where the classifier's own iteration does not converge.
MODERATE = NTKKernel("relu", kind="nngp", readout_variance_bounds=(0.1, 100.0), hidden_variance_bounds=(0.1, 100.0))
ESTIMATORS = [
    KernelRidge(kernel=NTKKernel("geglu")),
    SVC(kernel=NTKKernel("geglu")),
    pytest.param(GaussianProcessRegressor(NTKKernel("geglu") + WhiteKernel()), marks=pytest.mark.slow),
    pytest.param(GaussianProcessClassifier(MODERATE), marks=pytest.mark.slow),
    pytest.param(KernelRidge(kernel=NTKKernel()), marks=pytest.mark.slow),
    pytest.param(SVC(kernel=NTKKernel("relu")), marks=pytest.mark.slow),
]


@pytest.mark.long
@pytest.mark.parametrize("estimator", ESTIMATORS, ids=lambda estimator: type(estimator).__name__)
def test_estimator_checks(estimator: Any) -> None:
    """A Gaussian process without noise has no matrix it could factor here: the checks have equal rows, 2 features."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the checks provoke the estimators' own warnings
        found = check_estimator(estimator, on_fail=None, on_skip=None)
    assert sum(check["status"] == "passed" for check in found) >= 50
    failed = {check["check_name"]: check["exception"] for check in found if check["status"] == "failed"}
    assert not {name: error for name, error in failed.items() if name not in NOT_APPLICABLE[type(estimator).__name__]}


class TestEstimators:
    rng = np.random.default_rng(1)
    X, new = rng.standard_normal((40, 4)), rng.standard_normal((7, 4))
    y = np.sin(X[:, 0]) * X[:, 1]
    K, cross = gram("geglu", X), gram("geglu", new, X)

    def test_kernel_ridge_solves_the_system(self) -> None:
        model = KernelRidge(alpha=0.1, kernel=NTKKernel("geglu")).fit(self.X, self.y)
        wanted = self.cross @ np.linalg.solve(self.K + 0.1 * np.eye(40), self.y)
        # both solve the same system, of condition number below 1e4, in float64
        np.testing.assert_allclose(model.predict(self.new), wanted, rtol=1e-10)

    def test_regression_solves_the_system(self) -> None:
        kernel = NTKKernel("geglu") + WhiteKernel(0.1)
        model = GaussianProcessRegressor(kernel, optimizer=None).fit(self.X, self.y)
        mean, deviation = model.predict(self.new, return_std=True)
        inverse = np.linalg.inv(self.K + (0.1 + 1e-10) * np.eye(40))
        variance = np.diag(gram("geglu", self.new)) + 0.1 - np.sum(self.cross @ inverse * self.cross, axis=1)
        np.testing.assert_allclose(mean, self.cross @ inverse @ self.y, rtol=1e-9)
        np.testing.assert_allclose(deviation, np.sqrt(variance), rtol=1e-9)

    def test_variances_are_learnt_by_the_gradient(self) -> None:
        kernel = ConstantKernel(1.0) * NTKKernel("geglu", gate_variance=4.0, gate_variance_bounds=WIDE)
        kernel = kernel + WhiteKernel(0.1)
        model = GaussianProcessRegressor(kernel, optimizer=None).fit(self.X, self.y)
        before, gradient = model.log_marginal_likelihood(model.kernel_.theta, eval_gradient=True)
        found = _differences(lambda theta: np.array(model.log_marginal_likelihood(theta)), model.kernel_.theta)
        np.testing.assert_allclose(gradient, found, rtol=1e-6)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # scikit-learn warns where a factor is not determined by the data
            learned = model.set_params(optimizer="fmin_l_bfgs_b").fit(self.X, self.y)
        assert learned.log_marginal_likelihood_value_ > before + 1

    @pytest.mark.parametrize("network", ["reglu", pytest.param("swiglu", marks=pytest.mark.slow)])
    def test_a_process_on_diabetes_converges_within_the_default_bounds(self, network: str) -> None:
        X, y = load_diabetes(return_X_y=True)
        X = StandardScaler().fit_transform(X)
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # scikit-learn warns of bounds that are reached and of no convergence
            kernel = NTKKernel(network, bias_variance=1.0) + WhiteKernel()
            biased = GaussianProcessRegressor(kernel).fit(X[:200], y[:200])
            centred = GaussianProcessRegressor(NTKKernel(network) + WhiteKernel(), normalize_y=True)
            centred.fit(X[:200], y[:200])
            bare = GaussianProcessRegressor(NTKKernel(network) + WhiteKernel()).fit(X[:200], y[:200])
        scores = [model.score(X[200:], y[200:]) for model in (biased, centred, bare)]
        assert min(scores[:2]) > 0.3
        # y has the mean 152, which a gated kernel without a bias cannot represent
        assert scores[2] < 0.2

    def test_the_bias_is_a_constant_kernel(self) -> None:
        with_bias, summed = NTKKernel("geglu", bias_variance=0.7), NTKKernel("geglu") + ConstantKernel(0.7)
        np.testing.assert_allclose(with_bias(self.X), summed(self.X), rtol=1e-14)
        np.testing.assert_allclose(with_bias(self.X, self.new), summed(self.X, self.new), rtol=1e-14)
        deep = NTKKernel(glu.stack("relu", 2), bias_variance=0.7)
        K, gradient = deep(self.X, eval_gradient=True)
        np.testing.assert_allclose(K, NTKKernel(glu.stack("relu", 2))(self.X) + 0.7, rtol=1e-14)
        assert gradient.shape == (40, 40, 1)
        assert np.all(gradient == 0.7)
        with pytest.raises(DomainError, match="bias_variance is -1: give a finite number > 0"):
            NTKKernel("geglu", bias_variance=-1)(self.X)

    def test_support_vectors_as_with_the_matrix(self) -> None:
        labels = self.y > 0
        model = SVC(kernel=NTKKernel("geglu")).fit(self.X, labels)
        other = SVC(kernel="precomputed").fit(self.K, labels)
        np.testing.assert_allclose(model.decision_function(self.new), other.decision_function(self.cross), rtol=1e-10)

    def test_classification_finds_the_mode(self) -> None:
        """Laplace's approximation: f = K (y − π(f))."""
        model = GaussianProcessClassifier(NTKKernel("geglu"), optimizer=None).fit(self.X, self.y > 0)
        pi = model.base_estimator_.pi_
        np.testing.assert_allclose(np.log(pi / (1 - pi)), self.K @ ((self.y > 0) - pi), atol=1e-4)

    @pytest.mark.parametrize(
        "estimator",
        [KernelRidge(kernel=NTKKernel()), SVC(kernel=NTKKernel()), GaussianProcessRegressor(NTKKernel(), alpha=0.1)],
        ids=lambda estimator: type(estimator).__name__,
    )
    def test_every_parameter_can_be_searched(self, estimator: Any) -> None:
        grid = {"kernel__network": ["relu", "geglu"], "kernel__gate_variance": [0.5, 2.0], "kernel__kind": ["nngp"]}
        if isinstance(estimator, GaussianProcessRegressor):
            estimator.set_params(optimizer=None)
        y = self.y > 0 if isinstance(estimator, SVC) else self.y
        search = GridSearchCV(estimator, grid, cv=2, error_score="raise").fit(self.X, y)
        assert np.isfinite(search.cv_results_["mean_test_score"]).all()
        assert search.best_estimator_.kernel.kind == "nngp"
        assert estimator.kernel == NTKKernel()


class TestVariances:
    """In units of 1/fan-in, in both parametrisations."""

    def test_against_gram(self) -> None:
        variances = {"readout": 3.0, "value": 0.5, "gate": 2.0}
        given: dict[str, Any] = {f"{role}_variance": value for role, value in variances.items()}
        np.testing.assert_array_equal(NTKKernel("geglu", **given)(X, Y), gram("geglu", X, Y, variances=variances))
        found = NTKKernel("geglu", parametrization="standard", width=64, **given)(X)
        own = {"readout": 3.0 / 64, "value": 0.25, "gate": 1.0}
        np.testing.assert_array_equal(found, gram("geglu", X, parametrization="standard", width=64, variances=own))

    def test_one_for_all_branches(self) -> None:
        net = product("relu", "erf")
        found = NTKKernel(net, branch_variances=[0.5])(X)
        np.testing.assert_array_equal(found, gram(net, X, variances={"branch1": 0.5, "branch2": 0.5}))

    def test_those_of_other_networks_are_ignored(self) -> None:
        np.testing.assert_array_equal(NTKKernel("relu", gate_variance=-1)(X), gram("relu", X))


@pytest.mark.parametrize(
    "data", [X.tolist(), X.astype(np.float32), X.astype(object)], ids=["list", "float32", "object"]
)
def test_data_of_other_types(data: Any) -> None:
    K = NTKKernel("geglu")(data)
    assert K.dtype == np.float64
    np.testing.assert_allclose(K, gram("geglu", X), rtol=1e-5)
    np.testing.assert_array_equal(NTKKernel()(np.arange(6).reshape(3, 2)), gram("swiglu", np.arange(6.0).reshape(3, 2)))


MESSAGES: list[tuple[dict[str, Any], str]] = [
    ({"kind": "both"}, "kind is 'both': use 'ntk' or 'nngp'."),
    ({"network": "step"}, "the NTK of 'step' is infinite on its diagonal: use kind='nngp'."),
    ({"gate_variance": -1}, "gate_variance is -1: give a finite number > 0, in units of 1/fan-in."),
    ({"readout_variance": "big"}, "readout_variance is 'big': give a finite number > 0, in units of 1/fan-in."),
    ({"parametrization": "mup"}, "parametrization is 'mup': use 'ntk' or 'standard'."),
    ({"parametrization": "standard"}, "width is None: the standard parametrisation needs"),
    (
        {"network": product("relu", "erf"), "branch_variances": [1, 2, 3]},
        "branch_variances is [1, 2, 3]: give one number for all 2 branches of 'relu * erf', or one for each.",
    ),
]


@pytest.mark.parametrize(("parameters", "message"), MESSAGES, ids=lambda value: str(value)[:20])
def test_errors_come_with_the_first_use(parameters: dict[str, Any], message: str) -> None:
    kernel = NTKKernel(**parameters)
    for use in (kernel, kernel.diag, lambda data: kernel(data, eval_gradient=True)):
        with pytest.raises(DomainError) as caught:
            use(X)
        assert message in str(caught.value)


def test_errors_of_data() -> None:
    kernel = NTKKernel()
    with pytest.raises(DomainError, match="Input X contains NaN"):
        kernel([[np.nan, 1.0]])
    with pytest.raises(DomainError, match="Expected 2D array, got 1D array"):
        kernel(X, [1.0, 2.0])
    with pytest.raises(DomainError, match="X has 2 features and Y has 3"):
        kernel(X, np.ones((2, 3)))
    with pytest.raises(DomainError, match="leave Y out, the gradient is that of the matrix of X"):
        kernel(X, Y, eval_gradient=True)


def test_unknown_networks() -> None:
    kernel = NTKKernel("swigloo")
    assert repr(kernel) == "NTKKernel('swigloo')"
    with pytest.raises(UnknownNameError, match="swiglu"):
        kernel(X)


def test_the_text_of_a_network_of_ones_own() -> None:
    own = Network("mine", (Activation("z erf z", Z * sp.erf(Z)),))
    assert repr(NTKKernel(own)) == "NTKKernel(Network('mine', (Activation('z erf z', z*erf(z)),)))"
    assert repr(NTKKernel(glu.network("reglu"))) == "NTKKernel('reglu')"


def test_scikit_learn_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "glutheory.integrations.scikit_learn")
    monkeypatch.setitem(sys.modules, "sklearn.gaussian_process.kernels", None)
    with pytest.raises(MissingDependencyError, match=r"constraints.txt 'glutheory\[scikit-learn\]'"):
        import glutheory.integrations.scikit_learn  # noqa: F401
