"""The steps of benchmarks/device.py: each returns its status and figures, in JSON types.

A comparison "passed" or "failed" by a tolerance that is written here, before any run; what is only timed is "measured".
The package is imported by each step: where something that it needs is absent, that step alone is skipped.
"""

from __future__ import annotations

import math
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from statistics import NormalDist
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch

ROOT = Path(__file__).resolve().parents[1]
#: Files with tests marked `cuda`, and what they need beside torch.
TESTS: dict[str, tuple[str, ...]] = {
    "tests/integrations/test_torch_gradients.py": (),
    "tests/integrations/test_gpytorch_kernel.py": ("gpytorch", "linear_operator"),
    "tests/sampling/test_deep_kernels.py": (),
    "tests/sampling/test_module_ntk_arguments.py": (),
    "tests/sampling/test_empirical_ntk.py": (),
}
NETWORKS = ("relu", "reglu", "gelu", "geglu", "silu", "swiglu", "mish_glu")
#: The probability that a comparison of sampled kernels raises a false alarm.
FALSE_ALARM = 1e-6


@dataclass(frozen=True)
class Setting:
    """Where, and whether for a dry run."""

    device: str
    small: bool

    def of(self, small: int, large: int) -> int:
        """A size."""
        return small if self.small else large

    def seconds(self, task: Callable[[], object], repeats: int = 3) -> float:
        """Of the fastest of some runs, the work of the device done."""
        best = math.inf
        for _ in range(repeats + 1):
            self.wait()
            start = time.perf_counter()
            task()
            self.wait()
            best = min(best, time.perf_counter() - start)
        return best

    def wait(self) -> None:
        """Until the device has done what it was told."""
        if torch.device(self.device).type == "cuda":
            torch.cuda.synchronize(self.device)


def rows(n: int, d: int, seed: int = 0) -> np.ndarray:
    """Standard normal ones, some of them nearly parallel, opposite and repeated."""
    X = np.random.default_rng(seed).standard_normal((n, d))
    X[1], X[2], X[3] = X[0] * (1 + 1e-9), X[0] + 1e-8, -X[0]
    return X


def verdict(errors: dict[str, float], tolerance: float) -> dict[str, Any]:
    """Passed if all errors are below the tolerance."""
    worst = max(errors.values())
    status = "passed" if worst <= tolerance else "failed"
    return {"status": status, "tolerance": tolerance, "largest": worst, "errors": errors}


def _relative(found: Any, right: Any) -> float:
    """The largest difference over √(K K')."""
    found, right = (
        np.asarray(part.cpu() if isinstance(part, torch.Tensor) else part, float) for part in (found, right)
    )
    scale = np.sqrt(np.outer(np.diag(right), np.diag(right)))
    return float(np.max(np.abs(found - right) / scale))


def cuda_tests(setting: Setting) -> dict[str, Any]:
    """The tests that other machines skip: every one of them must run and pass here."""
    # absent is a reason to skip; pytest's options in pyproject.toml name xdist's, tests/conftest.py imports hypothesis
    for name in ("pytest", "xdist", "hypothesis"):
        import_module(name)
    if torch.device(setting.device).type != "cuda":
        return {"status": "skipped", "reason": "needs a CUDA device"}
    able = [name for name, needed in TESTS.items() if all(find_spec(package) for package in needed)]
    counts, summary = outcomes([ROOT / name for name in able])
    status = "passed" if all_ran(counts) else "failed"
    return {"status": status, **counts, "summary": summary, "left out": sorted(set(TESTS) - set(able))}


def outcomes(files: Sequence[Path], folder: Path = ROOT) -> tuple[dict[str, int], str]:
    """How many tests marked `cuda` in these files there are, failed and were skipped; and pytest's last line."""
    with TemporaryDirectory() as beside:
        report = Path(beside) / "report.xml"
        command = [sys.executable, "-m", "pytest", "-q", "-n0", "-p", "no:cacheprovider", "-m", "cuda"]
        command += [f"--junitxml={report}", *map(str, files)]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        suites = list(ET.parse(report).getroot()) if report.exists() else []
    last = (done.stdout.strip().splitlines() or done.stderr.strip().splitlines() or ["no output"])[-1]
    wanted = {"tests": "tests", "failed": "failures", "broken": "errors", "skipped": "skipped"}
    counts = {name: sum(int(suite.get(key, 0)) for suite in suites) for name, key in wanted.items()}
    return {**counts, "exit status": done.returncode}, last


