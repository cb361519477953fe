"""Wrong sources, one at a time: each must change the verdict of the check that is named beside it.

A mutant is a textual change of one place in a copy of the sources; the check is run from that copy by the command
itself. It is caught if the command ends with status 1 because the *verdict* of that check is not the recorded one;
a crash, or a change of the grade alone, does not count.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from checks.catalog import claims

ROOT = Path(__file__).parent.parent
FOLDERS = ("glutheory", "checks", "derivations", "tests")


@dataclass(frozen=True)
class Mutant:
    """One wrong variant.

    Attributes:
        what: in words.
        file: where.
        old, new: the text replaced; `old` occurs exactly once.
        check: the id of the check that must notice, or
        test: the test that must, where no check uses what is altered.
    """

    what: str
    file: str
    old: str
    new: str
    check: str = ""
    test: str = ""


MUTANTS = (
    Mutant(
        "wrong sign of the arcsine",
        "glutheory/symbolic/reduction.py",
        "        add_to(self.arcsine, 0, value)\n",
        "        add_to(self.arcsine, 0, -value)\n",
        "ntk-plain",
    ),
    Mutant(
        "T for S in the engine's table of expectations",
        "glutheory/symbolic/kernels.py",
        "table[f(x) * f(xp)] = br.S",
        "table[f(x) * f(xp)] = br.T",
        "ntk-plain",
    ),
    Mutant(
        "Stein's lemma with a factor 2 too much",
        "glutheory/symbolic/gaussian.py",
        "scale.variance * ((n - 1) * previous + density)",
        "2 * scale.variance * ((n - 1) * previous + density)",
        "ntk-plain",
    ),
    Mutant(
        "the value branch's variance dropped",
        "glutheory/symbolic/kernels.py",
        "scale = gamma * sigma**2",
        "scale = gamma * (sp.S.One if role == 'value' else sigma**2)",
        "ntk-gated",
    ),
    Mutant(
        "the inner product dropped from the engine's gradients",
        "glutheory/symbolic/kernels.py",
        "sp.diff(neuron_p, xp) * gamma * inputs.mixed",
        "sp.diff(neuron_p, xp) * gamma",
        "ntk-gated",
    ),
    Mutant(
        "an integration by parts with the wrong sign",
        "glutheory/symbolic/reduction.py",
        "pending.add_root(n + 1, 1, -value / (n + 1))",
        "pending.add_root(n + 1, 1, value / (n + 1))",
        "ntk-plain",
    ),
    Mutant(
        "enclosed integrals of the derivative in place of the function's",
        "checks/tools/roads.py",
        "return enclose(act, point.a, point.b, point.c, digits=_DIGITS)",
        "return enclose(act, point.a, point.b, point.c, digits=_DIGITS)[::-1]",
        "ntk-plain",
    ),
    Mutant(
        "the sampled network without the readout's gradient",
        "glutheory/sampling/two_layer.py",
        "return prepared.total(seed, draw)",
        "found = prepared.blocks(seed, draw); return sum(v for k, v in found.items() if k != 'readout')",
        "products",
    ),
    Mutant(
        "the readout's fourth moment taken as that of a sign",
        "checks/tools/neuron_moments.py",
        "math.prod(range(1, 2 * j, 2))",
        "1",
        "finite-width-mean",
    ),
    Mutant(
        "a test of the mean that never rejects",
        "checks/tools/statistics.py",
        "np.abs(total) / (2 * self.level)",
        "np.abs(total) / (2e6 * self.level)",
        "finite-width-mean",
    ),
    Mutant(
        "Hermite polynomials not normalised",
        "glutheory/symbolic/hermite_rule.py",
        "[(x * h - down * g) * up for x, h, g in",
        "[x * h - k * g for x, h, g in",
        "degree-shift",
    ),
    Mutant(
        "the gated kernel without its value block",
        "checks/tools/formulas.py",
        "return scales.m * (scales.v + p) * inner * S",
        "return scales.m * p * inner * S",
        "ntk-gated",
    ),
    Mutant(
        "the width of the wider network off by d",
        "checks/claims/angle/statement.py",
        '    """The exact statement has m + d."""\n    return m + d',
        '    """The exact statement has m + d."""\n    return m + 2 * d',
        "angle",
    ),
    Mutant(
        "the gated kernel compared with that of a network wider by 2d",
        "checks/tools/formulas.py",
        "m = scales.m + scales.d",
        "m = scales.m + 2 * scales.d",
        "diagonal",
    ),
    Mutant(
        "gradient descent on half the mean squared error",
        "glutheory/sampling/training.py",
        "force = error * (2 * rate / X.shape[1])",
        "force = error * (rate / X.shape[1])",
        "trajectory",
    ),
    Mutant(
        "the leading error of Eq. 5 as 1/m",
        "checks/claims/hadamard.py",
        '    """d/m."""\n    return scales.d / scales.m',
        '    """d/m."""\n    return 1 / scales.m',
        "hadamard",
    ),
    Mutant(
        "loss curves without the square",
        "glutheory/dynamics/loss.py",
        "np.minimum(-2 * logs, _GONE)",
        "np.minimum(-logs, _GONE)",
        "expected-loss",
    ),
    Mutant(
        "the loss without the covariance of the initial outputs",
        "glutheory/dynamics/loss.py",
        "weights = weights + Y.shape[1] * np.maximum(share, 0.0)",
        "weights = weights + 0.0 * share",
        "expected-loss",
    ),
    Mutant(
        "K for the covariance of the initial outputs",
        "checks/claims/expected_loss/loss_forms.py",
        'sigma, K = gram(name, X, kind="both", parametrization="standard", width=width)',
        'sigma = K = gram(name, X, parametrization="standard", width=width)',
        "expected-loss",
    ),
    Mutant(
        "targets' errors without the square",
        "glutheory/dynamics/loss.py",
        "weights = np.sum((Q.T @ Y) ** 2, axis=1)",
        "weights = np.sum(np.abs(Q.T @ Y), axis=1)",
        "expected-loss",
    ),
    Mutant(
        "T for S in fast Gram matrices",
        "glutheory/numeric/duals/homogeneous.py",
        "    s *= 1 / _PI2\n    t *= 1 / _PI2\n    return Values(s, t)",
        "    s *= 1 / _PI2\n    t *= 1 / _PI2\n    return Values(t, s)",
        "spike",
    ),
    Mutant(
        "a spectrum sorted the wrong way",
        "glutheory/spectra/dense.py",
        "values = scipy.linalg.eigvalsh(matrix, check_finite=False)[::-1].copy()",
        "values = scipy.linalg.eigvalsh(matrix, check_finite=False)",
        "lambda-max",
    ),
    Mutant(
        "the spike of half its strength",
        "glutheory/spectra/equivalents.py",
        "spike, floor = n * table[0].eigenvalue, table[-1].floor",
        "spike, floor = n * table[0].eigenvalue / 2, table[-1].floor",
        "lambda-max",
    ),
    Mutant(
        "the reciprocal of a certified condition number",
        "glutheory/spectra/certified.py",
        "return high / low",
        "return low / high",
        "not-always",
    ),
    Mutant(
        "the smallest eigenvalue of balls without its sign",
        "glutheory/spectra/certified.py",
        "pair = least.ball(M.radius), -most.ball(M.radius)",
        "pair = least.ball(M.radius), most.ball(M.radius)",
        "majorisation",
    ),
    Mutant(
        "majorisation with the partial sums of the smallest eigenvalues",
        "checks/tools/bounds.py",
        "return np.asarray(np.linalg.eigvalsh(K)[::-1], dtype=np.float64)",
        "return np.asarray(np.linalg.eigvalsh(K), dtype=np.float64)",
        "majorisation",
    ),
    Mutant(
        "the gated kernel of a pair without the readout's half",
        "checks/claims/decorrelation/normalised_kernels.py",
        "gated: Callable[[Fraction], tuple[Fraction, Fraction]] = lambda r: (1 + r, r)",
        "gated: Callable[[Fraction], tuple[Fraction, Fraction]] = lambda r: (_ONE, r)",
        "decorrelation",
    ),
    Mutant(
        "the two curves exchanged",
        "glutheory/dynamics/crossings.py",
        "difference = Difference.of(sides[0], sides[1])",
        "difference = Difference.of(sides[1], sides[0])",
        "crossing-late",
    ),
    Mutant(
        "the end of a difference from its fastest mode",
        "glutheory/dynamics/exponentials.py",
        "return int(np.sign(self.coefficients[0]))",
        "return int(np.sign(self.coefficients[-1]))",
        "crossing-late",
    ),
    Mutant(
        "the loss taken for its root where steps are counted",
        "glutheory/dynamics/steps.py",
        "loss, target = _relative(curve, rate), error**2",
        "loss, target = _relative(curve, rate), error",
        "steps",
    ),
    Mutant(
        "the share of the slow modes with the wrong sign",
        "glutheory/dynamics/effective.py",
        "(log(1 / error) + np.log(below) / 2) / slow",
        "(log(1 / error) - np.log(below) / 2) / slow",
        "steps",
    ),
    Mutant(
        "torch's rate for the mean squared error without the half",
        "checks/claims/steps/descents.py",
        "eta * task.n / 2",
        "eta * task.n",
        "steps",
    ),
    Mutant(
        "the mean of the digits not subtracted",
        "checks/claims/training/image_runs.py",
        "labels.mean() if centred else 0.0",
        "0.0",
        # the verdict is inconclusive with it and without, for what is not judged
        test="tests/checks/claims/test_training_images.py::TestTraining::"
        "test_the_mean_of_the_targets_is_subtracted_where_it_is_said",
    ),
    Mutant(
        "the mean norm for the smallest one in the certificate of the phase diagram",
        "glutheory/studies/phase/cells.py",
        "*(float(f(squares)) for f in (np.min, np.mean, np.max)),",
        "*(float(f(squares)) for f in (np.mean, np.mean, np.max)),",
        "phase-diagram",
    ),
    Mutant(
        "a correction that says less passed for the claim",
        "glutheory/claims/outcome.py",
        "return Verdict.CORRECTED if sharper else Verdict.WEAKER",
        "return Verdict.CORRECTED",
        "angle",
    ),
    Mutant(
        "the modulus read as twice itself, by what both roads share",
        "glutheory/ground/pieces.py",
        "isinstance(node, sp.sign) else sign * node.args[0]",
        "isinstance(node, sp.sign) else 2 * sign * node.args[0]",
        test="tests/test_third_reader.py::test_shifted_kinks_are_read_alike",
    ),
    Mutant(
        "a maximum read as the minimum, by what both roads share",
        "glutheory/ground/pieces.py",
        "better = 1 if isinstance(node, sp.Max) else -1",
        "better = -1 if isinstance(node, sp.Max) else 1",
        test="tests/test_third_reader.py::test_shifted_kinks_are_read_alike",
    ),
    Mutant(
        "the degrees of a gated block not moved",
        "checks/claims/depth_limit/law.py",
        "np.concatenate([np.zeros(self.shift), own]) if block.gated else own",
        "own",
        "depth-limit",
    ),
    Mutant(
        "the modulus for the square of the value branch",
        "checks/claims/signal/networks.py",
        "squares *= rng.standard_normal((_BLOCK, own.width)) ** 2",
        "squares *= np.abs(rng.standard_normal((_BLOCK, own.width)))",
        "signal",
    ),
    Mutant(
        "the mean once for twice in the full gated kernel",
        "checks/claims/mechanism/kernels.py",
        "found.gated_ntk - 2 * found.inner * off",
        "found.gated_ntk - found.inner * off",
        "mechanism",
    ),
    Mutant(
        "the square of the mean forgotten in the centred kernel",
        "checks/claims/mechanism/kernels.py",
        "(column[:, None] + column[None, :]) - times**2 * square",
        "(column[:, None] + column[None, :])",
        "mechanism",
    ),
    Mutant(
        "a gated block without the value branch's share of the slope",
        "checks/tools/deep_kernels.py",
        "f, slope = rho * f, f + rho * slope",
        "f, slope = rho * f, rho * slope",
        "depth",
    ),
    Mutant(
        "the slope forgotten in the growth of a residual stack's diagonal",
        "checks/claims/depth/limits.py",
        "logs = gammaln(depth + one + top) -",
        "logs = gammaln(depth + one) -",
        "depth",
    ),
    Mutant(
        "a centred map whose slope at 1 is that of the activation as it is",
        "checks/claims/depth_centred/limits.py",
        "top = known.slope / (1 - known.mean) if law.slopes",
        "top = known.slope if law.slopes",
        "depth-centred",
    ),
    Mutant(
        "a centred map whose slope at 0 is that of the activation as it is",
        "checks/claims/depth_centred/limits.py",
        "linear = known.linear / (1 - known.mean)",
        "linear = known.linear",
        "depth-centred",
    ),
    Mutant(
        "residual sums weighted by standard deviations for variances",
        "glutheory/numeric/deep/pairs.py",
        "a = (float(one.left[(0,) * left.ndim]) / whole) ** 2 if whole",
        "a = float(one.left[(0,) * left.ndim]) / whole if whole",
        "depth-limit",
    ),
    Mutant(
        "the mean square of images for its root",
        "glutheory/numeric/deep/tabulated.py",
        "return self.size * r**self.power if",
        "return self.size**2 * r**self.power if",
        "signal",
    ),
    Mutant(
        "Llama's blocks without the residual",
        "checks/claims/prediction/modules.py",
        "        return x + image\n",
        "        return image\n",
        "prediction",
    ),
    Mutant(
        "weights of the inverse fan-in for its root",
        "checks/claims/prediction/modules.py",
        "std=module.in_features**-0.5",
        "std=module.in_features**-1.0",
        "prediction",
    ),
)


def run_test(folder: Path, test: str) -> subprocess.CompletedProcess[str]:
    """This test in this folder."""
    environment = {**os.environ, "PYTHONPATH": str(folder)}
    command = [sys.executable, "-m", "pytest", "-q", "-n", "0", "-p", "no:cacheprovider", test]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def run(folder: Path, check: str) -> subprocess.CompletedProcess[str]:
    """The command in this folder, on one thread."""
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    environment = {**os.environ, **threads, "PYTHONPATH": str(folder)}
    command = [sys.executable, "-m", "checks", "--only", check]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    """A copy of the sources."""
    for name in FOLDERS:
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__", "rendered"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)  # the options of pytest
    return tmp_path


def test_the_table() -> None:
    """At least twenty, each at one place that exists, each with a check that exists."""
    assert len(MUTANTS) >= 20
    assert len({mutant.what for mutant in MUTANTS}) == len(MUTANTS)
    for mutant in MUTANTS:
        assert (ROOT / mutant.file).read_text(encoding="utf-8").count(mutant.old) == 1, mutant
        assert mutant.check in claims() or (ROOT / mutant.test.partition("::")[0]).is_file(), mutant
        assert bool(mutant.check) != bool(mutant.test), mutant


@pytest.mark.slow
@pytest.mark.parametrize("check", sorted({mutant.check for mutant in MUTANTS if mutant.check}))
def test_the_copy_itself_agrees(sources: Path, check: str) -> None:
    done = run(sources, check)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.slow
@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.what.replace(" ", "-"))
def test_every_mutant_is_caught(sources: Path, mutant: Mutant) -> None:
    path = sources / mutant.file
    text = path.read_text(encoding="utf-8")
    assert text.count(mutant.old) == 1
    path.write_text(text.replace(mutant.old, mutant.new), encoding="utf-8")
    if mutant.test:
        found_by_test = run_test(sources, mutant.test)
        assert found_by_test.returncode == 1, found_by_test
        assert "AssertionError" in found_by_test.stdout
        return
    done = run(sources, mutant.check)
    found = re.search(rf"^{mutant.check}: (.+) \(.+\), recorded is (.+) \(.+\)\.$", done.stderr, re.MULTILINE)
    assert done.returncode == 1, done
    assert found, done
    assert found[1] != found[2], done
