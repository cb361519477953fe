"""`glutheory derive`: the whole story, own activations, exact parameters, a refuted derivation."""

import json

import pytest
from click.testing import CliRunner

from glutheory.derive import derive
from glutheory.symbolic.certify import Check
from glutheory.symbolic.derived import Derivation, Verification
from tests.commands.command_line import good, run


@pytest.mark.long
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


@pytest.mark.long
def test_own_activation_gated_or_not() -> None:
    plain = good("derive", "--activation", "z*erf(z)")
    gated = good("derive", "--activation", "z*erf(z)", "--gated")
    assert "K(x,x') = S + c·T" in plain
    assert "K(x,x') = 2c·S + c²·T" in gated
    assert "gated sin" in good("derive", "sin", "--gated")


@pytest.mark.long
def test_parameters_are_exact() -> None:
    record = json.loads(good("derive", "swiglu", "--param", "beta=1.702", "--format", "json", "--digits", "4"))
    assert record["network"]["branches"][1]["parameters"] == {"beta": "851/500"}
    assert record["network"]["name"] == "swiglu(beta=1.702)"


def test_digits_reach_the_samples() -> None:
    record = json.loads(good("derive", "relu", "--format", "json", "--digits", "40"))
    assert all(len(at["S"]["formula"].lstrip("-0.")) == 40 for at in record["samples"])


def test_out_writes_the_file(tmp_path) -> None:
    target = tmp_path / "relu.py"
    assert good("derive", "relu", "--format", "python", "--out", str(target)) == ""
    scope: dict[str, object] = {}
    exec(compile(target.read_text(encoding="utf-8"), "relu.py", "exec"), scope)  # noqa: S102 (what is printed is tested)
    assert scope["S"](1.0, 1.0, 1.0) == pytest.approx(0.5, rel=1e-15)  # type: ignore[operator]


@pytest.mark.long
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
