"""Mistakes in the proof scripts, one place of the text each, and the step that must not be confirmed with it."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from importlib import import_module
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import pytest

import derivations.tools
from derivations.tools.proof import Proof

ROOT = Path(__file__).parents[2] / "derivations"


@dataclass(frozen=True)
class ScriptMutant:
    """One wrong variant.

    Attributes:
        script: the proof.
        step: its step that must notice.
        old, new: the text replaced; `old` occurs exactly once in the file.
        tool: the file in `derivations/tools` where it is, if not in the script itself.
    """

    script: str
    step: str
    old: str
    new: str
    tool: str = ""

    @property
    def path(self) -> Path:
        return ROOT / "tools" / f"{self.tool}.py" if self.tool else ROOT / "proofs" / f"{self.script}.py"


MUTANTS = (
    ScriptMutant("arc_cosine", "k = 2", "(p**2 * q**2 + 2 * c**2) * _PSI", "(p**2 * q**2 + c**2) * _PSI"),
    ScriptMutant(
        "arc_cosine",
        "the formula of Cho and Saul",
        "sp.sin(ANGLE) ** (2 * k + 1) * value",
        "sp.sin(ANGLE) ** (2 * k) * value",
    ),
    ScriptMutant(
        "arc_cosine",
        "second derivation in polar coordinates",
        "half_moment(2 * k + 1)",
        "half_moment(2 * k)",
        "half_line",
    ),
    ScriptMutant(
        "arcsine_family",
        "distribution functions",
        "CDF = sp.Rational(1, 4) + theta / (2 * sp.pi)",
        "CDF = sp.Rational(1, 4) + theta / sp.pi",
    ),
    ScriptMutant("arcsine_family", "ramps", "s**2 * t**2 * (P * Q + 2 * c**2)", "s**2 * t**2 * (P * Q + c**2)"),
    ScriptMutant(
        "centring",
        "only S changes",
        "return S - amount * (first + second) + amount**2",
        "return S - amount * (first + second) - amount**2",
    ),
    ScriptMutant("centring", "the kernels", "- 2 * c * _M * _N)", "- c * _M * _N)"),
    ScriptMutant("centring", "coefficients", "(_k + 2) * rho * term", "(_k + 1) * rho * term"),
    ScriptMutant("centring", "centring alone can hurt", "ANTIPODAL = pi / (pi - 2)", "ANTIPODAL = pi / (pi - 1)"),
    ScriptMutant("centring", "gating centres by itself", 'any(key[0] == "p"', 'any(key[0] == "q"'),
    ScriptMutant("centring", "gating centres by itself", "2 * c * _S + c**2 * _T\n", "2 * _S + c**2 * _T\n"),
    ScriptMutant(
        "centring", "centring gains at most λ₁/λ₂", "above + below * (second + above)", "above + below * second"
    ),
    ScriptMutant(
        "centring",
        "the limits for d ≪ n ≪ d²",
        "MEAN, SHIFT = 2 / pi, 2 * (pi - 1) / (pi - 2)",
        "MEAN, SHIFT = 2 / pi, pi * (pi - 1) / (pi - 2)",
    ),
    ScriptMutant(
        "crossing",
        "at first",
        "(sp.diff(mode, t), -2 * lam * mode)",
        "(sp.diff(mode, t), -lam * mode)",
        "crossing_curves",
    ),
    ScriptMutant(
        "crossing",
        "every mode carries loss",
        "(spectrum[e] - least) * share",
        "(spectrum[e] + least) * share",
        "crossing_curves",
    ),
    ScriptMutant(
        "crossing",
        "normalised inputs, at first",
        "m * (1 - C[i, j] ** 2) * SIGMA[i, j] ** 2",
        "m * (1 - C[i, j]) * SIGMA[i, j] ** 2",
        "crossing_normalised",
    ),
    ScriptMutant(
        "crossing",
        "normalised inputs, at last",
        "total(u[i] * x[i, r] * K[i, j]",
        "total(x[i, r] * K[i, j]",
        "crossing_normalised",
    ),
    ScriptMutant(
        "crossing",
        "normalised inputs, at last",
        "gram(i, i) * gram(j, j)",
        "gram(i, i) * gram(i, j)",
        "crossing_normalised",
    ),
    ScriptMutant(
        "crossing",
        "normalised inputs, at last",
        "total(values[e] - least, e)",
        "total(values[e] + least, e)",
        "crossing_normalised",
    ),
    ScriptMutant(
        "crossing",
        "the covariances are positive definite",
        "product / second**2 * product",
        "product",
        "crossing_curves",
    ),
    ScriptMutant(
        "crossing",
        "the covariances are positive definite",
        "weight * (before * inner) * slope",
        "weight * before * slope",
        "crossing_curves",
    ),
    ScriptMutant(
        "crossing",
        "the covariances are positive definite",
        "sp.gamma(power + 2)",
        "sp.gamma(power + 1)",
        "crossing_curves",
    ),
    ScriptMutant(
        "crossing",
        "at last",
        'weight = least + sp.Symbol("s", nonnegative=True)',
        'weight = sp.Symbol("s", nonnegative=True)',
        "crossing_curves",
    ),
    ScriptMutant(
        "crossing",
        "normalised inputs, a singular covariance",
        "cosines = eye * (1 + 1 / d) - 1 / d\n",
        "cosines = eye * (1 + 1 / d) + 1 / d\n",
        "crossing_normalised",
    ),
    ScriptMutant("crossing", "normalised inputs, opposite ones", "2 * eye - one\n", "2 * eye\n", "crossing_normalised"),
    ScriptMutant(
        "decorrelation",
        "the ratio and its slope",
        "1 - r**2 * variance / ((1 + r * mean)",
        "1 - r * variance / ((1 + r * mean)",
        "decorrelation_bounds",
    ),
    ScriptMutant(
        "decorrelation",
        "polynomials up to a degree",
        "return 1 + (2 + 2 * sp.sqrt",
        "return 2 + (2 + 2 * sp.sqrt",
        "decorrelation_bounds",
    ),
    ScriptMutant(
        "decorrelation",
        "the exact angle",
        "/ 2 - 2 * sp.cos(theta) ** 2)",
        "/ 2 - 2 * sp.sin(theta) ** 2)",
        "decorrelation_cases",
    ),
    ScriptMutant(
        "decorrelation",
        "the exact angle",
        "slope = -t * sp.sin(2 * theta)",
        "slope = t * sp.sin(2 * theta)",
        "decorrelation_cases",
    ),
    ScriptMutant("decorrelation", "kinks", "real=True, nonzero=True", "real=True", "decorrelation_bounds"),
    ScriptMutant(
        "degree_shift", "coefficients on the sphere", "gated - (k + 2) * rho * term", "gated - (k + 1) * rho * term"
    ),
    ScriptMutant(
        "degree_shift",
        "mean and variance of the degree",
        "(third / first - (second / first) ** 2)",
        "(third / first - second / first)",
    ),
    ScriptMutant(
        "degree_shift",
        "how fast gating decorrelates",
        "(1 - variance / ((1 + mu) * (2 + mu)))",
        "(1 - variance / (1 + mu))",
    ),
    ScriptMutant("depth_limit", "both kernels", "* two + one * sp.diff(two, rho))", "* two)"),
    ScriptMutant(
        "depth_limit", "what is left to 1", "(x**i - x ** (i + 1), (1 - x) * x**i)", "(x**i - x**i, (1 - x) * x**i)"
    ),
    ScriptMutant("depth_limit", "negative correlations", "x - x ** (2 * half + 1))", "x + x ** (2 * half + 1))"),
    ScriptMutant("depth_limit", "gated blocks", "(F - rho, rho * (f(rho) - 1))", "(F - rho, f(rho) - 1)"),
    ScriptMutant(
        "depth_limit",
        "with residuals",
        "gated = (stream * rho + s * rho * f(rho))",
        "gated = (stream * rho + s * f(rho))",
    ),
    ScriptMutant("depth_limit", "ReLU's rate", "9 * sp.pi**2 / 2", "9 * sp.pi**2 / 4"),
    ScriptMutant("depth_limit", "the NTK", "rest = (mu + 1) / (mu - 1)", "rest = mu / (mu - 1)"),
    ScriptMutant("depth_limit", "ReLU's NTK", "sp.Rational(1, 4)\n", "sp.Rational(1, 3)\n"),
    ScriptMutant(
        "depth_limit",
        "what is learned",
        "(size * squares - whole) * epsilon",
        "(size * squares - whole) * (epsilon / 2)",
    ),
    ScriptMutant("depth_limit", "what is learned", "2 * s * above * U + above**2 + left)", "2 * s * above * U + left)"),
    ScriptMutant("depth_limit", "what is learned", "slack = square * excess + less", "slack = less"),
    ScriptMutant(
        "depth_limit",
        "with residuals",
        "(first_ + s, first_.subs(blocks, blocks + 1))",
        "(first_, first_.subs(blocks, blocks + 1))",
    ),
    ScriptMutant("depth_limit", "rates", "(bound * most, bound.subs", "(bound, bound.subs"),
    ScriptMutant("depth_limit", "rates", "- bound * less)", "- bound)"),
    ScriptMutant("depth_limit", "rates", "strictly(gap * rest))", "strictly(gap * (rest - above)))"),
    ScriptMutant("depth_limit", "it attracts", "x ** (degree + 1)).subs", "x ** (degree - 1)).subs"),
    ScriptMutant("depth_limit", "gated blocks", "(F.subs(rho, -1), -f(-1))", "(F.subs(rho, -1), f(-1))"),
    ScriptMutant("depth", "two numbers for every pair", "made = old * slope + 2 * image", "made = old * slope + image"),
    ScriptMutant("depth", "the diagonal", "above = 2 / (chi - 1)", "above = 2 / (chi + 1)"),
    ScriptMutant(
        "depth", "spike and bulk of a constant correlation", "SHARED = sp.Rational(1, 4)", "SHARED = sp.Rational(1, 3)"
    ),
    ScriptMutant(
        "depth",
        "spike and bulk of a constant correlation",
        "share / (1 + share), more + 2",
        "share / (1 + share), more + 1",
    ),
    ScriptMutant(
        "depth",
        "spike and bulk of a constant correlation",
        "share / (1 + share), more + 2",
        "share / (1 + share) - 1, more + 2",
    ),
    ScriptMutant(
        "depth", "a power of the depth", "sp.gamma(1 + 1 / v) / sp.gamma(1 / v + share)", "sp.gamma(1 + 1 / v)"
    ),
    ScriptMutant(
        "depth",
        "ReLU: the marginal case",
        "2 / (1 + sp.Integer(3)), sp.Integer(2)",
        "2 / (1 + sp.Integer(2)), sp.Integer(2)",
    ),
    ScriptMutant("depth", "a power of the depth", "sp.gamma(number + 1 + 1 / v)", "sp.gamma(number + 2 + 1 / v)"),
    ScriptMutant(
        "depth",
        "the linear part of a gated kernel",
        "b / r + 2 * m * mu / (q + m * mu)",
        "b / r + m * mu / (q + m * mu)",
    ),
    ScriptMutant("depth_centring", "the centred map", "(centred, (f(rho) - mu) / (1 - mu))", "(centred, f(rho) - mu)"),
    ScriptMutant(
        "depth_centring", "a straight line separates the slopes", "top = left + rest + above", "top = left + above"
    ),
    ScriptMutant(
        "depth_centring",
        "the share of the mean tends to 1",
        "written = (1 - mu - linear + mu * chi)",
        "written = (1 - mu - linear)",
    ),
    ScriptMutant("depth_centring", "one block is the network of two layers", "2 * two_layers / v)", "two_layers / v)"),
    ScriptMutant("erf", "integrate in c", "CLOSED = 2 * theta / sp.pi", "CLOSED = theta / sp.pi"),
    ScriptMutant("erf", "Williams' formula", "return 2 / sp.pi * sp.asin", "return 1 / sp.pi * sp.asin"),
    ScriptMutant("expected_loss", "the start", 'any(key[0] == "v"', 'any(key[0] == "w"'),
    ScriptMutant(
        "expected_loss",
        "one step",
        "after - total((delta(i, j) - eta * kernel)",
        "after - total((delta(i, j) + eta * kernel)",
    ),
    ScriptMutant(
        "expected_loss",
        "the mean of a quadratic form",
        "total(M[i, j] * SIGMA[i, j], i, j) + total",
        "total(M[i, i] * SIGMA[i, i], i) + total",
    ),
    ScriptMutant(
        "expected_loss", "the expected loss", "+ total(q[i, e] * Y[i], i) ** 2", "+ total(q[i, e] ** 2 * Y[i] ** 2, i)"
    ),
    ScriptMutant(
        "expected_loss", "the covariance is not the kernel", "return m * S + g * T", "return m * S + m * g * T"
    ),
    ScriptMutant(
        "gaussian_moments",
        "Isserlis' moments",
        "2**x * sp.factorial(x)) for x in (i, j)]",
        "sp.factorial(x)) for x in (i, j)]",
    ),
    ScriptMutant(
        "gaussian_moments",
        "moment generating function",
        "(a * alpha**2 + 2 * c * alpha * beta + b * beta**2) / 2))",
        "(a * alpha**2 + c * alpha * beta + b * beta**2) / 2))",
    ),
    ScriptMutant("gelu", "integrate twice in c", "CLOSED = c / 4 + (c * theta", "CLOSED = c / 4 + (2 * c * theta"),
    ScriptMutant("gelu", "the elementary expectation", "uu * vv + 2 * uv**2", "uu * vv + uv**2"),
    ScriptMutant("hadamard", "the two kernels", "m * (readout**2 + value**2) * S * g", "m * readout**2 * S * g"),
    ScriptMutant("hadamard", "as matrices", "(gram * (1 / d)) - first * gram", "(gram * (1 / d)) - first"),
    ScriptMutant("hadamard", "never larger than d/m", "rest = (d / m) * x / (m + x)", "rest = (d / m) * x / m"),
    ScriptMutant(
        "hermite_series",
        "the series",
        "delta(first, second) * powers[second], first, second)",
        "powers[second], first, second)",
    ),
    ScriptMutant(
        "hermite_series",
        "Parseval bounds the tail",
        "(x[i] * y[j] - x[j] * y[i]) ** 2",
        "(x[i] * y[j] + x[j] * y[i]) ** 2",
    ),
    ScriptMutant(
        "hermite_series",
        "ReLU, coefficient by coefficient",
        "at_zero / sp.factorial(2 * j + 2)",
        "at_zero / sp.factorial(2 * j + 1)",
    ),
    ScriptMutant("arc_cosine", "the formula of Cho and Saul", "- k**2 * function", "- k * function"),
    ScriptMutant("arc_cosine", "the ends of the range", "base((q / p) ** k", "base((p / q) ** k"),
    ScriptMutant(
        "decorrelation",
        "the exact angle",
        "sp.pi / 2) + t / (1 + r)",
        "sp.pi / 2) - t / (1 + r)",
        "decorrelation_cases",
    ),
    ScriptMutant(
        "logistic_mixture", "the other activations", "slack = y - sp.log(1 + y)", "slack = y - sp.log(1 + 2 * y)"
    ),
    ScriptMutant(
        "ntk_plain",
        "exact at finite width",
        "(FRONT**2 * GAMMA**2)",
        "(FRONT**2 * GAMMA)",
        "any_width",
    ),
    ScriptMutant(
        "ntk_gated", "exact at finite width", "inside**2 * sigma_p**2 * inner()", "inside**2 * sigma_p * inner()"
    ),
    ScriptMutant("price", "the three rules on monomials", "_power(n - 2, k, r) / 2", "_power(n - 2, k, r)"),
    ScriptMutant("products", "exact at finite width", "sigma**2 * T * S * inner()", "sigma**2 * T * inner()"),
    ScriptMutant("relu_expansion", "what the norms add", "(fourth - 1) * kronecker(j, k)", "fourth * kronecker(j, k)"),
    ScriptMutant(
        "signal", "plain branches and bounded gates", "grown.subs(depth, depth + 1)", "grown.subs(depth, depth + 2)"
    ),
    ScriptMutant("kolmogorov", "two series", "-((2 * k - 1) ** 2) * sp.pi**2", "-((2 * k + 1) ** 2) * sp.pi**2"),
    ScriptMutant(
        "kolmogorov", "Laplace transform, term by term", "2 * t**2 / (n**2 + t**2)))", "t**2 / (n**2 + t**2)))"
    ),
    ScriptMutant("logistic_mixture", "softplus", "SOFT = c / 4 + (c * theta + w)", "SOFT = c / 4 + (c * theta - w)"),
    ScriptMutant("logistic_mixture", "characteristic function of the logistic law", "beta = z * euler", "beta = euler"),
    ScriptMutant(
        "majorisation",
        "the product is a sum of congruences",
        "total(v[i, r] * v[j, r], r) - total(congruence",
        "total(v[i, r] ** 2, r) - total(congruence",
    ),
    ScriptMutant(
        "majorisation", "doubly stochastic weights", "weight(e, f) * values[f], f)", "weight(e, f) * values[e], f)"
    ),
    ScriptMutant(
        "majorisation", "partial sums", "w[high] * (edge - values_[high])", "w[high] * (edge + values_[high])"
    ),
    ScriptMutant("majorisation", "equality", "(1 - C[i, j] ** 2), i, j)", "(1 - C[i, j]), i, j)"),
    ScriptMutant("mehler", "Hermite polynomials", "* (-1) ** j * X ** (k - 2 * j)", "* X ** (k - 2 * j)"),
    ScriptMutant("mehler", "Mehler's formula", "- rho**2 * (X**2 + y**2)) / (2", "- rho * (X**2 + y**2)) / (2"),
    ScriptMutant(
        "ntk_gated",
        "Eq. 4, block by block",
        "sigma_p**2) * g * S + m * sigma_v**2 * sigma_p**2 * g**2 * T",
        "sigma_p**2) * g * S + m * sigma_v**2 * sigma_p**2 * g * T",
    ),
    ScriptMutant(
        "ntk_gated",
        "gradient inner product",
        "first[r] * second[r] + q[r] * p[r] * slope[r] * other[r]",
        "first[r] * second[r] + slope[r] * other[r]",
    ),
    ScriptMutant("ntk_plain", "Eq. 3", "return m * S + m * sigma_v**2 * g * T", "return m * S + sigma_v**2 * g * T"),
    ScriptMutant("ntk_plain", "law of the pre-activations", "sigma_w**2 * delta(j, k), j, k)", "sigma_w**2, j, k)"),
    ScriptMutant(
        "phase_boundary",
        "the mean of a half coordinate",
        "sp.gamma(d / 2) / (2 * sp.sqrt(sp.pi)",
        "sp.gamma(d / 2) / (sp.sqrt(sp.pi)",
        "phase_levels",
    ),
    ScriptMutant(
        "phase_boundary",
        "level 0",
        "total((mean * direction[i]) ** 2, i)",
        "total(mean * direction[i] ** 2, i)",
        "phase_levels",
    ),
    ScriptMutant(
        "phase_boundary",
        "only the odd part counts",
        "second, fourth = (2 * half_moment",
        "second, fourth = (half_moment",
        "phase_levels",
    ),
    ScriptMutant(
        "phase_boundary",
        "level 0 is the largest",
        "(d * quartic - square) / (d - 1)",
        "(d * quartic - square) / d",
        "phase_tops",
    ),
    ScriptMutant(
        "phase_boundary", "the threshold", "fourth - 1) * delta(i, j)", "fourth) * delta(i, j)", "phase_levels"
    ),
    ScriptMutant(
        "phase_boundary",
        "level 0 is the largest",
        "rise = more * (2 * level + 1 + more)",
        "rise = more * (2 * level + more)",
        "phase_tops",
    ),
    ScriptMutant("phase_boundary", "the threshold", "FOURTH = 1 + 2 / d", "FOURTH = 1 + 1 / d", "phase_levels"),
    ScriptMutant(
        "price",
        "Price's theorem",
        "mixed = sp.diff(L, u, v) + sp.diff(L, u)",
        "mixed = sp.diff(L, u, v) - sp.diff(L, u)",
    ),
    ScriptMutant(
        "price", "the three rules on monomials", "sp.diff(value, c) - n * k * moment", "sp.diff(value, c) - n * moment"
    ),
    ScriptMutant(
        "products",
        "the formula, for any number of branches",
        "c * slope[one] * others[one] * last, one)",
        "c * slope[one] * others[one], one)",
    ),
    ScriptMutant("products", "the networks of the paper", "(bilinear, 3 * c**2)", "(bilinear, 2 * c**2)"),
    ScriptMutant(
        "relu_expansion",
        "power series",
        "(4**half * 2 * sp.pi * (2 * half + 1)",
        "(4**half * 2 * sp.pi * (2 * half + 2)",
    ),
    ScriptMutant(
        "relu_expansion", "β in every dimension", "1 / (2 * d) + 1 / (8 * d**2)", "1 / (2 * d) + 1 / (4 * d**2)"
    ),
    ScriptMutant("signal", "the maps", "(one, c * two)", "(one, two)"),
    ScriptMutant("signal", "slopes at a fixed point", "V(q) * (1 + elasticity)", "V(q) * elasticity"),
    ScriptMutant("signal", "homogeneous gates", "** ((power + 1) ** blocks)", "** (power**blocks)"),
    ScriptMutant(
        "signal",
        "a gate that is stable",
        "below = half / (1 + 2 * q), q / (1 + 2 * q)",
        "below = half / (1 + 2 * q), q / (1 + q)",
    ),
    ScriptMutant("signal", "with residuals", "lost = s**2 * kappa / (1 + s**2 * kappa * q)", "lost = s**2 * kappa"),
    ScriptMutant("signal", "finite width", "variance = v * (4**L - 1) / 3", "variance = v * (2**L - 1)"),
    ScriptMutant("signal", "finite width", "closed / 2)", "closed / 4)"),
    ScriptMutant("signal", "its size", "sp.Integer(17), sp.Integer(5)", "sp.Integer(15), sp.Integer(5)"),
    ScriptMutant("signal", "tails", "gated, plain = 2 ** (L + 2) - 3", "gated, plain = 2 ** (L + 1) - 1"),
    ScriptMutant(
        "smallest_eigenvalue",
        "the gated kernel as one Hadamard product",
        "general = sp_**2 * g * (K + m * sv**2 / sp_**2 * S)",
        "general = sp_**2 * g * (K + m * sv**2 * S)",
    ),
    ScriptMutant("smallest_eigenvalue", "normalised inputs", ".subs(_LECUN).subs(g, d)", ".subs(_LECUN).subs(g, d**2)"),
    ScriptMutant("smallest_eigenvalue", "the sum", "(low + r * other) * total", "(low + other) * total"),
    ScriptMutant(
        "smallest_eigenvalue", "the wide limit", "tends(second / m, m, g / d * S)", "tends(second / m, m, g * S)"
    ),
    ScriptMutant(
        "spectral_orders",
        "every degree is a Hadamard product",
        "(root * rho) * rho ** (j - 1))",
        "root * rho ** (j - 1))",
    ),
    ScriptMutant(
        "spectral_orders",
        "the largest eigenvalues of K̃",
        "total((mu[i] - mu[j]) ** 2, i, j)",
        "total((mu[i] + mu[j]) ** 2, i, j)",
    ),
    ScriptMutant("steps_to_error", "a given target, from below", "(log - b + more) / a", "(log + b + more) / a"),
    ScriptMutant(
        "steps_to_error", "a spike is learned at once", "written = error**2 * start", "written = error * start"
    ),
    ScriptMutant("steps_to_error", "the bottom eigenvector", "((rate + rest) / kappa)", "(rest / kappa)"),
    ScriptMutant("spectral_orders", "the smallest eigenvalues", "size * least))", "least))"),
    ScriptMutant(
        "spectral_orders", "condition numbers on every data set", "(pi - 2) + delta / 4", "(pi - 2) + delta / 2"
    ),
    ScriptMutant(
        "majorisation",
        "the ends and the condition number",
        "share[e] * (top - values[e])",
        "share[e] * (top + values[e])",
    ),
    ScriptMutant("hadamard", "never larger than d/m", "left = (d / m) * m / (m + x)", "left = (d / m) * m / (m - x)"),
    ScriptMutant(
        "decorrelation",
        "degree 8 fails",
        "strictly(-found[0], found[1], found[2])",
        "strictly(found[0], found[1], found[2])",
        "decorrelation_cases",
    ),
    ScriptMutant("steps_to_error", "the logarithm", "sp.log(1 + y) - y / (1 + y),", "sp.log(1 + y) - y,"),
    ScriptMutant(
        "steps_to_error", "the factors at the best rate", "gap = 4 * above * below", "gap = 2 * above * below"
    ),
    ScriptMutant(
        "steps_to_error",
        "so many steps are enough",
        "OPTIMAL = sp.Integer(1), sp.Rational(1, 2)",
        "OPTIMAL = sp.Integer(1), sp.Rational(1, 4)",
    ),
    ScriptMutant(
        "steps_to_error",
        "no constant rate does better",
        "left = most * (1 - eta * least)",
        "left = least * (1 - eta * least)",
    ),
    ScriptMutant(
        "steps_to_error",
        "a given target, from above",
        "bound = total(w[slow], slow) + total(w[fast], fast)",
        "bound = total(w[fast], fast)",
    ),
    ScriptMutant("steps_to_error", "at a rate that two networks share", "- z * (1 - x) / x\n", "- z / x\n"),
)


#: Mistakes in what is *displayed*, the checks left as they are: the step must lose its "decided".
STATEMENTS = (
    # the four of the audit that printed "decided"
    ScriptMutant(
        "crossing",
        "normalised inputs, at last",
        r"""\text{no two } x_i \text{ "
                    r"parallel},\ "
                    r"\lambda_1 \text{ simple} \quad""",
        r"""\text{no two } x_i \text{ "
                    r"parallel} \quad""",
    ),
    ScriptMutant("crossing", "normalised inputs, a tie", r"\qquad D(t) < 0 ", r"\qquad D(t) > 0 "),
    ScriptMutant("majorisation", "the ends and the condition number", r"\lambda_n \le \mu_n", r"\lambda_n \ge \mu_n"),
    ScriptMutant(
        "smallest_eigenvalue",
        "normalised inputs",
        r"\lambda_{\min}(\tilde K) \ge \lambda_{\min}(K), \qquad ",
        r"\lambda_{\min}(\tilde K) \ge 2\lambda_{\min}(K), \qquad ",
    ),
    # a hypothesis of another letter, and weaker ones that contain it
    ScriptMutant(
        "crossing",
        "normalised inputs, at last",
        r"""\lambda_1 \text{ simple} \quad""",
        r"""\tilde\lambda_1 \text{ simple} \quad""",
    ),
    ScriptMutant("crossing", "normalised inputs, at last", r"n \ge 2,\ ", r"d+n \ge 2,\ "),
    ScriptMutant("crossing", "normalised inputs, a tie", r"3y^2 > a-b", r"13y^2 > a-b"),
    # behind a word that goes on; a hypothesis that says less
    ScriptMutant("expected_loss", "no common factor", r"> 0 \quad (m > 1)", r"< 0 \quad (m > 1)"),
    ScriptMutant("expected_loss", "no common factor", r"> 0 \quad (m > 1)", r"> 0 \quad (m > 0)"),
    ScriptMutant("expected_loss", "no common factor", r" \text{ for all } Y", r" \text{ for some } Y"),
    # a relation behind a supposition, and none
    ScriptMutant(
        "crossing",
        "normalised inputs, a tie",
        r""""
                    r"\text{ for all } t > 0",
                ),
                "both""",
        r""""
                    r"\text{ for all } t > 0 \quad D(t) > 0",
                ),
                "both""",
    ),
    # others of their kinds: a hypothesis, a sign, a factor, a side
    ScriptMutant(
        "crossing", "normalised inputs, at last", r"\tilde\lambda_1 \ge \lambda_1;", r"\tilde\lambda_1 \le \lambda_1;"
    ),
    ScriptMutant("crossing", "normalised inputs, a tie", r"= 9\,b\,y^2\,m", r"= 6\,b\,y^2\,m"),
    ScriptMutant("crossing", "normalised inputs, opposite ones", r"4\,b\,y^2\,m > 0", r"4\,b\,y^2\,m < 0"),
    ScriptMutant("smallest_eigenvalue", "the sum", r"K+rS) \le ", r"K+rS) \ge "),
    ScriptMutant(
        "smallest_eigenvalue", "the gated kernel as one Hadamard product", r"\odot(K_m + dS)", r"\odot(K_m + S)"
    ),
    ScriptMutant("majorisation", "doubly stochastic weights", r"\Bigr)u_i = 1", r"\Bigr)u_i = 2"),
    ScriptMutant("hadamard", "never larger than d/m", r"0 < r \le \frac dm", r"0 < r < \frac dm"),
    ScriptMutant("degree_shift", "how fast gating decorrelates", r"\rho\,\kappa\,(2+\mu)", r"\rho\,\kappa\,(1+\mu)"),
    ScriptMutant(
        "expected_loss", "the mean of a quadratic form", r"= \mathrm{Tr}[M\Sigma] + Y", r"= \mathrm{Tr}[M\Sigma] - Y"
    ),
    ScriptMutant("ntk_plain", "Eq. 3", r"K(x,x') = m\,S + m\,", r"K(x,x') = m\,S + "),
    ScriptMutant(
        "ntk_gated",
        "the bilinear network",
        r"\sigma_w^2\sigma_v^2 + \sigma_w^2\sigma_p^2 + ",
        r"\sigma_w^2\sigma_v^2 + ",
    ),
    ScriptMutant("steps_to_error", "the logarithm", r"\frac1\kappa \le -\ln", r"\frac2\kappa \le -\ln"),
)
#: Mistakes that nothing sees: there the statement is read, not compared. docs/how-a-claim-is-verified.md names them.
UNSEEN = (
    ScriptMutant(
        "majorisation",
        "entropy, participation ratio, determinant",
        r"\det(K\odot C)\ge\det K",
        r"\det(K\odot C)\le\det K",
    ),
    ScriptMutant(
        "smallest_eigenvalue",
        "normalised inputs",
        r"\lambda(\tilde K_m) \prec \lambda(K_{m+d})",
        r"\lambda(\tilde K_m) \succ \lambda(K_{m+d})",
    ),
    ScriptMutant("crossing", "cumulated weights", r"C(r)\,e^{-rt}\,dr", r"2\,C(r)\,e^{-rt}\,dr"),
)


def loaded(name: str, text: str, folder: Path) -> ModuleType:
    """The module of this name made from this text in place of its file."""
    path = folder / f"{name}.py"
    path.write_text(text, encoding="utf-8")
    spec = spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


def altered(mutant: ScriptMutant, monkeypatch: pytest.MonkeyPatch, folder: Path) -> Proof:
    """The proof with the mistake in it; the sources stay as they are, and `monkeypatch` puts the modules back."""
    text = mutant.path.read_text(encoding="utf-8").replace(mutant.old, mutant.new)
    name = f"derivations.proofs.{mutant.script}"
    monkeypatch.setitem(sys.modules, name, import_module(name))
    if mutant.tool:
        tool = f"derivations.tools.{mutant.tool}"
        monkeypatch.setitem(sys.modules, tool, import_module(tool))
        monkeypatch.setattr(derivations.tools, mutant.tool, loaded(tool, text, folder))
        text = (ROOT / "proofs" / f"{mutant.script}.py").read_text(encoding="utf-8")
    found: Proof = loaded(name, text, folder).proof()
    return found
