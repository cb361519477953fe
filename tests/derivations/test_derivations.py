"""The proof scripts: every step is confirmed, the rendering is current, and what is wrong is refuted."""

import os
import re
import subprocess
import sys
from dataclasses import replace
from functools import cache

import pytest
import sympy as sp
from click.testing import CliRunner

from derivations import __main__ as cli
from derivations import catalog
from derivations.proofs import (
    arc_cosine,
    arcsine_family,
    erf,
    gelu,
    hadamard,
    logistic_mixture,
    mehler,
    ntk_gated,
    ntk_plain,
    products,
)
from derivations.tools import render
from derivations.tools.arcsine import at_zero, d_dc, p, q, read, solves, theta, vanish, w
from derivations.tools.finite_width import FRONT, GAMMA, Small, agrees, polynomial, sigma_v
from derivations.tools.gauss import integrate_exponential, moment, u
from derivations.tools.half_line import X
from derivations.tools.proof import CERTIFICATE, PROOF, Outcome, Proof, Step, both
from derivations.tools.proof import run as run_proof
from derivations.tools.zero import is_zero, zero
from glutheory.activations import activation
from glutheory.errors import UnknownNameError
from glutheory.symbolic.duals import dual as engine_dual
from glutheory.symbolic.gaussian import a, b, c

#: One proof for each kernel family and identity; further ones are welcome.
PROMISED = {
    "arc_cosine",
    "arcsine_family",
    "decorrelation",
    "degree_shift",
    "erf",
    "expected_loss",
    "gelu",
    "hadamard",
    "hermite_series",
    "logistic_mixture",
    "majorisation",
    "ntk_gated",
    "ntk_plain",
    "products",
    "relu_expansion",
    "smallest_eigenvalue",
}
NAMES = catalog.names()
S, T = sp.symbols("S T", real=True)


@cache
def ran(name):
    return run_proof(catalog.load(name))


@cache
def texts():
    return render.pages({name: ran(name) for name in NAMES})


# ---------------------------------------------------------------- the proofs


def test_the_promised_proofs_are_there():
    assert set(NAMES) >= PROMISED


@pytest.mark.parametrize("name", NAMES)
def test_every_step_is_confirmed(name):
    run = ran(name)
    assert run.failure is None
    assert len(run.outcomes) == len(run.proof.steps)
    assert all(outcome.passed for outcome in run.outcomes)
    assert run.count(PROOF) + run.count(CERTIFICATE) == len(run.proof.steps)


@pytest.mark.parametrize("name", sorted(PROMISED - {"hermite_series", "logistic_mixture"}))
def test_the_closed_forms_and_identities_are_proved_and_not_only_certified(name):
    assert ran(name).count(CERTIFICATE) == 0


@pytest.mark.parametrize("name", NAMES)
def test_every_step_says_its_rule_and_every_proof_its_notation(name):
    proof = catalog.load(name)
    assert all((proof.title, proof.source, proof.summary, proof.notation))
    for step in proof.steps:
        assert step.rule
        assert not step.rule.endswith(".")  # the page adds the full stop


# ---------------------------------------------------------------- the pages


def test_the_committed_pages_are_current():
    assert render.differences(texts(), render.RENDERED) == []


def test_rendering_twice_gives_the_same_text():
    again = {name: replace(ran(name), proof=catalog.load(name)) for name in NAMES}
    assert render.pages(again) == texts()


@pytest.mark.parametrize("name", ["arc_cosine", "logistic_mixture"])
def test_the_page_does_not_depend_on_the_hash_seed(name):
    environment = {**os.environ, "PYTHONHASHSEED": "7"}
    command = [sys.executable, "-m", "derivations", name]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", env=environment, check=True)
    assert done.stdout == texts()[f"{name}.md"]


def braces(text):
    """The nesting depth after each character, escaped braces left out."""
    depth, depths = 0, [0]
    for brace in re.findall(r"[{}]", re.sub(r"\\[{}]", "", text)):
        depth += 1 if brace == "{" else -1
        depths.append(depth)
    return depths


@pytest.mark.parametrize("name", NAMES)
def test_latex_is_balanced(name):
    for step in catalog.load(name).steps:
        statement = step.statement
        assert "$" not in statement, step.name
        assert braces(statement)[-1] == 0 == min(braces(statement)), step.name
        assert len(re.findall(r"\\left\b", statement)) == len(re.findall(r"\\right\b", statement)), step.name
        opened, closed = (sorted(re.findall(rf"\\{word}{{(\w+)}}", statement)) for word in ("begin", "end"))
        assert opened == closed, step.name


