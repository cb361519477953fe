"""What is printed of a stack: a repeated block once; programs that compute what the other road encloses."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import sympy as sp

from glutheory.errors import DerivationError
from glutheory.layers import Stack, composed, dense, positions, product, readout, repeat, stack
from glutheory.printing import STACK_FORMATS, render_stack
from glutheory.printing.comments import identifier
from glutheory.printing.stack_contents import StackReport, stack_report
from glutheory.quadrature import enclose
from glutheory.quadrature.stacks import enclose_stack
from glutheory.terminal import Terminal
from tests.compositions import COMPOSITIONS
from tests.printing.exported import compiled

PROGRAMS: dict[str, Stack] = {
    "usual": stack("reglu", 3, gain=True),
    "smooth": stack("geglu", 2, norm="layer"),
    "mixture": stack("swiglu", 1),
    "biases, no norm": stack("erf", 3, norm=None, variance=2, bias="1/10", scale="1/3", residual=True),
    "chain": stack("relu", 4, residual=False),
    "means": COMPOSITIONS["relu layernormed"].build(3),
    "parallel": COMPOSITIONS["reglu nested"].build(2),
    "perceptron": composed(repeat(3, product("relu", variance=2)), readout()),
    "integrated": stack("hard_tanh", 1),
    "polynomial": stack("bilinear", 3),
    "frozen": composed(dense(trained=False), product("relu", trained=False), readout(trained=False)),
    "two of a kind": composed(dense(), product("relu"), dense(), product("leaky_relu"), readout()),
}
POINTS = ((1.0, 1.0, 0.5), (2.0, 0.5, -0.25), (1.0, 3.0, 1.5))
#: A few roundings of the scale for each of some ten operations in a few layers; an integrated S or T has 1e-12.
_TOLERANCE = {"integrated": 1e-11}
needs_compiler = pytest.mark.skipif(shutil.which("cc") is None, reason="no C compiler (cc) is installed")


def text(made: Stack, form: str, **options: Any) -> str:
    return render_stack(stack_report(made, digits=6, **options), form, Terminal())


def close(name: str, parametrization: str, point: tuple[float, ...], values: tuple[float, float]) -> None:
    """The program's values within the other road's balls, up to rounding."""
    sizes: dict[str, Any] = {"width": 1024, "d": 64} if parametrization == "standard" else {}
    a, b, _ = point
    options = {"digits": 16, "parametrization": parametrization, **sizes}
    found = enclose_stack(PROGRAMS[name], *point, **options)
    ends = [enclose_stack(PROGRAMS[name], side, side, side, **options) for side in (a, b)]
    for kind, value in zip(("nngp", "ntk"), values, strict=True):
        scale = float((getattr(ends[0], kind) * getattr(ends[1], kind)).sqrt())
        assert abs(value - float(getattr(found, kind))) <= _TOLERANCE.get(name, 2e-14) * scale, (name, kind, point)


@pytest.mark.long
@pytest.mark.parametrize("parametrization", ["ntk", "standard"])
@pytest.mark.parametrize("name", PROGRAMS)
def test_python_programs_compute_what_the_other_road_encloses(name: str, parametrization: str) -> None:
    scope: dict[str, Any] = {}
    source = text(PROGRAMS[name], "python", parametrization=parametrization)
    exec(compile(source, name, "exec"), scope)  # noqa: S102 (what is printed is tested)
    more = ["d", "m"] if parametrization == "standard" else []
    arguments = scope["kernels"].__code__.co_varnames[: scope["kernels"].__code__.co_argcount]
    assert set(arguments) <= {"a", "b", "c", *more}
    sizes = [{"d": 64.0, "m": 1024.0}[name] for name in arguments[3:]]
    for point in POINTS[:1] if name in ("mixture", "integrated") else POINTS:
        close(name, parametrization, point, scope["kernels"](*point, *sizes))


@pytest.mark.long
@needs_compiler
def test_c_programs_compute_what_the_other_road_encloses(tmp_path: Path) -> None:
    includes, calls = [], []
    for i, (name, made) in enumerate(PROGRAMS.items()):
        renamed = Stack(made.layers, f"own {i}")
        (tmp_path / f"stack{i}.c").write_text(text(renamed, "c"), encoding="ascii")
        includes.append(f'#include "stack{i}.c"')
        prefix = identifier(renamed.name)
        for point in POINTS:
            values = ", ".join(map(repr, point))
            calls.append(f'    {prefix}_kernels({values}, &nngp, &ntk); printf("%.17g %.17g\\n", nngp, ntk);')
        assert name
    main = "int main(void)\n{\n    double nngp, ntk;\n" + "\n".join(calls) + "\n    return 0;\n}\n"
    (tmp_path / "all.c").write_text("#include <stdio.h>\n" + "\n".join(includes) + "\n" + main, encoding="ascii")
    done = subprocess.run([compiled(tmp_path, tmp_path / "all.c")], capture_output=True, text=True, check=True)
    lines = iter(done.stdout.splitlines())
    for name in PROGRAMS:
        for point in POINTS:
            nngp, ntk = map(float, next(lines).split())
            close(name, "ntk", point, (nngp, ntk))


@needs_compiler
def test_the_example_of_a_c_program_runs(tmp_path: Path) -> None:
    (tmp_path / "own.c").write_text(text(PROGRAMS["usual"], "c"), encoding="ascii")
    program = compiled(tmp_path, tmp_path / "own.c", "-DGLUTHEORY_EXAMPLE")
    done = subprocess.run([program], capture_output=True, text=True, check=True)
    rows = [line.split() for line in done.stdout.splitlines()]
    assert rows[0] == ["a", "b", "c", "nngp", "ntk"]
    close("usual", "ntk", POINTS[0], (float(rows[1][3]), float(rows[1][4])))


def test_a_wrong_program_is_seen() -> None:
    """The control: one own term less in the printed program."""
    source = text(PROGRAMS["usual"], "python")
    wrong = source.replace("= rho_1 + Theta_2", "= Theta_2", 1)
    assert wrong != source
    scope: dict[str, Any] = {}
    exec(compile(wrong, "wrong", "exec"), scope)  # noqa: S102
    with pytest.raises(AssertionError, match="ntk"):
        close("usual", "ntk", POINTS[0], scope["kernels"](*POINTS[0]))


@pytest.mark.parametrize("form", STACK_FORMATS)
def test_ten_thousand_blocks_are_printed_as_one(form: str) -> None:
    """Nothing of it is on Python's stack, and nothing is written twice."""
    limit = sys.getrecursionlimit()
    shallow, deep = (text(stack("reglu", depth), form) for depth in (300, 10_000))
    assert sys.getrecursionlimit() == limit
    assert len(deep) < len(shallow) + 100
    assert "10000" in deep