def all_ran(counts: dict[str, int]) -> bool:
    """Whether there were tests, and all of them ran and passed; pytest itself ends with 0 if all were skipped."""
    return counts["tests"] > 0 and not any(counts[name] for name in ("failed", "broken", "skipped", "exit status"))


def gram_on_both(setting: Setting) -> dict[str, Any]:
    """`gram` there and here: sums in another order, and another library's exp, erf and atan2."""
    import glutheory as glu

    X = rows(setting.of(60, 3000), 32)
    errors = {}
    stacks = {f"{name} x 8": glu.stack(name, 8, norm="rms", residual=True) for name in ("reglu", "swiglu")}
    for label, net in ({name: name for name in NETWORKS} | stacks).items():
        there = glu.gram(net, torch.as_tensor(X, device=setting.device), kind="both")
        for kind, found, right in zip(("nngp", "ntk"), there, glu.gram(net, X, kind="both"), strict=True):
            errors[f"{label}, {kind}"] = _relative(found, right)
    return verdict(errors, 1e-12)


def sampled_on_both(setting: Setting) -> dict[str, Any]:
    """`empirical_ntk` there and here with the same seeds, and so the same weights, in float64."""
    import glutheory as glu
    from glutheory.sampling import empirical_ntk

    X = rows(setting.of(10, 200), 32)
    options: dict[str, Any] = {"width": setting.of(64, 4096), "seed": 3, "dtype": torch.float64}
    errors = {}
    deep = glu.stack("swiglu", 4, norm="rms", residual=True)
    every: dict[str, Any] = {**{name: name for name in NETWORKS}, "swiglu x 4": deep}
    for label, net in every.items():
        own: dict[str, Any] = options | ({"width": setting.of(32, 512)} if label == "swiglu x 4" else {})
        here, there = (empirical_ntk(net, X, device=place, **own) for place in ("cpu", setting.device))
        errors[label] = _relative(there, here)
    return verdict(errors, 1e-11)


def draws_on_both(setting: Setting) -> dict[str, Any]:
    """`monte_carlo` there and here with the same seeds."""
    from glutheory.sampling import monte_carlo

    X = rows(12, 16)
    options: dict[str, Any] = {"width": setting.of(64, 1024), "draws": setting.of(5, 100), "seed": 5}
    errors = {}
    for name in ("reglu", "swiglu"):
        here, there = (monte_carlo(name, X, device=place, **options) for place in ("cpu", setting.device))
        errors[name] = _relative(there.mean, here.mean)
    return verdict(errors, 1e-11)


def modules_on_both(setting: Setting) -> dict[str, Any]:
    """`module_ntk` of a small ViT and Mixer there and here, in float64."""
    from glutheory.architectures import build, example_inputs
    from glutheory.sampling import module_ntk

    errors = {}
    for name in ("vit-released-digits", "mixer-released-digits"):
        inputs = example_inputs(name, setting.of(3, 32), 0).double()
        model = build(name, "swiglu", seed=0, dtype=torch.float64)
        here = module_ntk(model, inputs)
        errors[name] = _relative(module_ntk(model.to(setting.device), inputs.to(setting.device)), here)
    return verdict(errors, 1e-10)


