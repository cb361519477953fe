"""Every name in every format: text, ASCII, LaTeX that compiles, JSON; failures are loud; places to print to."""

import json
import re
import shutil
import subprocess
from fractions import Fraction

import pytest
import sympy as sp
from flint import arb

from glutheory import terminal as layout
from glutheory.activations import activation
from glutheory.errors import DerivationError, DomainError, ExpressionError, PrecisionError
from glutheory.ground.files import write_whole
from glutheory.networks import Network, network, network_names, product
from glutheory.printing import FORMATS, render, samples
from glutheory.printing.contents import report
from glutheory.printing.legible import averaged
from glutheory.printing.samples import Quantity, Sample
from glutheory.printing.sentences import MIXTURE_NOTE
from glutheory.printing.styles import LATEX, UNICODE
from glutheory.printing.writer import Writer
from glutheory.symbolic.certify import Check
from glutheory.symbolic.derived import Verification
from glutheory.terminal import Terminal, ascii_text
from tests.printing.reports import WIDE, found

pytestmark = pytest.mark.usefixtures("evaluated_once")

PLAIN = Terminal(100, False, False)


# --- every name in every format


def _balanced(source: str) -> bool:
    stack = []
    for token in re.findall(
        r"\\begin\{(\w+\*?)\}|\\end\{(\w+\*?)\}|(\\left)[^\w]|(\\right)[^\w]|(?<!\\)([{}])", source
    ):
        begin, end, left, right, brace = token
        if begin or left or brace == "{":
            stack.append(begin or left or brace)
        elif not stack or stack.pop() != (end or ("\\left" if right else "{")):
            return False
    return not stack


#: Without a closed form.
SERIES = ("mish", "softsign", "log_cosh", "gelu_tanh")


#: Their derivation takes long, and of each kind another one is rendered by default.
LATE = {
    "celu",
    "gelu",
    "gelu_tanh",
    "hard_sigmoid",
    "hard_swish",
    "hard_tanh",
    "laplace",
    "mish",
    "quick_gelu",
    "relu6",
}
LATE |= {"selu", "shifted_relu", "silu", "snake", "softsign", "squared_relu", "swish", "threshold", "xielu"}


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.slow) if name in LATE else name for name in network_names()]
)
@pytest.mark.parametrize("form", FORMATS)
def test_every_name_renders(name: str, form: str) -> None:
    if name in SERIES and form in ("sympy", "mathematica"):
        with pytest.raises(DerivationError, match="infinite Hermite series"):
            render(found(name), form, WIDE, steps=True)
        return
    text = render(found(name), form, WIDE, steps=True)
    assert text.endswith("\n")
    assert form == "json" or "erf(sqrt" not in text
    assert found(name).refuted == ()
    if form == "latex":
        assert text.isascii()
        assert _balanced(text)
        assert text.count("$") % 2 == 0
    if form == "text":
        assert max(map(len, text.splitlines())) <= WIDE.width
        assert "E[φ(u) φ(v)]" in text
        assert text.count("digits agree") == 6


@pytest.mark.parametrize("name", ["relu", "swiglu", "leaky_relu", "step"])
@pytest.mark.parametrize("form", FORMATS)
def test_ascii_is_ascii(name: str, form: str) -> None:
    text = render(found(name), form, PLAIN, steps=True)
    assert text.isascii()
    assert "?" not in text


@pytest.mark.parametrize("width", [50, 60, 79])
def test_lines_keep_to_the_width(width: int) -> None:
    text = render(found("geglu"), "text", Terminal(width, True, False))
    assert max(map(len, text.splitlines())) <= width


def test_colour_only_when_asked_for() -> None:
    assert "\x1b[" not in render(found("relu"), "text", WIDE)
    assert "\x1b[1m" in render(found("relu"), "text", Terminal(100, True, True))


def test_a_mixture_says_what_is_not_known() -> None:
    text = " ".join(render(found("swiglu"), "text", WIDE).split())
    assert MIXTURE_NOTE in text
    assert "no elementary closed form of it is known" in text
    assert "h_1(a) = √a/2" in text