@pytest.mark.parametrize("page", [*(f"{name}.md" for name in NAMES), render.INDEX])
def test_pages_are_clean_markdown(page):
    text = texts()[page]
    # a backslash sequence in a string that is not raw leaves a control character: \frac → form feed, \theta → tab
    assert not [character for character in text if ord(character) < 32 and character != "\n"]
    display = text.split("$$")
    assert len(display) % 2 == 1
    for prose in display[::2]:
        for paragraph in prose.split("\n"):
            inline = paragraph.split("$")
            assert len(inline) % 2 == 1, paragraph
            assert all(braces(formula)[-1] == 0 == min(braces(formula)) for formula in inline[1::2]), paragraph
            assert not any("\\" in words for words in inline[::2]), paragraph
    for target in re.findall(r"\]\(([^)]+)\)", text):
        assert target in texts()


def test_no_times_dates_or_paths_in_the_pages():
    for text in texts().values():
        assert not re.search(r"/(home|tmp|work|usr)/|\d\d:\d\d|20\d\d-\d\d|\bseconds\b", text)


# ---------------------------------------------------------------- negative controls

ONE_HALF = sp.Rational(1, 2)
WRONG_STEPS = {
    "a missing factor 2 in the arc-cosine kernel": solves(
        arc_cosine.CLOSED[1] / 2, arc_cosine.CLOSED[0], start=(p * q / (2 * sp.pi),)
    ),
    "the wrong sign of the arcsine": solves(
        ONE_HALF**2 - theta / (2 * sp.pi), 1 / (2 * sp.pi * w), start=(ONE_HALF**2,)
    ),
    "the wrong value at c = 0": solves(arc_cosine.CLOSED[1], arc_cosine.CLOSED[0], start=(p * q / sp.pi,)),
    "the wrong initial slope": solves(
        gelu.CLOSED + c, gelu.elementary(), order=2, start=(at_zero(gelu.CLOSED), sp.Rational(1, 4))
    ),
    "T for S in Eq. 3": lambda: zero(ntk_plain.equation_three().subs({S: T, T: S}) - ntk_plain.equation_three()),
    "E[u²v²] without the factor 2": lambda: zero(moment(2, 2) - (a * b + c**2)),
    "Williams without the factor 2": lambda: vanish(read(erf.williams(), ONE_HALF, ONE_HALF) - theta / sp.pi),
    "an integral with the wrong variance": lambda: zero(integrate_exponential(-(u**2) / (2 * a), (u,))[0] - sp.pi * a),
    "an outcome that fails beside one that passes": lambda: both(zero(sp.S.Zero), zero(a)),
    "a certificate that does not overlap": lambda: Outcome(False, CERTIFICATE, "disjoint balls"),
}


@pytest.mark.parametrize("label", WRONG_STEPS)
def test_a_wrong_step_is_refuted(label):
    good = Step("right", "1 = 1", "trivial", lambda: zero(sp.S.Zero))
    wrong = Step(label, "0 = 1", "none", WRONG_STEPS[label])
    run = run_proof(Proof("wrong", "test", "wrong", "none", (good, wrong, replace(good, name="last"))))
    assert run.failure is not None
    assert run.failure.step is wrong
    assert "refuted" in run.failure.reason


#: (module, name in it, wrong value, step that must notice): a mistake in a script's own formula.
MISTAKES = [
    (arc_cosine, "CLOSED", {**arc_cosine.CLOSED, 2: 2 * arc_cosine.CLOSED[2]}, "k = 2"),
    (erf, "CLOSED", -erf.CLOSED, "integrate in c"),
    (erf, "CLOSED", erf.CLOSED / 2, "integrate in c"),
    (gelu, "CLOSED", gelu.CLOSED + c / 4, "integrate twice in c"),
    (gelu, "tsuchida", lambda: gelu.CLOSED.subs(theta, 0), "the formula of Tsuchida et al."),
    (arcsine_family, "CDF", ONE_HALF**2 - theta / (2 * sp.pi), "distribution functions"),
    (arcsine_family, "RAMP", arcsine_family.RAMP - 1 / w, "ramps"),
    (logistic_mixture, "SOFT", 2 * logistic_mixture.SOFT, "softplus"),
    (logistic_mixture, "RAMP", arcsine_family.RAMP + c, "SiLU"),
    (logistic_mixture, "logistic", lambda z: 1 / (1 + sp.exp(-2 * z)), "characteristic function of the logistic law"),
    (ntk_plain, "equation_three", lambda: ntk_plain.m * T, "Eq. 3"),
    (ntk_gated, "equation_four", ntk_plain.equation_three, "Eq. 4, block by block"),
    (hadamard, "gated", hadamard.plain, "the two kernels"),
    (mehler, "he", lambda k, x=X: x**k, "Hermite polynomials"),
    (
        products,
        "formula",
        lambda S, T, inner: [sp.Mul(*S), *(inner * t for t in T)],
        "the formula, for any number of branches",
    ),
]