def power(setting: Setting) -> dict[str, Any]:
    """As many neurons as no CPU draws, against `gram`: an error of 0.01 % of the NTK would be noticed.

    They are drawn on the device, and their kernels summed by the few lines below, which share nothing with the package.
    Each chunk of neurons gives one number, the mean over the rows of its K(x,x) over the exact one, whose mean is
    compared with 1 at the level FALSE_ALARM. `share` is the error that is noticed with probability 0.99; as a control
    twice as much must be.
    """
    import glutheory as glu

    n, size = 16, setting.of(1 << 10, 1 << 18)
    chunks = setting.of(30, 40_000)
    normal = NormalDist()
    bound = normal.inv_cdf(1 - FALSE_ALARM / 4)
    X = np.random.default_rng(7).standard_normal((n, 16))
    found: dict[str, Any] = {"chunks": chunks, "neurons of a chunk": size, "bound of |z|": bound, "networks": {}}
    passed = True
    for name, functions in GATES.items():
        values = _ratios(setting, X, glu.gram(name, X).diagonal(), functions, size, chunks)
        error = float(values.std(ddof=1) / math.sqrt(chunks))
        share = error * (bound + normal.inv_cdf(0.99))
        z = (float(values.mean()) - 1) / error
        noticed = abs(float(values.mean()) / (1 + 2 * share) - 1) / error > bound
        found["networks"][name] = {"z": z, "share with power 0.99": share, "control noticed": noticed}
        passed &= abs(z) <= bound and noticed and (setting.small or share <= 1e-4)
    return {"status": "passed" if passed else "failed", **found}


#: φ and φ' of two gates, as functions of torch.
GATES: dict[str, tuple[Callable[[torch.Tensor], torch.Tensor], Callable[[torch.Tensor], torch.Tensor]]] = {
    "reglu": (torch.relu, lambda v: (v > 0).to(v.dtype)),
    "swiglu": (torch.nn.functional.silu, lambda v: torch.sigmoid(v) * (1 + v * torch.sigmoid(-v))),
}


def _ratios(
    setting: Setting, X: np.ndarray, exact: np.ndarray, functions: tuple[Any, Any], size: int, chunks: int
) -> np.ndarray:
    """Of each chunk of neurons, the mean over the rows of its NTK on the diagonal over the exact one."""
    phi, slope = functions
    rows = torch.as_tensor(X / math.sqrt(X.shape[1]), device=setting.device, dtype=torch.float32)
    norms, right = (rows * rows).sum(1), torch.as_tensor(exact.copy(), device=setting.device, dtype=torch.float32)
    source = torch.Generator(setting.device).manual_seed(13)
    values = torch.empty(chunks, device=setting.device, dtype=torch.float64)
    for k in range(chunks):
        W = torch.randn(2, size, X.shape[1], device=setting.device, generator=source)
        u, v = rows @ W[0].T, rows @ W[1].T
        gate = phi(v)
        # readout, value and gate; the squares of the readout weights replaced by their mean 1
        blocks = (u * gate) ** 2 + norms[:, None] * (gate**2 + (u * slope(v)) ** 2)
        values[k] = (blocks.mean(1) / right).mean()
    return values.cpu().numpy()


def architectures(setting: Setting) -> dict[str, Any]:
    """The released ViT and GPT-2 small at N = 256: condition numbers of the plain and the gated network of one seed."""
    import glutheory as glu
    from glutheory.architectures import build, example_inputs
    from glutheory.sampling import module_ntk

    found: dict[str, Any] = {"inputs": setting.of(4, 256), "networks": {}}
    names = ("vit-released-digits",) if setting.small else ("vit-released", "gpt2-small")
    for name in names:
        inputs = example_inputs(name, found["inputs"], 0).to(setting.device)
        for net in ("gelu", "geglu"):
            model = build(name, net, seed=0, device=setting.device)
            start = time.perf_counter()
            K = module_ntk(model, inputs, dtype=torch.float64, output=_last)
            setting.wait()
            known = glu.condition_number(K.cpu().numpy())
            own = {"condition": [known.low, known.high], "seconds": round(time.perf_counter() - start, 2)}
            found["networks"][f"{name}, {net}"] = own
            del model, K
    return {"status": "measured", **found}


def _last(outputs: Any) -> torch.Tensor:
    """Of a language model eight logits of the last position; of another its outputs."""
    logits = getattr(outputs, "logits", outputs)
    last: torch.Tensor = logits[:, -1, :8] if logits.ndim == 3 else logits
    return last


