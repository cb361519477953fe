"""Derived recursions of stacks: what is found in them, their certificate, their values against others' formulas."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction

import mpmath
import numpy as np
import pytest
import sympy as sp

import glutheory as glu
from glutheory.errors import DomainError, UnknownNameError
from glutheory.layers import (
    Stack,
    composed,
    dense,
    layernorm,
    positions,
    product,
    read_stack,
    readout,
    repeat,
    residual,
    rmsnorm,
    stack,
)
from glutheory.symbolic import derivation, layer_rules
from glutheory.symbolic.composing import recursion
from glutheory.symbolic.gaussian import a, b, c
from glutheory.symbolic.recursion import Let, Loop, words
from glutheory.symbolic.stack_checks import whole_check
from tests.compositions import COMPOSITIONS, PAIRS

RULES: dict[str, Callable[[], layer_rules.Rule]] = {
    "dense": lambda: layer_rules.dense_rule(False, True),
    "dense, standard": lambda: layer_rules.dense_rule(True, True),
    "product": lambda: layer_rules.product_rule(3),
    "norm": lambda: layer_rules.norm_rule(True, True),
    "sum": layer_rules.sum_rule,
}


@pytest.mark.parametrize("name", RULES)
def test_rules_certify_themselves(name: str) -> None:
    rule = RULES[name]()
    assert rule.check().passed
    wrong = replace(rule, through=tuple(2 * factor for factor in rule.through))
    assert not wrong.check().passed


def test_rules_of_a_dense_layer_in_both_parametrisations() -> None:
    S, v, b, n = layer_rules.SIGMA, layer_rules.VARIANCE, layer_rules.BIAS, layer_rules.FAN_IN
    ntk, standard = layer_rules.dense_rule(False, True), layer_rules.dense_rule(True, True)
    assert ntk.covariance == standard.covariance == v * S + b
    assert (ntk.own, standard.own) == (v * S + b, n * S + 1)
    assert ntk.through == standard.through == (v,)


@pytest.mark.long
@pytest.mark.parametrize("name", COMPOSITIONS)
def test_certificates(name: str) -> None:
    made = COMPOSITIONS[name].build(3)
    found = derivation(made).verify()
    assert found.passed
    assert len(found.checks) >= 5
    if not made.sequences:
        assert whole_check(recursion(made.layers, True, made.centred, inputs=False)).passed


def test_a_wrong_factor_is_seen_by_the_certificates(monkeypatch: pytest.MonkeyPatch) -> None:
    """One branch's gradient counted twice, the other's forgotten: the rule, the block and the whole are refuted."""
    own = layer_rules.product_rule

    def wrong(branches: int) -> layer_rules.Rule:
        rule = own(branches)
        return replace(rule, through=(rule.through[0], rule.through[0]))

    monkeypatch.setattr(layer_rules, "product_rule", wrong)
    recursion.cache_clear()
    try:
        found = [derivation(stack("reglu", depth)).verify() for depth in (1, 4)]
    finally:
        recursion.cache_clear()
    failed = [{check.statement.split(",")[0] for check in one.checks if not check.passed} for one in found]
    assert failed[0] == {"product: the factor of Θ is ∂Σ'/∂Σ (Price)", "from the first layer to the last"}
    assert failed[1] == {"product: the factor of Θ is ∂Σ'/∂Σ (Price)", "in the block that is repeated 4 times"}


@pytest.mark.parametrize("parametrization", ["ntk", "standard"])
@pytest.mark.parametrize("network", ["relu", "swiglu", "geglu", "bilinear"])
def test_two_layers_are_those_of_the_network(network: str, parametrization: str) -> None:
    """Symbolically by the certificate, and in digits."""
    made = composed(product(network), readout())
    found = derivation(made, parametrization=parametrization)
    said = [check.statement for check in found.verify().checks if check.statement.startswith("two layers")]
    assert len(said) == 2
    assert found.verify().passed
    if parametrization == "ntk":
        own = glu.derivation(network)
        point = dict(zip((a, b, c), map(sp.Rational, PAIRS["usual"]), strict=True))
        found_here = glu.evaluate(made, *PAIRS["usual"], digits=20)
        for value, formula in zip(found_here, (own.nngp, own.ntk), strict=True):
            if network != "swiglu":  # whose formula is an average
                assert mpmath.nstr(value, 16) == str(sp.N(formula.subs(point), 16)).rstrip("0")


# by hand: the recursion of theory in floats, with formulas of the literature for S and T


def arc_cosine(a: float, b: float, c: float) -> tuple[float, float]:
    """Cho and Saul 2009."""
    rho = max(-1.0, min(1.0, c / math.sqrt(a * b)))
    theta = math.acos(rho)
    return math.sqrt(a * b) * (math.sin(theta) + (math.pi - theta) * rho) / (2 * math.pi), (math.pi - theta) / (
        2 * math.pi
    )


def arcsine(a: float, b: float, c: float) -> tuple[float, float]:
    """Williams 1997."""
    root = math.sqrt((1 + 2 * a) * (1 + 2 * b))
    return 2 / math.pi * math.asin(2 * c / root), 4 / math.pi / math.sqrt(root**2 - 4 * c**2)


Dual = Callable[[float, float, float], tuple[float, float]]


def llama(dual: Dual, depth: int, gated: bool, gain: bool, a: float, b: float, c: float) -> tuple[float, float]:
    """Embedding, residual blocks with RMSNorm before a (gated) unit, a last norm, a readout."""
    theta = c
    for last in [False] * depth + [True]:
        root = math.sqrt(a * b)
        rho, t = c / root, theta / root
        t += rho if gain else 0.0
        if last:
            return rho, t + rho
        S, T = dual(1.0, 1.0, rho)
        own = dual(1.0, 1.0, 1.0)[0]
        t += rho  # the branches' own weights
        image, slope = (rho * S, S * t + rho * T * t) if gated else (S, T * t)
        theta += slope + image
        a, b, c = a + own, b + own, c + image
    raise AssertionError


@pytest.mark.parametrize("depth", [1, 2, 5, 20])
@pytest.mark.parametrize(
    ("network", "dual", "gated"), [("relu", arc_cosine, False), ("reglu", arc_cosine, True), ("erf", arcsine, False)]
)
def test_usual_stacks_by_hand(network: str, dual: Dual, gated: bool, depth: int) -> None:
    for gain in (False, True):
        made = stack(network, depth, gain=gain)
        for pair in ("usual", "obtuse", "orthogonal"):
            found = derivation(made).at(*PAIRS[pair], digits=16)
            true = llama(dual, depth, gated, gain, *map(float, PAIRS[pair]))
            # a few roundings a layer
            assert [float(found.nngp), float(found.ntk)] == pytest.approx(true, abs=4e-15 * depth, rel=4e-15 * depth)


def test_a_perceptron_by_hand() -> None:
    """He's initialisation: ρ ↦ κ₁(ρ), Θ_L = Σ_L + Θ_{L−1} κ₀(ρ_{L−1}) (Jacot et al. 2018)."""
    for depth in (1, 3, 20):
        found = derivation(COMPOSITIONS["relu He"].build(depth)).at(1, 1, Fraction(3, 10), digits=16)
        rho, theta = 0.3, 0.0
        for _ in range(depth):
            S, T = arc_cosine(1.0, 1.0, rho)
            rho, theta = 2 * S, 2 * T * (theta + rho)
        assert [float(found.nngp), float(found.ntk)] == pytest.approx([rho, theta + rho], rel=1e-13)