@pytest.mark.parametrize(("module", "attribute", "wrong", "step"), MISTAKES)
def test_a_mistake_in_a_script_is_found_at_the_right_step(module, attribute, wrong, step, monkeypatch):
    monkeypatch.setattr(module, attribute, wrong)
    run = run_proof(module.proof())
    assert run.failure is not None
    assert run.failure.step.name == step


@pytest.mark.parametrize(
    ("module", "other", "step"),
    [
        (arc_cosine, "relu2", "the engine agrees"),
        (gelu, "normal_cdf", "the engine agrees"),
        (arcsine_family, "erf", "the cases"),
        (logistic_mixture, "tanh", "sigmoid and tanh"),
    ],
)
def test_a_wrong_result_of_the_engine_is_found(module, other, step, monkeypatch):
    """The engine is replaced by one that derives another activation's kernel."""
    monkeypatch.setattr(module, "dual", lambda _: engine_dual(activation(other)))
    run = run_proof(module.proof())
    assert run.failure is not None
    assert run.failure.step.name == step


def small(width=2):
    return Small((polynomial(2, "c"),), (sp.Symbol("sigma_w", positive=True),), sigma_v, width, 2)


def blocks(network, *, factor=sp.S.One, swap=False):
    first, second = network.duals(0)
    if swap:
        first, second = second, first
    size = network.width * FRONT**2
    return [size * first, factor * size * sigma_v**2 * GAMMA**2 * network.gram[2] * second]


def nngp(network):
    return network.width * FRONT**2 * sigma_v**2 * network.duals(0)[0]


def test_brute_force_confirms_the_formula_and_refutes_its_neighbours():
    networks = [small(1), small(2)]
    assert agrees(networks, blocks, nngp).passed
    assert not agrees(networks, lambda n: blocks(n, factor=sp.Integer(2)), nngp).passed
    assert not agrees(networks, lambda n: blocks(n, swap=True), nngp).passed
    assert not agrees(networks, blocks, lambda n: nngp(n) * n.width).passed


# ---------------------------------------------------------------- deciding zero

x, y = sp.symbols("x y", positive=True)


@pytest.mark.parametrize(
    "expr",
    [
        (x + y) ** 2 - x**2 - 2 * x * y - y**2,
        1 / (x - y) - (x + y) / (x**2 - y**2),
        sp.sqrt(x + y) ** 3 / (x + y) - sp.sqrt(x + y),
        1 / sp.sqrt(x + 1) - sp.sqrt(x + 1) / (x + 1),
        sp.sin(x) ** 2 + sp.cos(x) ** 2 - 1,
        sp.erf(x) * (x + 1) - x * sp.erf(x) - sp.erf(x),
        sp.sqrt(sp.sin(x) + 1) ** 2 - sp.sin(x) - 1,
        x ** (y + 1) - x * x**y,
    ],
)
def test_zero_is_shown(expr):
    assert is_zero(expr)
    assert not is_zero(expr + 1)
    assert not is_zero(expr + x / 10**12)


@pytest.mark.parametrize(
    "expr", [x, sp.sqrt(x) - x, sp.sin(x) - x, sp.nan, sp.zoo, sp.oo, sp.exp(x) - 1, sp.cos(x) - sp.sin(x)]
)
def test_what_is_not_zero_is_not_shown(expr):
    assert not is_zero(expr)


def test_the_field_differentiates_like_sympy():
    angle, root = sp.asin(c / (p * q)), sp.sqrt(p**2 * q**2 - c**2)
    back = {theta: angle, w: root}
    expr = c**2 * theta / w + w**3 - theta
    gap = sp.diff(expr.subs(back), c) - d_dc(expr).subs(back)
    assert abs(gap.subs({p: sp.Rational(5, 4), q: sp.Rational(7, 5), c: sp.Rational(1, 3)}).evalf(30)) < 1e-25


@pytest.mark.parametrize("expr", [sp.asin(2 * c / sp.sqrt(a * b)), sp.sqrt(a * b - 2 * c**2)])
def test_the_field_refuses_what_is_not_in_it(expr):
    with pytest.raises(ValueError, match="is not"):
        read(expr)


# ---------------------------------------------------------------- records


@pytest.mark.parametrize(
    "build",
    [
        lambda: Outcome(True, "belief", "faith"),
        lambda: Proof("empty", "", "", "", ()),
        lambda: Proof("twice", "", "", "", (Step("same", "", "", zero), Step("same", "", "", zero))),
        both,
        zero,
    ],
)
def test_a_proof_of_nothing_is_refused(build):
    with pytest.raises(ValueError, match=r"use|needs|own name|nothing"):
        build()


def test_the_weakest_grade_counts():
    strong, weak = zero(sp.S.Zero), Outcome(True, CERTIFICATE, "balls")
    assert both(strong, weak).grade == CERTIFICATE
    assert both(strong, strong).grade == PROOF