@pytest.mark.slow
def test_a_series_prints_its_coefficients() -> None:
    text = render(found("z*atan(z)"), "text", WIDE, steps=True)
    assert "h_0 = 0.6556795" in text
    assert "Hermite series" in text
    assert "Σ_{k≥0}" in text
    assert "_expectation" in render(found("z*atan(z)"), "python", WIDE)  # which integrates
    assert json.loads(render(found("z*atan(z)"), "json", WIDE))["dual"]["short"] is None


def test_a_product_of_branches() -> None:
    both = report(product("relu", "sin"), digits=6)
    text = render(both, "text", WIDE)
    assert "z(x) = V [φ_1(W_1 x) ⊙ φ_2(W_2 x)]" in text
    assert "NNGP  Σ(x,x') = S_branch1·S_branch2" in text
    assert "W_2 ~ N(0, σ_w2²)" in text
    assert both.refuted == ()
    assert _balanced(render(both, "latex", WIDE))
    assert json.loads(render(both, "json", WIDE))["kernels"]["ntk"]["nngp"]["str"] == "S_branch1*S_branch2"
    assert "return S_branch1(a, b, c) * S_branch2(a, b, c)" in render(both, "python", WIDE)


def test_delta_functions() -> None:
    z = sp.Symbol("z", real=True)
    delta = [sp.DiracDelta(z), sp.DiracDelta(z, 1), sp.DiracDelta(z, 3)]
    assert [Writer(UNICODE)(d) for d in delta] == ["δ(z)", "δ'(z)", "δ^(3)(z)"]
    assert Writer(LATEX)(delta[1]) == r"\delta'\left(z\right)"


# --- failures are loud


def test_a_road_out_of_reach_leaves_its_wider_balls(monkeypatch) -> None:
    def tired(*_args: object, **_named: object) -> None:
        raise PrecisionError("no more digits.", (arb("0.33", "0.01"), arb("0.3", "0.2")))

    def unable(*_args: object, **_named: object) -> None:
        raise ExpressionError("cannot bound this.")

    monkeypatch.setattr("glutheory.quadrature.enclose", tired)
    text = render(report(network("relu"), digits=8), "text", WIDE)
    assert "the work limit of the integral allows no more digits here" in text
    monkeypatch.setattr("glutheory.quadrature.enclose", unable)
    text = render(report(network("relu"), digits=8), "text", WIDE)
    assert "not compared" in text
    assert "cannot bound this" in text
    monkeypatch.setattr(samples, "evaluate_balls", tired)
    wide = report(network("relu"), digits=8)
    assert wide.samples[0].quantities[0].formula in ("0.3", "0.33")
    assert wide.special[0].at_one == "0.5"


def test_a_failed_check_and_a_disagreement_are_shown() -> None:
    bad = report(network("relu"), digits=12)
    verified, sampled = "verification", "samples"
    bad.__dict__[verified] = Verification((Check("1 = 2", "symbolic", False), Check("1 = 1", "symbolic", True)))
    wrong = Quantity("S", "0.3", "[0.4 +/- 1e-9]", False, 0)
    bad.__dict__[sampled] = (Sample(Fraction(1), Fraction(1), Fraction(0), (wrong,), "1", "1", "a note"),)
    assert len(bad.refuted) == 2
    for terminal in (WIDE, PLAIN, Terminal(100, True, True)):
        text = render(bad, "text", terminal)
        assert "1 of 2 checks FAILED" in text
        assert "WRONG: check failed: 1 = 2" in text
        assert "WRONG: the roads disagree" in text
        assert "DISAGREE" in text
        assert "(a note)" in text
    assert "Wrong" in render(bad, "latex", WIDE)
    assert len(json.loads(render(bad, "json", WIDE))["refuted"]) == 2