def test_finite_networks_by_direct_expansion() -> None:
    """Bilinear units on bilinear units: the exact kernel at width n is that of the recursion at n → ∞.

    E over all weights by Isserlis: with h_j = (p_j·x)(w_j·x), a unit of the second layer is a product of two
    independent linear forms in h, whose covariance given h is (Σ_j h_j h'_j/n)².
    """
    n = sp.Symbol("n", positive=True)
    first = c**2  # E[h h']
    second = (a * b + 2 * c**2) ** 2  # E[h² h'²] = E[u²u'²]²
    exact = sp.expand((n * second + n * (n - 1) * first**2) / n**2)
    assert sp.limit(exact, n, sp.oo) == c**4
    made = recursion(composed(product("bilinear"), product("bilinear"), readout()).layers)
    values = {line.symbol: line.value for step in made.steps() for line in step.lines if isinstance(line, Let)}
    derived = made.end.moments.mixed.subs(values).subs(values)
    assert derived == c**4
    # and the difference is of order 1/n
    assert sp.limit(n * (exact - c**4), n, sp.oo) == sp.expand(second - first**2)


# what is found


def test_a_repeated_block_is_derived_once() -> None:
    found = recursion(stack("reglu", 10_000).layers)
    loops = [node for node in found.nodes if isinstance(node, Loop)]
    assert [loop.times for loop in loops] == [10_000]
    assert len(list(found.steps())) == 7