def deep_bias(setting: Setting) -> dict[str, Any]:
    """The bias of the NTK of a deep stack against the width: its slope in logarithms must have −1 in its interval."""
    import glutheory as glu
    from glutheory.sampling import width_bias

    stack = glu.stack("swiglu", setting.of(2, 8), norm="rms", residual=True)
    X = np.random.default_rng(1).standard_normal((8, 16))
    widths = [16, 32, 64] if setting.small else [128, 256, 512, 1024, 2048]
    draws = [20 * width // widths[0] for width in widths] if setting.small else [2 * width for width in widths]
    measured = width_bias(
        stack, X, glu.gram(stack, X), widths=widths, draws=draws, seed=2, device=setting.device, progress=False
    )
    low, high = measured.interval
    # the dry run is too small to say more than that it ran
    status = "passed" if setting.small or low <= -1 <= high else "failed"
    figures = {"widths": widths, "draws": draws, "slope": measured.slope, "interval": [low, high]}
    return {"status": status, **figures, "p value": measured.p_value}


def floors(setting: Setting) -> dict[str, Any]:
    """What the device can do: matrix products and memory; and the kernels as multiples of that."""
    found: dict[str, Any] = {"rows": setting.of(256, 8192), "features": 64, "width": setting.of(512, 16384)}
    for dtype in (torch.float32, torch.float64):
        found[str(dtype)] = _floors(setting, found["rows"], found["features"], found["width"], dtype)
    return {"status": "measured", **found}


def _floors(setting: Setting, n: int, d: int, m: int, dtype: torch.dtype) -> dict[str, float | None]:
    import glutheory as glu
    from glutheory.sampling import empirical_ntk

    A = torch.randn(n, n, device=setting.device, dtype=dtype)
    own: dict[str, float | None] = {
        "Tflop/s": 2 * n**3 / setting.seconds(lambda: A @ A) / 1e12,
        "GB/s": 2 * A.element_size() * n**2 / setting.seconds(A.clone) / 1e9,
    }
    X = torch.randn(n, d, device=setting.device, dtype=dtype)
    W = torch.randn(m, d, device=setting.device, dtype=dtype)
    H = X @ W.T
    # of one draw: X with the weights of both branches; readout and branches, each (n, m) with itself
    bare = setting.seconds(lambda: [(X @ W.T, H @ H.T) for _ in range(2)])
    # X Xᵀ and two n × n matrices written
    floor = setting.seconds(lambda: ((X @ X.T).clone(), X @ X.T))
    for name in ("reglu", "swiglu"):
        sampled = partial(empirical_ntk, name, X, width=m, seed=0, device=setting.device)
        own[f"empirical_ntk {name} / its products"] = setting.seconds(sampled) / bare
        own[f"gram {name} / floor"] = setting.seconds(partial(glu.gram, name, X, kind="both")) / floor
    plain = _compiled(setting, n, dtype)
    if plain is not None:
        plain = setting.seconds(partial(glu.gram, "reglu", X, kind="both")) / plain
    own["gram reglu / torch.compile of the formula"] = plain
    return own


def _compiled(setting: Setting, n: int, dtype: torch.dtype) -> float | None:
    """Seconds of the textbook formula of ReGLU (which loses digits near ρ = 1), compiled; None without a compiler."""
    X = torch.randn(n, 64, device=setting.device, dtype=dtype)

    def formula(X: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        norm = X.norm(dim=1) / 8
        c = X @ X.T / 64
        rho = (c / norm[:, None] / norm).clamp(-1, 1)
        angle = torch.pi - torch.acos(rho)
        S = norm[:, None] * norm * (torch.sqrt(1 - rho * rho) + angle * rho) / (2 * torch.pi)
        return c * S, 2 * c * S + c * c * angle / (2 * torch.pi)

    compiled = torch.compile(formula)
    try:
        return setting.seconds(lambda: compiled(X))
    except Exception:  # noqa: BLE001 (torch names no class for "no compiler at hand")
        return None


STEPS: dict[str, Callable[[Setting], dict[str, Any]]] = {
    "gram": gram_on_both,
    "empirical_ntk": sampled_on_both,
    "monte_carlo": draws_on_both,
    "module_ntk": modules_on_both,
    "deep bias": deep_bias,
    "floors": floors,
    "architectures": architectures,
    "tests": cuda_tests,
    "power": power,
}
