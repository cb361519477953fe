"""Printed Python needs `math` alone and agrees with the certified values."""

import json
import subprocess
import sys
from functools import cache

import mpmath
import pytest
import sympy as sp

from glutheory.activations import Activation, activation
from glutheory.errors import DerivationError
from glutheory.networks import Network, network_names
from glutheory.printing import render
from glutheory.printing.contents import report
from glutheory.symbolic.duals import MIXTURE
from glutheory.symbolic.evaluation import evaluate
from tests.printing.exported import INTEGRATED
from tests.printing.reports import OWN, WIDE, found

pytestmark = pytest.mark.usefixtures("evaluated_once")

POINTS = [
    (1.0, 1.0, 0.5),
    (2.0, 0.5, -0.25),
    (1.0, 1.0, 1.0),
    (4.0, 0.25, 1.0),
    (1.0, 1.0, -1.0),
    (2.0, 0.5, 0.25),
    (1.0, 1.0, 0.0),
    (4.0, 1.0, 0.0),
    (1 / 4096, 1 / 1024, 1 / 4096),
    (30.0, 20.0, -10.0),
]
_RUNNER = """
import importlib.util, json, math, sys
points = json.load(sys.stdin)
result = {}
for path in sys.argv[1:]:
    spec = importlib.util.spec_from_file_location("printed", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    result[path] = [[f(*p) for f in (module.S, module.T, module.nngp, module.ntk)] for p in points]
assert not {"sympy", "mpmath", "numpy", "flint", "glutheory"} & set(sys.modules)
print(json.dumps(result))
"""


def _run(paths: list[str]) -> dict[str, list[list[float]]]:
    command = [sys.executable, "-I", "-c", _RUNNER, *paths]
    done = subprocess.run(command, input=json.dumps(POINTS), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    result: dict[str, list[list[float]]] = json.loads(done.stdout)
    return result


@cache
def _exact(act: Activation, a: float, b: float, c: float) -> tuple[mpmath.mpf, mpmath.mpf]:
    return evaluate(act, a, b, c, digits=18)


def _close(value: float, exact: mpmath.mpf, scale: float) -> bool:
    return bool(value == exact or abs(value - exact) <= 2e-15 * abs(exact) + 4e-16 * scale)


@pytest.mark.long
def test_printed_python_runs_on_its_own_and_agrees(tmp_path) -> None:
    names = [*(name for name in network_names() if name not in INTEGRATED), *OWN]
    files = {}
    for i, name in enumerate(names):
        path = tmp_path / f"module{i}.py"
        path.write_text(render(found(name), "python", WIDE), encoding="utf-8")
        files[name] = str(path)
    results = _run(list(files.values()))
    for name, path in files.items():
        act, gated = found(name).gate, found(name).network.gated
        # the logistic family takes its time: every second point
        step = 2 if found(name).method == MIXTURE else 1
        for (a, b, c), (S, T, nngp, ntk) in list(zip(POINTS, results[path], strict=True))[::step]:
            exact_S, exact_T = _exact(act, a, b, c)
            ends = [_exact(act, v, v, v) for v in (a, b)]
            scales = [mpmath.sqrt(abs(ends[0][i] * ends[1][i])) for i in (0, 1)]
            assert _close(S, exact_S, float(scales[0])), (name, a, b, c)
            assert _close(T, exact_T, 0.0 if mpmath.isinf(scales[1]) else float(scales[1])), (name, a, b, c)
            whole = (c * S, 2 * c * S + c**2 * T) if gated else (S, S + c * T)
            assert (nngp, ntk) == pytest.approx(whole, rel=1e-15)


def test_python_refuses_what_math_cannot_do() -> None:
    made = report(Network("symbolic", (activation("silu", beta=sp.Symbol("beta", positive=True)),)), digits=6)
    with pytest.raises(DerivationError, match="no Python code"):
        render(made, "python", WIDE)
