"""Networks to export, their programs, and the certified values that these must give."""

from __future__ import annotations

import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import mpmath
import pytest

import glutheory as glu
from glutheory.activations import Activation
from glutheory.commands.names import chosen_network
from glutheory.networks import Network, network, network_names
from glutheory.printing import render
from glutheory.printing.comments import identifier
from glutheory.printing.contents import report
from glutheory.printing.mathematica import camel
from glutheory.terminal import Terminal
from tests.printing.mathematica import Session
from tests.strategies import EXTRA

#: Own activations: other scales, two groups at once, constants, exponentials, a cleared denominator that overflows.
COMBINED = {f"combined {act.name}": Network(act.name, (act,)) for act in EXTRA}
OWN = (
    "z*erf(z)",
    "z*tanh(z)",
    "max(0,z)+sigmoid(z)",
    "sqrt(2)*z+erf(z/3)",
    "e*z+erf(z/e)",
    "(1+erf(1))*max(0,z)",
    "cos(z)*exp(-z**2/2)",
    "z*exp(-z**2)",
    "exp(z-z**2)",
    "z**2*sin(z)",
    "z/(1+exp(-1.1234567890123456789012345678901234567*z))",
)
_UNIT = 2.0**-52


def own(text: str) -> Network:
    return chosen_network(None, text, True, ())


#: Whose programs integrate: tested in test_quadrature_programs. By hand, for deriving them all takes seconds; a test
#: has this and the next list from the derivations.
INTEGRATED = (
    *("mish", "elu", "selu", "celu", "hard_tanh", "hard_sigmoid", "hard_swish", "relu6", "softsign", "log_cosh"),
    *("gelu_tanh", "snake", "jump_relu", "threshold", "shifted_relu", "laplace", "xielu"),
)
NETWORKS = {
    **{name: network(name) for name in network_names() if name not in INTEGRATED},
    **{text: own(text) for text in OWN},
    **COMBINED,
    "slope": chosen_network("leaky_relu", None, False, ("slope=1/5",)),
    "huge": chosen_network("leaky_relu", None, False, ("slope=0." + "3" * 60,)),
}
#: Whose formulas are averages over a scale.
MIXED = [*("sigmoid", "tanh", "silu", "softplus", "quick_gelu", "swish", "glu", "swiglu", "gtu"), *OWN[1:3], OWN[-1]]
CLOSED = [name for name in NETWORKS if name not in MIXED]


def marked(names: list[str]) -> list[Any]:
    """The names as parameters; the slow ones are left to the slow tests."""
    late = {*COMBINED, *(name for name in OWN if name in MIXED)}
    return [pytest.param(name, marks=pytest.mark.slow) if name in late else name for name in names]


@cache
def text(name: str, form: str) -> str:
    return render(report(NETWORKS[name] if name in NETWORKS else own(name), digits=6), form, Terminal())


@cache
def exact(act: Activation, a: float, b: float, c: float) -> tuple[mpmath.mpf, mpmath.mpf]:
    return glu.evaluate(act, a, b, c, digits=17)


_FLAGS = ("-std=c99", "-pedantic", "-Wall", "-Wextra", "-Wconversion", "-Werror", "-O2")


def compiled(folder: Path, source: Path, *flags: str) -> Path:
    target = folder / "program"
    command = ["cc", *_FLAGS, *flags, str(source), "-o", str(target), "-lm"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return target


def in_python(name: str) -> dict[str, Any]:
    scope: dict[str, Any] = {}
    exec(compile(text(name, "python"), name, "exec"), scope)  # noqa: S102 (what is printed is tested)
    return scope


def in_sympy(name: str) -> dict[str, Any]:
    scope: dict[str, Any] = {}
    exec(compile(text(name, "sympy"), name, "exec"), scope)  # noqa: S102 (what is printed is tested)
    return scope


def agree(name: str, values: list[Any], digits: int) -> None:
    """All but the last two digits, which the evaluations may lose."""
    act = (NETWORKS.get(name) or own(name)).branches[-1]
    true = glu.evaluate(act, 2, "0.5", "-0.3", digits=digits + 5)
    with mpmath.workdps(digits + 10):
        for value, expected in zip(values, true, strict=True):
            assert abs(mpmath.mpf(str(value)) - expected) <= abs(expected) * mpmath.mpf(10) ** (2 - digits), name


def sympy_values(name: str, digits: int) -> list[Any]:
    scope = in_sympy(name)
    return [scope["value"](scope[key], 2, "0.5", "-0.3", digits=digits) for key in ("S", "T")]


def mathematica_values(name: str, digits: int, *extra: int) -> list[Any]:
    found = NETWORKS.get(name) or own(name)
    session, own_name = Session(text(name, "mathematica")), camel(identifier(found.name))
    with mpmath.workdps(digits + 10):
        point = mpmath.mpf(2), mpmath.mpf("0.5"), mpmath.mpf("-0.3")
        values = [session(f"{own_name}{key}", *point, *extra) for key in ("S", "T", "NNGP", "NTK")]
        S, T, nngp, ntk = (mpmath.re(value) for value in values)
        assert all(abs(mpmath.im(value)) < mpmath.mpf(10) ** -digits for value in values)
        whole = (-0.3 * S, -0.6 * S + 0.09 * T) if found.gated else (S, S - 0.3 * T)
        assert [float(nngp), float(ntk)] == pytest.approx([float(value) for value in whole], rel=1e-13)
        return [mpmath.nstr(value, digits + 5) for value in (S, T)]