def test_simplifications() -> None:
    facts = derivation(stack("reglu", 12)).facts
    said = " ".join(fact.statement for fact in facts)
    assert "variances before relu in identity * relu are 1 and 1" in said
    assert "homogeneous of degree 1" in said
    assert "adds the same function of the correlation" in said
    (growth,) = [right for fact in facts for left, right in fact.equations if str(left) == "A_l"]
    assert growth == sp.Symbol("A_0", positive=True) + sp.Symbol("l", positive=True) / 2
    chain = derivation(stack("relu", 12, residual=False)).facts
    (image,) = [right for fact in chain for left, right in fact.equations if str(left) == "rho'"]
    assert image == 2 * sp.Function("S_relu")(1, 1, sp.Symbol("rho", real=True))
    assert not any("scalar map" in fact.statement for fact in derivation(COMPOSITIONS["silu no norm"].build(5)).facts)


def test_a_scalar_map_maps_as_the_stack_does() -> None:
    """The map of the fact, iterated by hand, is the NNGP of the stack."""
    rho = 0.25
    for _ in range(12):
        rho = 2 * arc_cosine(1.0, 1.0, rho)[0]
    found = derivation(stack("relu", 12, residual=False)).at(1, 1, Fraction(1, 4), digits=16)
    assert float(found.nngp) == pytest.approx(rho, rel=1e-14)


def test_names_of_activations_are_unlike() -> None:
    acts = [glu.activation("silu"), glu.activation("silu", beta=2), glu.activation("relu")]
    assert list(words(acts).values()) == ["silu", "silu2", "relu"]


def test_thousands_of_blocks_are_evaluated() -> None:
    """Loops all the way: nothing of it lives on Python's stack."""
    found = derivation(stack("bilinear", 3000)).at(1, 1, Fraction(1, 2), digits=5)
    assert 0 < float(found.nngp) < 1e-3


# bad input


@pytest.mark.parametrize(
    ("point", "options", "words_of_it"),
    [
        ((-1, 1, 0), {}, "a is -1: it is a variance"),
        ((1, 1, 2), {}, "a covariance obeys"),
        ((0, 1, 0), {}, "zero where a norm divides"),
        ((1, "x", 0), {}, "b is 'x'"),
        ((1, 1, sp.sqrt(2) / 2), {}, "rational number"),
        ((1, 1, 0), {"digits": 0}, "digits is '0'"),
        ((1, 1, 0), {"parametrization": "both"}, "parametrization is 'both'"),
        ((1, 1, 0), {"parametrization": "standard"}, "give width and d"),
        ((1, 1, 0), {"trained": "block9.gate"}, "block9.gate"),
        (([[1]], 1, 0), {}, "a is "),
    ],
)
@pytest.mark.parametrize("road", [glu.evaluate, glu.enclose], ids=["evaluate", "enclose"])
def test_mistakes_are_one_sentence(road, point, options, words_of_it) -> None:
    with pytest.raises((DomainError, UnknownNameError), match=words_of_it) as error:
        road(stack("reglu", 2), *point, **options)
    assert str(error.value).count("\n") == 0


@pytest.mark.parametrize("road", [glu.evaluate, glu.enclose], ids=["evaluate", "enclose"])
def test_variances_beyond_all_bounds(road) -> None:
    """Without norms a gated network squares its variances: what is beyond all integrals is said, not tried."""
    with pytest.raises(DomainError, match="put a norm before it"):
        road(stack("geglu", 2000, norm=None), 2**1020, 2**1020, 2**1019, digits=5)


@pytest.mark.parametrize("road", [glu.evaluate, glu.enclose], ids=["evaluate", "enclose"])
def test_homogeneous_units_have_no_bounds(road) -> None:
    """Variances that square in each of 40 blocks: exponents of a million digits of an arb, and the same correlation."""
    nngp, ntk = road(stack("reglu", 40, norm=None, residual=False, variance=4), 2, 2, 2, digits=5)
    one = road(stack("reglu", 1, norm=None, residual=False, variance=4), 2, 2, 2, digits=5)
    assert nngp > 10**100
    # all 3 weights of a block and the two at the ends: a power of the inputs, by Euler's theorem
    assert ntk > nngp
    assert one[1] > one[0]


