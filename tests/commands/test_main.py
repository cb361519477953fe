"""The command line as a user meets it: output, exit codes, one sentence for every mistake."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from fractions import Fraction

import click
import pytest
from click.testing import CliRunner
from hypothesis import example, given, settings
from hypothesis import strategies as st

from glutheory import terminal
from glutheory.commands import evaluate, main
from glutheory.derive import derive
from glutheory.errors import PrecisionError
from glutheory.networks import GATES, network_names
from glutheory.printing import contents
from glutheory.symbolic.certify import Check
from glutheory.symbolic.derived import Derivation, Verification
from tests.commands.command_line import good, run
from tests.zoo import CLOSED, LOGISTIC

# --- derive


def test_derive_shows_the_whole_story() -> None:
    text = good("derive", "swiglu", "--steps")
    headings = [
        "Network",
        "Setting",
        "Dual activations: normal scale mixture",
        "Kernels, ntk parametrisation",
        "Kernels, standard parametrisation",
        "How S was found",
        "Derivation, step by step",
        "Verification",
        "Special values",
        "Sample values",
    ]
    places = [text.index(f"\n{heading}") for heading in headings]
    assert places == sorted(places)
    assert "NTK   K(x,x') = 2c·S + c²·T" in text
    assert "NNGP  Σ(x,x') = m·σ_p²·σ_v²·⟨x,x'⟩·S" in text
    assert "gate (W)      c²·T" in text
    assert "0.355775519817352" in text


def test_the_module_and_the_command_are_the_same() -> None:
    text = good("derive", "relu")
    assert "S(a,b,c) = (c·(π − θ) + √D)/(2π)" in text
    assert CliRunner().invoke(derive, ["relu"]).stdout == text


def test_own_activation_gated_or_not() -> None:
    plain = good("derive", "--activation", "z*erf(z)")
    gated = good("derive", "--activation", "z*erf(z)", "--gated")
    assert "K(x,x') = S + c·T" in plain
    assert "K(x,x') = 2c·S + c²·T" in gated
    assert "gated sin" in good("derive", "sin", "--gated")


def test_parameters_are_exact() -> None:
    record = json.loads(good("derive", "swiglu", "--param", "beta=1.702", "--format", "json", "--digits", "4"))
    assert record["network"]["branches"][1]["parameters"] == {"beta": "851/500"}
    assert record["network"]["name"] == "swiglu(beta=851/500)"


def test_digits_reach_the_samples() -> None:
    record = json.loads(good("derive", "relu", "--format", "json", "--digits", "40"))
    assert all(len(at["S"]["formula"].lstrip("-0.")) == 40 for at in record["samples"])


def test_out_writes_the_file(tmp_path) -> None:
    target = tmp_path / "relu.py"
    assert good("derive", "relu", "--format", "python", "--out", str(target)) == ""
    scope: dict[str, object] = {}
    exec(compile(target.read_text(encoding="utf-8"), "relu.py", "exec"), scope)  # noqa: S102 (what is printed is tested)
    assert scope["S"](1.0, 1.0, 1.0) == pytest.approx(0.5, rel=1e-15)  # type: ignore[operator]


def test_ascii_on_request_and_where_nothing_else_can_be_shown() -> None:
    assert good("derive", "reglu", "--ascii", "--steps").isascii()
    assert not good("derive", "reglu").isascii()
    assert CliRunner(charset="ascii").invoke(derive, ["geglu"]).stdout.isascii()
    assert good("list", "--ascii").isascii()


def test_a_refuted_derivation_is_loud_and_exits_with_1(monkeypatch) -> None:
    wrong = Verification((Check("1 = 2", "symbolic", False),))
    monkeypatch.setattr(Derivation, "verify", lambda _self: wrong)
    for form in ("text", "json", "python", "latex"):
        result = run("derive", "relu", "--format", form)
        assert result.exit_code == 1
        assert "WRONG: check failed: 1 = 2" in result.stderr


# --- evaluate


def test_the_example_of_the_readme() -> None:
    text = good("evaluate", "silu", "--a", "2", "--b", "0.5", "--c", "0.3", "--digits", "60")
    assert re.fullmatch(r"S = 0\.\d{60}\nT = 0\.\d{60}\n", text)


def test_negative_numbers_and_fractions() -> None:
    decimal = good("evaluate", "gelu", "--a", "2", "--b", "0.5", "--c", "-0.3")
    assert decimal == good("evaluate", "gelu", "--a=2", "--b=1/2", "--c=-3/10")


def test_exact_values_are_printed_plainly() -> None:
    assert good("evaluate", "relu", "--a", "1", "--b", "1", "--c", "1") == "S = 0.5\nT = 0.5\n"
    assert good("evaluate", "identity", "--a", "1", "--b", "1", "--c", "-0.3") == "S = -0.3\nT = 1\n"
    assert good("evaluate", "step", "--a", "1", "--b", "1", "--c", "1") == "S = 0.5\nT = inf\n"
    short = ("--a", "1", "--b", "2", "--c", "0", "--digits", "5")
    assert good("evaluate", "tanh", *short) == "S = 0\nT = 0.29075\n"
    assert good("evaluate", "swiglu", *short).endswith("T = 0.25\n")
    assert good("evaluate", "gelu", "--a", "0", "--b", "2", "--c", "0").startswith("S = 0\n")


@pytest.mark.parametrize("name", ["relu", "gelu", "tanh", "exp"])
def test_both_roads_agree(name: str) -> None:
    text = good("evaluate", name, "--a", "2", "--b", "1", "--c", "0.5", "--road", "both", "--digits", "20")
    assert "the roads agree (S: 20 digits, T: 20 digits)" in text
    first, second = (re.findall(rf"= (\S+)   \(road {road}\)", text) for road in "12")
    assert first == second


def test_the_integral_of_an_exact_zero() -> None:
    text = good("evaluate", "tanh", "--a", "1", "--b", "1", "--c", "0", "--road", "both", "--digits", "15")
    assert "S = 0 +/- " in text
    assert "S: 0 in both" in text


def test_roads_that_disagree_are_loud(monkeypatch) -> None:
    from flint import arb

    def broken(act, point, digits, road):  # noqa: ARG001
        return [evaluate.Value(name, road, road, arb(road)) for name in "ST"]

    monkeypatch.setattr(evaluate, "road_values", broken)
    result = run("evaluate", "relu", "--a", "1", "--b", "1", "--c", "0", "--road", "both")
    assert result.exit_code == 1
    assert "WRONG: the roads DISAGREE" in result.stdout


def test_evaluate_json() -> None:
    arguments = ("--a", "1", "--b", "1", "--c", "1/3", "--digits", "10")
    record = json.loads(good("evaluate", "sin", *arguments, "--road", "both", "--json"))
    assert record["c"] == "1/3"
    assert record["roads_agree"] is True
    evaluate = {record["roads"][road]["S"]["value"] for road in "12"}
    assert len(evaluate) == 1
    Fraction(evaluate.pop())


rational = st.fractions(min_value=Fraction(1, 100), max_value=100, max_denominator=100)


@given(
    st.sampled_from([act.name for act in CLOSED]),
    rational,
    rational,
    st.fractions(min_value=-1, max_value=1, max_denominator=20),
    st.integers(1, 40),
)
@settings(max_examples=60)
@example("gelu", Fraction(1), Fraction(1), Fraction(-99, 100), 7)
@example("relu", Fraction(1, 100), Fraction(100), Fraction(-1), 12)
@example("exp", Fraction(100), Fraction(100), Fraction(1), 3)
def test_every_printed_digit_is_right(name: str, a: Fraction, b: Fraction, rho: Fraction, digits: int) -> None:
    # |c| <= min(a, b) keeps any ρ admissible
    point = ("--a", str(a), "--b", str(b), "--c", str(rho * min(a, b)))
    short = dict(re.findall(r"([ST]) = (\S+)", good("evaluate", name, *point, "--digits", str(digits))))
    long = dict(re.findall(r"([ST]) = (\S+)", good("evaluate", name, *point, "--digits", str(digits + 30))))
    for key in "ST":
        if short[key] == long[key]:
            continue
        printed, exact = Fraction(short[key]), Fraction(long[key])
        mantissa, _, exponent = short[key].partition("e")
        unit = Fraction(10) ** (int(exponent or 0) - len(mantissa.partition(".")[2]))
        # within half a unit of the last digit printed, and no digit fewer than asked for
        assert abs(printed - exact) <= unit * Fraction(1, 2) * (1 + Fraction(1, 10**20))
        assert len(mantissa.lstrip("-0.").replace(".", "")) >= digits - 1


@pytest.mark.parametrize("name", LOGISTIC)
def test_every_printed_digit_of_the_logistic_family_is_right(name: str) -> None:
    point = ("--a", "1", "--b", "0.3", "--c", "-0.2")
    short = re.findall(r"= (\S+)", good("evaluate", name, *point, "--digits", "12"))
    long = re.findall(r"= (\S+)", good("evaluate", name, *point, "--digits", "30"))
    for printed, exact in zip(short, long, strict=True):
        places = len(printed.partition(".")[2])
        assert round(Fraction(exact), places) == Fraction(printed)


# --- list


def test_list_names_everything() -> None:
    text = good("list")
    for name in network_names():
        assert re.search(rf"^{name} ", text, re.MULTILINE)
    record = json.loads(good("list", "--json"))
    assert [row["name"] for row in record["networks"]] == list(network_names())
    assert {row["name"] for row in record["networks"] if row["gated"]} == set(GATES)
    by_name = {row["name"]: row for row in record["networks"]}
    assert by_name["leaky_relu"]["parameters"] == {"slope": "1/100"}
    assert by_name["silu"]["method"] == "normal scale mixture"


def test_list_is_a_table_on_a_terminal(monkeypatch) -> None:
    monkeypatch.setattr("click.testing._NamedTextIOWrapper.isatty", lambda _self: True, raising=False)
    monkeypatch.setenv("COLUMNS", "100")
    text = CliRunner().invoke(main.main, ["list"], env={"NO_COLOR": "1"}).stdout
    assert "┃" in text
    assert "swiglu" in text
    assert max(map(len, text.splitlines())) <= 100


# --- the terminal


class Tty:
    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


def test_colour_and_width_of_a_terminal(monkeypatch) -> None:
    monkeypatch.setenv("COLUMNS", "72")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert terminal.Terminal.of(Tty()) == terminal.Terminal(72, True, True)  # type: ignore[arg-type]
    monkeypatch.setenv("NO_COLOR", "1")
    assert not terminal.Terminal.of(Tty()).colour  # type: ignore[arg-type]
    monkeypatch.setattr(Tty, "encoding", "latin-1")
    assert not terminal.Terminal.of(Tty()).unicode  # type: ignore[arg-type]
    monkeypatch.setattr(Tty, "encoding", "no such encoding")
    assert not terminal.Terminal.of(Tty()).unicode  # type: ignore[arg-type]


# --- mistakes

POINT = ("--a", "1", "--b", "1", "--c", "0.5")
MISTAKES = [
    ((), "no command is given"),
    (("deriv", "relu"), "did you mean 'derive'?"),
    (("frobnicate",), "the known names are derive, evaluate, list"),
    (("--nonsense",), "No such option '--nonsense'"),
    (("derive",), "nothing is named"),
    (("derive", "swigl"), "did you mean 'swiglu'"),
    (("derive", "x" * 100_000), "unknown network 'xxx"),
    (("derive", "relu", "--activation", "z"), "both NAME ('relu') and --activation ('z')"),
    (("derive", "swiglu", "--gated"), "gated already"),
    (("derive", "relu", "extra"), "extra"),
    (("derive", "relu", "--format", "pdf"), "is not one of 'text', 'latex', 'python', 'json'"),
    (("derive", "relu", "--digits", "0"), "digits is '0': give an integer from 1 to 200"),
    (("derive", "relu", "--digits", "1" * 5000), "--digits"),
    (("derive", "relu", "--digits", "many"), "not a valid integer"),
    (("derive", "relu", "--out", "/nonexistent/file"), "--out is '/nonexistent/file'"),
    (("derive", "silu", "--param", "beta"), "write KEY=NUMBER"),
    (("derive", "silu", "--param", "beta=nan"), "--param beta is 'nan'"),
    (("derive", "silu", "--param", "beta=1e999999999"), "--param beta is '1e999999999'"),
    (("derive", "silu", "--param", "beta=-1"), "must be positive"),
    (("derive", "silu", "--param", "beta=1", "--param", "beta=2"), "given twice"),
    (("derive", "silu", "--param", "gamma=1"), "no parameter 'gamma'"),
    (("derive", "--activation", "z", "--param", "beta=1"), "write the number into the expression"),
    (("derive", "--activation", "3"), "does not depend on z"),
    (("derive", "--activation", "__import__('os').system('id')"), "not allowed"),
    (("derive", "--activation", "z.real"), "attributes are not allowed"),
    (("derive", "--activation", "z**(10**9)"), "exponent"),
    (("derive", "--activation", "exp(exp(exp(z)))"), "cannot bound"),
    (("derive", "--activation", "exp(z**2)"), "cannot bound"),
    (("derive", "--activation", "z" * 10**6), "shorten it"),
    (("derive", "--activation", "z*atan(z)", "--format", "python"), "infinite Hermite series"),
    (("evaluate", "silu"), "Missing option '--a'"),
    (("evaluate", *POINT), "nothing is named"),
    (("evaluate", "nope", *POINT), "unknown activation 'nope'"),
    (("evaluate", "silu", "--a", "nan", "--b", "1", "--c", "0"), "--a is 'nan': give a decimal number"),
    (("evaluate", "silu", "--a", "inf", "--b", "1", "--c", "0"), "--a is 'inf'"),
    (("evaluate", "silu", "--a", "1/0", "--b", "1", "--c", "0"), "--a is '1/0'"),
    (("evaluate", "silu", "--a", "1e9000", "--b", "1", "--c", "0"), "at most 4000 digits"),
    (("evaluate", "silu", "--a", "7" * 4500, "--b", "1", "--c", "0"), "--a is '777"),
    (("evaluate", "silu", "--a", "-1", "--b", "1", "--c", "0"), "a is -1: it is a variance"),
    (("evaluate", "silu", "--a", "1", "--b", "1", "--c", "2"), "a covariance obeys |c| ≤ √(ab)"),
    (("evaluate", "silu", "--a", "0", "--b", "1", "--c", "1"), "must be 0 when a or b is 0"),
    (("evaluate", "silu", *POINT, "--digits", "-3"), "digits is '-3'"),
    (("evaluate", "gelu", *POINT, "--digits", "10001"), "give an integer from 1 to 10000"),
    (("evaluate", "silu", *POINT, "--digits", "5000"), "give at most 300"),
    (("evaluate", "silu", *POINT, "--road", "3"), "'1', '2', 'both'"),
    (("list", "extra"), "extra"),
]


@pytest.mark.parametrize(("arguments", "fragment"), MISTAKES)
def test_a_mistake_is_one_sentence(arguments: tuple[str, ...], fragment: str) -> None:
    start = time.perf_counter()
    result = run(*arguments)
    assert time.perf_counter() - start < 5  # a hang, not a benchmark
    assert result.exit_code == 2
    assert result.stdout == ""
    assert fragment in result.stderr
    assert result.stderr.startswith("error: ")
    assert result.stderr.count("\n") == 1
    assert len(result.stderr) < 700
    assert result.exception is None or isinstance(result.exception, SystemExit)


def test_precision_out_of_reach_hands_over_what_was_reached(monkeypatch) -> None:
    from flint import arb

    def tired(act, point, digits, road):  # noqa: ARG001
        raise PrecisionError("digits is 30: too many.", (arb(1), arb(2)))

    monkeypatch.setattr(evaluate, "road_values", tired)
    result = run("evaluate", "relu", *POINT)
    assert result.exit_code == 2
    assert result.stderr == "error: digits is 30: too many. Reached: S in 1.00000000000, T in 2.00000000000.\n"


@pytest.mark.parametrize("failure", [KeyboardInterrupt, click.Abort])
def test_an_interrupt_is_quiet(monkeypatch, failure: type[BaseException]) -> None:
    def interrupted(*_args: object, **_named: object) -> None:
        raise failure

    monkeypatch.setattr(contents, "report", interrupted)
    result = run("derive", "relu")
    assert result.exit_code == 130
    assert result.stdout == ""
    assert "Traceback" not in result.stderr


def test_other_click_errors_are_sentences_too(monkeypatch) -> None:
    def broken(*_args: object, **_named: object) -> None:
        raise click.ClickException("the disk is full")

    monkeypatch.setattr(contents, "report", broken)
    result = run("derive", "relu")
    assert (result.exit_code, result.stderr) == (2, "error: the disk is full\n")


@pytest.mark.parametrize("command", [(), ("derive",), ("evaluate",), ("list",)])
def test_help_has_examples(command: tuple[str, ...]) -> None:
    for flag in ("--help", "-h"):
        text = good(*command, flag)
        assert "Examples:" in text
        assert "Usage:" in text


def test_version() -> None:
    assert re.fullmatch(r"glutheory \d+\.\d+\.\d+\n", good("--version"))


# --- whole processes


def _process(*arguments: str, **options: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, **options)  # type: ignore[call-overload,no-any-return]


def test_the_modules_run() -> None:
    ascii_only = {**os.environ, "PYTHONIOENCODING": "ascii"}
    done = _process("glutheory.derive", "reglu", env=ascii_only)
    assert done.returncode == 0
    assert done.stdout.isascii()
    assert "D = a*b - c^2,  theta = arccos(c/sqrt(a*b))" in done.stdout
    done = _process("glutheory", "evaluate", "relu", "--a", "1", "--b", "1", "--c", "2", env=ascii_only)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def test_a_closed_pipe_is_quiet() -> None:
    command = f"{sys.executable} -m glutheory.derive relu --steps | head -n 1"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    assert done.stderr == ""
    assert done.stdout.startswith("relu: kernels")


def test_ctrl_c_in_a_long_evaluation() -> None:
    command = [sys.executable, "-m", "glutheory", "evaluate", "silu", *POINT, "--digits", "300"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    time.sleep(2.5)
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=30)
    assert process.returncode == 130
    assert stderr.strip() == ""


def test_starting_imports_nothing_heavy() -> None:
    code = (
        "import sys; import glutheory.commands.main, glutheory.derive\n"
        "heavy = {'torch', 'matplotlib', 'rich', 'scipy', 'sympy.physics.units'} & set(sys.modules)\n"
        "sys.exit(len(heavy))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("cause", [KeyboardInterrupt(), None])
def test_ctrl_c_inside_an_integral(monkeypatch: pytest.MonkeyPatch, cause: BaseException | None) -> None:
    def integral(*_args: object, **_options: object) -> None:
        raise SystemError("returned a result with an exception set") from cause

    monkeypatch.setattr("glutheory.commands.names.chosen_activation", integral)
    result = CliRunner().invoke(main.main, ["evaluate", "silu", "--a", "1", "--b", "1", "--c", "0"])
    assert (result.exit_code, isinstance(result.exception, SystemError)) == ((130, False) if cause else (1, True))


def test_too_little_memory_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    def too_much(*_args: object, **_options: object) -> None:
        raise MemoryError

    monkeypatch.setattr("glutheory.commands.names.chosen_activation", too_much)
    result = CliRunner().invoke(main.main, ["evaluate", "silu", "--a", "1", "--b", "1", "--c", "0"])
    assert result.exit_code == 2
    assert result.stderr == "error: there is not enough memory for this: give fewer rows.\n"