# ---------------------------------------------------------------- the command line


def broken(name="gelu", check=lambda: zero(sp.S.One)):
    """A loader that appends a wrong step to one proof and keeps two proofs only, for speed."""

    def load(wanted):
        proof = catalog.load(wanted)
        wrong = Step("a deliberately wrong step", "1 = 0", "none", check)
        return replace(proof, steps=(*proof.steps[:2], wrong)) if wanted == name else proof

    return load


@pytest.fixture
def two_proofs(monkeypatch):
    monkeypatch.setattr(cli, "names", lambda: ("gelu", "hadamard"))


@pytest.mark.usefixtures("two_proofs")
def test_all_pages_are_written_and_current_and_a_changed_one_is_noticed(tmp_path):
    runner, options = CliRunner(), ["--output", str(tmp_path / "new")]
    assert runner.invoke(cli.main, options).exit_code == 0
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == ["README.md", "gelu.md", "hadamard.md"]
    assert (tmp_path / "new" / "gelu.md").read_text(encoding="utf-8") == texts()["gelu.md"]
    assert runner.invoke(cli.main, [*options, "--check"]).exit_code == 0
    page = tmp_path / "new" / "gelu.md"
    page.write_text(page.read_text(encoding="utf-8") + "x", encoding="utf-8")
    (tmp_path / "new" / "old.md").write_text("", encoding="utf-8")
    (tmp_path / "new" / "hadamard.md").unlink()
    result = runner.invoke(cli.main, [*options, "--check"])
    assert result.exit_code == 1
    assert "gelu.md is not current" in result.stderr
    assert "hadamard.md is missing" in result.stderr
    assert "old.md belongs to no proof" in result.stderr
    assert page.read_text(encoding="utf-8").endswith("x")


@pytest.mark.parametrize("check", [lambda: zero(sp.S.One), lambda: 1 / 0], ids=["refuted", "broken off"])
@pytest.mark.usefixtures("two_proofs")
def test_a_failing_step_is_named_and_nothing_of_that_proof_is_overwritten(check, tmp_path, monkeypatch):
    (tmp_path / "gelu.md").write_text("before", encoding="utf-8")
    monkeypatch.setattr(cli, "load", broken(check=check))
    result = CliRunner().invoke(cli.main, ["--output", str(tmp_path)])
    assert result.exit_code == 1
    assert "gelu: step 'a deliberately wrong step'" in result.stderr
    assert (tmp_path / "gelu.md").read_text(encoding="utf-8") == "before"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["gelu.md", "hadamard.md"]
    assert CliRunner().invoke(cli.main, ["--check", "--output", str(tmp_path)]).exit_code == 1
    alone = CliRunner().invoke(cli.main, ["gelu"])
    assert (alone.exit_code, alone.stdout) == (1, "")
    assert "a deliberately wrong step" in alone.stderr
    with pytest.raises(ValueError, match="only a confirmed proof"):
        render.markdown("gelu", run_proof(broken(check=check)("gelu")))


def test_one_proof_is_printed():
    result = CliRunner().invoke(cli.main, ["hadamard"])
    assert result.exit_code == 0
    assert result.stdout == texts()["hadamard.md"]


def test_one_proof_is_checked():
    assert CliRunner().invoke(cli.main, ["hadamard", "--check"]).exit_code == 0


@pytest.mark.parametrize(
    ("name", "hint"), [("gleu", "did you mean 'gelu'?"), ("GELU", "'gelu'"), ("zzz", "the proofs are"), ("proof", "")]
)
@pytest.mark.parametrize("options", [[], ["--check"]])
def test_an_unknown_name_is_one_sentence_and_exit_2(name, hint, options):
    result = CliRunner().invoke(cli.main, [name, *options])
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith(f"Error: unknown proof {name!r}: ")
    assert hint in result.stderr
    assert result.stderr.count("\n") == 1


def test_a_long_unknown_name_is_shortened():
    with pytest.raises(UnknownNameError) as caught:
        catalog.load("x" * 10**5)
    assert len(str(caught.value)) < 500


@pytest.mark.usefixtures("two_proofs")
def test_a_folder_that_cannot_be_used_is_one_sentence_and_exit_2(tmp_path):
    (tmp_path / "file").write_text("", encoding="utf-8")
    result = CliRunner().invoke(cli.main, ["--output", str(tmp_path / "file" / "below")])
    assert result.exit_code == 2
    assert "cannot use the folder" in result.stderr


@pytest.mark.slow
def test_the_module_runs_as_a_command_and_finds_its_pages_current():
    command = [sys.executable, "-m", "derivations", "--check"]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
    assert (done.returncode, done.stdout) == (0, "")
    assert all(name in done.stderr for name in NAMES)