def test_text() -> None:
    shown = text(stack("reglu", 12, gain=True), "text")
    for line in (
        "12 times, at first with A_1 = a, B_1 = b, Σ_1 = c, Θ_2 = Θ_1:",
        "Θ_3 = ρ_1 + Θ_2/√(A_1·B_1)",
        "S_relu_1 = S_relu(1, 1, ρ_1)",
        "and on with A_1 = A_2, B_1 = B_2, Σ_1 = Σ_3, Θ_2 = Θ_6",
        "NTK   K(x,x') = Θ_8",
        "A_l = A_0 + l/2",
        "✓ 6 digits agree",
    ):
        assert line in shown
    assert shown.count("dense") == 4  # the composition, the embedding, the block; in words of one rule more with steps
    assert "E[w_j w_k] = 0" in render_stack(stack_report(stack("relu", 2), digits=4), "text", Terminal(), steps=True)
    assert render_stack(stack_report(stack("relu", 2), digits=4), "text", Terminal(unicode=False)).isascii()


def test_json_is_read_back() -> None:
    record = json.loads(text(stack("reglu", 12), "json"))
    assert record["schema"] == "glutheory.stack"
    assert record["verification"]["passed"]
    (nodes,) = record["recursions"]
    loop = next(node for node in nodes if "times" in node)
    assert loop["times"] == 12
    product_step = loop["body"][1]
    assert product_step["layer"] == "identity * relu"
    equation = product_step["equations"][-1]
    assert sp.sympify(equation["right"]["srepr"]).free_symbols >= {sp.Symbol("Theta_3", real=True)}
    assert record["samples"][0]["ntk"]["roads_agree"] is True


@pytest.mark.long
def test_latex_has_no_character_that_it_does_not_know() -> None:
    for made in (stack("hard_swish", 2), stack("swiglu", 12, gain=True)):
        source = text(made, "latex")
        assert source.isascii()
        assert source.startswith(r"\documentclass")
        assert source.count(r"\begin{") == source.count(r"\end{")
        assert source.count("{") == source.count("}")
        assert not re.search(r"\\mathrm\{[^}]*[^\\}]_", source)
        assert "?" not in source


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="no LaTeX is installed")
def test_latex_compiles(tmp_path: Path) -> None:
    (tmp_path / "own.tex").write_text(text(stack("hard_swish", 2, gain=True), "latex"), encoding="ascii")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "own.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:]


def test_sequences_are_told_and_not_programmed() -> None:
    made = composed(dense(), product("relu"), dense(), positions(), readout())
    assert "mean over positions" in text(made, "text")
    for form in ("python", "c"):
        with pytest.raises(DerivationError, match="a mean over positions"):
            text(made, form)


def test_unknown_formats_of_a_stack_are_refused() -> None:
    with pytest.raises(DerivationError, match="a stack is written as text, latex"):
        text(stack("relu", 1), "mathematica")


def test_a_disagreement_is_shouted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Values of another stack in place of the integrals."""
    from glutheory.printing import stack_contents

    def wrong(_: Stack, *point: Any, **options: Any) -> Any:
        return enclose(stack("relu", 2), *point, **options)

    monkeypatch.setattr(stack_contents, "enclose", wrong)
    found: StackReport = stack_report(stack("relu", 1), digits=6)
    assert len(found.refuted) == 4
    assert "WRONG: the roads disagree" in render_stack(found, "text", Terminal())