@pytest.mark.parametrize("road", [glu.evaluate, glu.enclose], ids=["evaluate", "enclose"])
def test_sequences_need_matrices(road) -> None:
    made = composed(dense(), positions(), readout())
    with pytest.raises(DomainError, match="the stack takes sequences"):
        road(made, 1, 1, 0)
    with pytest.raises(DomainError, match="different shapes"):
        road(made, [[1]], [[1]], [[1, 0], [0, 1]])
    with pytest.raises(DomainError, match="no symmetric matrix"):
        road(made, [[1, 0], ["1/2", 1]], [[1, 0], [0, 1]], [[0, 0], [0, 0]])


def test_layernorm_of_a_constant_unit_cannot_be(monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: ARG001
    """A bias alone keeps a zero row from being one."""
    made: Stack = composed(dense(1, "1/2"), residual(rmsnorm(), product("relu"), dense()), layernorm(), readout())
    found = derivation(made).at(0, 1, 0, digits=10)
    assert float(found.nngp) == pytest.approx(float(glu.enclose(made, 0, 1, 0)[0]), rel=1e-9)


def test_repeats_on_the_inputs_have_their_own_fan_in() -> None:
    made = composed(repeat(3, product("relu")), readout())
    found = derivation(made, parametrization="standard").at(1, 1, "1/2", digits=10, blocks=True, width=50, d=3)
    other = derivation(made, parametrization="standard").at(1, 1, "1/2", digits=10, blocks=True, width=50, d=6)
    ratio = found.blocks["block1.hidden"] / other.blocks["block1.hidden"]
    assert float(ratio) == pytest.approx(0.5, rel=1e-9)
    assert found.blocks["block2.hidden"].overlaps(other.blocks["block2.hidden"])


@pytest.mark.parametrize(
    "line", ["swiglu x 4, residual, scale 1/2", "relu x 5, no residual", "silu x 3, layernorm, gain"]
)
def test_the_linear_recursion_of_a_fact_is_that_of_the_stack(line: str) -> None:
    """ρ, the variances and Θ by the equations of the facts alone, block by block, with S and T by `evaluate`."""
    made = read_stack(line)
    found = {str(left): right for fact in derivation(made).facts for left, right in fact.equations}
    a, b, c = 1.0, 2.0, 0.5
    depth = int(line.split()[2].rstrip(","))
    chain = "rho'" in found
    A, B, sigma, theta = a, b, c, c
    for _ in range(depth):
        rho = sigma / math.sqrt(A * B)
        names = {"rho": rho, "A": A, "B": B, "Theta": theta, "l": 1, "A_0": 0}

        def value(name: str, names: dict[str, float] = names, rho: float = rho) -> float:
            expr = found[name]
            pairs = {
                call: glu.evaluate(call.func.__name__[2:], 1, 1, 1 if call.args[2] == 1 else rho, digits=20)[
                    call.func.__name__[0] == "T"
                ]
                for call in expr.atoms(sp.core.function.AppliedUndef)
            }
            numbers = {symbol: names[symbol.name] for symbol in expr.free_symbols}
            return float(sp.sympify(expr.xreplace(pairs)).subs(numbers))

        if chain:
            theta, sigma, A, B = value("Theta'"), value("rho'"), 1.0, 1.0
            # the chain's units have the variance E φ², here 1/2, and its map is one of correlations
            sigma, A, B = sigma / 2, 0.5, 0.5
        else:
            theta += value("-Theta + Theta'")
            sigma += value("-Sigma + Sigma'")
            A, B = A + value("A_l"), B + value("A_l")
    end = sigma / math.sqrt(A * B)
    gain = end if "gain" in line else 0.0
    x = np.array([[1.0, 0.0], [0.5, math.sqrt(1.75)]]) * math.sqrt(2)  # a = 1, b = 2, c = 1/2
    nngp, ntk = glu.gram(made, x, kind="both")
    assert nngp[0, 1] == pytest.approx(end, rel=1e-12)
    assert ntk[0, 1] == pytest.approx(theta / math.sqrt(A * B) + gain + end, rel=1e-12)