# --- LaTeX


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex is not installed")
@pytest.mark.parametrize("name", ["swiglu", "leaky_relu", "max(0,z)+z*Phi(z)"])
def test_latex_compiles(name: str, tmp_path) -> None:
    (tmp_path / "doc.tex").write_text(render(found(name), "latex", WIDE, steps=True), encoding="ascii")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "doc.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, errors="replace", check=False)
    assert done.returncode == 0, done.stdout[-2000:]
    assert (tmp_path / "doc.pdf").stat().st_size > 10_000


# --- JSON


@pytest.mark.parametrize("name", ["relu", "swiglu", "step", "leaky_relu"])
def test_json_round_trip(name: str) -> None:
    record = json.loads(render(found(name), "json", WIDE))
    assert (record["schema"], record["schema_version"]) == ("glutheory.derivation", 1)
    assert record["verification"]["passed"] is True
    assert record["refuted"] == []
    expressions = [record["dual"]["S"], record["dual"]["T"], record["dual"]["short"]["S"]]
    expressions += [*record["dual"]["short"]["definitions"].values(), record["network"]["branches"][-1]["definition"]]
    for own in record["kernels"].values():
        expressions += [own["nngp"], own["ntk"], *own["blocks"].values()]
    for expression in expressions:
        assert set(expression) == {"str", "srepr", "latex"}
        assert all(isinstance(text, str) and text for text in expression.values())
        assert "Symbol(" in expression["srepr"] or not re.search(r"\b[abc]\b", expression["str"])
        assert _balanced(expression["latex"])
    for at in record["samples"]:
        for key in "ST":
            value = Fraction(at[key]["formula"])
            middle, radius = at[key]["integral"].strip("[]").split(" +/- ")
            assert abs(value - Fraction(middle)) <= Fraction(radius) + Fraction(1, 10**7) * abs(value)
            assert at[key]["roads_agree"] is True
            assert at[key]["digits_agreed"] >= 7
        Fraction(at["a"]), Fraction(at["c"]), Fraction(at["nngp"]), Fraction(at["ntk"])


# --- places to print to


def test_ascii_text_names_the_signs() -> None:
    assert ascii_text("S = √a/2, κ' ≥ 2κ, naïve, ∂S/∂c, Σ(x), ⊙, \u4e2d") == (
        "S = sqrt(a)/2, kappa' >= 2*kappa, naive, dS/dc, Sigma(x), *, ?"
    )


def test_a_file_is_written_whole_or_not_at_all(tmp_path) -> None:
    target = tmp_path / "out.txt"
    write_whole(target, "α\n")
    write_whole(target, "β\n")
    assert target.read_text(encoding="utf-8") == "β\n"
    assert [path.name for path in tmp_path.iterdir()] == ["out.txt"]
    for bad in (tmp_path, tmp_path / "missing" / "x", target / "x"):
        with pytest.raises(DomainError, match="--out is"):
            write_whole(bad, "text")
    assert [path.name for path in tmp_path.iterdir()] == ["out.txt"]


def test_layout() -> None:
    lines = layout.formula("S", "aaaa + (bbbb − cccc) + dddd", 22)
    assert all(len(line) <= 22 for line in lines)
    assert "".join(line.strip() for line in lines).replace(" ", "") == "S=aaaa+(bbbb−cccc)+dddd"
    assert layout.paragraph("one two = three", 12, 0) == ["one", "two = three"]
    assert layout.table([("a", "b" * 15), ("cc", "")], 20) == ["  a", "    " + "b" * 15, "  cc"]


def test_own_parameter_is_printed_for_every_value() -> None:
    text = render(found("leaky_relu"), "text", WIDE)
    assert "For every slope:" in text
    assert "c·slope + (slope − 1)²·(c·(π − θ) + √D)/(2π)" in text
    swish = Network("swish", (activation("silu", beta=sp.Rational(17, 10)),))
    general = report(swish).general
    assert general is not None
    write = Writer(UNICODE)
    assert write(averaged(general[1])[0]) == "c/4 + E_{κ,κ'}[c·arcsin(β²·c/√A) + β²·(ab·D + 16c²κ²κ'²)/(A√D)]/(2π)"
    assert write(general[1].definitions[0][1]) == "(4κ² + aβ²)(4κ'² + bβ²)"
