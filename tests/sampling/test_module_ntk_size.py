"""Large runs: outputs one at a time, blocks of samples, kernels across, sums in float64, checkpoints and a bar."""

# ruff: noqa: E402  (the package's sampling half can be imported only where torch is)

import subprocess
import sys

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from torch import nn

from glutheory.errors import DomainError
from glutheory.sampling import module_ntk
from glutheory.sampling.modules import assembly
from glutheory.sampling.modules.batches import Arguments
from glutheory.sampling.modules.tiles import Rows, tiles
from tests.sampling.jacobian import case
from tests.sampling.kinds import KINDS

D = torch.float64
#: Sums of at most some hundred products of numbers of order 1, in another order.
CLOSE = {"rtol": 1e-12, "atol": 1e-12}


def test_outputs_come_one_at_a_time():
    """The logits of GPT-2 at four positions once asked for an identity matrix of 162 GB."""
    k = 4 * 50257
    (tile,) = tiles(Rows(Arguments((torch.zeros(3, 1),), {}), 3, "inputs"), None, None)
    directions = tile.cotangents(k, torch.zeros(()))
    for output in range(3):
        direction = next(directions)
        assert direction.shape == (3, k)
        assert direction.untyped_storage().nbytes() == 4 * k
        assert direction.nonzero().tolist() == [[row, output] for row in range(3)]


NAMES = ["convolutions", "tied", "attention", "weight norm", "called again and again", "one dimension"]


@pytest.mark.long
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("block", [1, 2, 100])
def test_blocks_of_samples(name, block):
    model, x = case(name)
    whole = module_ntk(model, x, blocks=True)
    parts = module_ntk(model, x, blocks=True, block=block)
    for key, kernel in whole.items():
        torch.testing.assert_close(parts[key], kernel, **CLOSE)
    torch.testing.assert_close(module_ntk(model, x, block=block), sum(whole.values()), **CLOSE)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("block", "outputs"), [(None, "trace"), (2, "trace"), (None, "full")])
def test_kernels_across(name, block, outputs):
    model, x = case(name)
    whole = module_ntk(model, x, outputs=outputs, blocks=True)
    part = module_ntk(model, x[1:], x[:2], outputs=outputs, blocks=True, block=block)
    for key, kernel in whole.items():
        torch.testing.assert_close(part[key], kernel[1:, :2], **CLOSE)


def test_full_kernels_in_blocks():
    model, x = case("perceptron")
    whole = module_ntk(model, x, outputs="full")
    across = module_ntk(model, x[1:], x[:2], outputs="full", block=4)
    torch.testing.assert_close(across, whole[1:, :2], **CLOSE)
    torch.testing.assert_close(module_ntk(model, x, outputs="full", block=4), whole, **CLOSE)


def test_the_other_samples_must_be_of_one_kind():
    model, x = case("perceptron")
    for others in (x.float(), x[:, :3], (x, x)):
        with pytest.raises(DomainError, match=r"others has .* and inputs "):
            module_ntk(model, x, others)
    with pytest.raises(DomainError, match="row 1 of others"):
        module_ntk(model, x, torch.stack([x[0], x[0] * torch.nan]))


def test_the_dtype_tells_the_precision_and_sums_in_float64_are_finer():
    """Gradients of float32 that are exact, so that all rounding is that of the sums: 1e5 products in each entry."""
    torch.manual_seed(0)
    model = nn.Linear(100_000, 1, bias=False)
    x = torch.randint(-1000, 1000, (4, 100_000)).float()
    true = x.double() @ x.double().T
    single, double = module_ntk(model, x), module_ntk(model, x, dtype=D)
    assert (single.dtype, double.dtype) == (torch.float32, D)
    assert torch.equal(double, true)
    assert not torch.equal(single.double(), true)
    torch.testing.assert_close(single.double(), true, rtol=1e-5, atol=1e-5 * float(true.max()))
    assert module_ntk(model.double(), x.double(), dtype=torch.float32).dtype == torch.float32
    with pytest.raises(DomainError, match=r"dtype is torch\.float16"):
        module_ntk(model, x, dtype=torch.float16)


class Interrupted(nn.Module):
    """Stops after so many calls."""

    def __init__(self, limit):
        super().__init__()
        torch.manual_seed(0)
        self.f, self.o, self.w = nn.Linear(3, 4), nn.Linear(4, 2), nn.Parameter(torch.randn(3))
        # no module and no container: it is not put back
        self.counter = Counter(limit)

    def forward(self, x):
        self.counter.count()
        return self.o(self.f(x * self.w).tanh())


class Counter:
    def __init__(self, left):
        self.left = left

    def count(self):
        self.left -= 1
        if self.left < 0:
            raise KeyboardInterrupt


@pytest.mark.parametrize("blocks", [False, True])
def test_a_run_goes_on_from_its_checkpoint(tmp_path, monkeypatch, blocks):
    """It is stopped after every so many calls of the model, and the pieces give the same numbers to the last bit."""
    monkeypatch.setattr(assembly, "INTERVAL", 0.0)
    x, path = torch.randn(7, 3), tmp_path / "run.npz"
    options = {"block": 2, "blocks": blocks}
    whole = module_ntk(Interrupted(10**9), x, **options)
    stops = 0
    while True:
        try:
            found = module_ntk(Interrupted(22), x, **options, checkpoint=path)
            break
        except KeyboardInterrupt:
            stops += 1
            assert stops < 100
    assert stops > 3
    pairs = [(found[key], whole[key]) for key in whole] if blocks else [(found, whole)]
    assert all(torch.equal(one, other) for one, other in pairs)
    # a finished run is read back
    again = module_ntk(Interrupted(22), x, **options, checkpoint=path)
    assert torch.equal(sum(again.values()), sum(found.values())) if blocks else torch.equal(again, found)


@pytest.mark.filterwarnings("ignore:neither layers nor torch.func")
@pytest.mark.parametrize("name", ["sorted inside", "old function", "checkpointed", "equal rows once"])
def test_what_was_found_out_before_the_checkpoint_stays_found(tmp_path, name):
    """A finished run is read back with the ways that it took, found on its batches and not by the first test."""
    kind, path = KINDS[name], tmp_path / "run.npz"
    found = module_ntk(kind.model(), kind.inputs, blocks=True, checkpoint=path)
    again = module_ntk(kind.model(), kind.inputs, blocks=True, checkpoint=path)
    assert all(torch.equal(found[key], kernel) for key, kernel in again.items())
    assert again.ways == found.ways


def test_a_checkpoint_of_another_run_is_refused(tmp_path):
    path, x = tmp_path / "run.npz", torch.randn(4, 3)
    model = Interrupted(10**9)
    module_ntk(model, x, checkpoint=path)
    with pytest.raises(DomainError, match="another data"):
        module_ntk(model, x + 1, checkpoint=path)
    with pytest.raises(DomainError, match="another block"):
        module_ntk(model, x, block=2, checkpoint=path)
    with pytest.raises(DomainError, match="another output or another forward pass"):
        module_ntk(model, x, output=lambda y: 2 * y, checkpoint=path)
    with torch.no_grad():
        model.w.add_(1)
    with pytest.raises(DomainError, match="another data"):
        module_ntk(model, x, checkpoint=path)
    np.savez(path, key=np.array("{}"))
    with pytest.raises(DomainError, match="checkpoint"):
        module_ntk(model, x, checkpoint=path)
    with pytest.raises(DomainError, match="existing folder"):
        module_ntk(model, x, checkpoint=tmp_path / "none" / "run.npz")


def test_a_bar_on_request(capsys):
    model, x = case("perceptron")
    module_ntk(model, x, block=2, progress=True)
    assert "outputs" in capsys.readouterr().err
    module_ntk(model, x, block=2)
    assert not capsys.readouterr().err


@pytest.mark.parametrize("options", [{"block": 0}, {"block": 1.5}, {"seed": -1}])
def test_refuses(options):
    model, x = case("perceptron")
    with pytest.raises(DomainError, match=next(iter(options))):
        module_ntk(model, x, **options)


#: A network whose activations take 1 MB a sample; what is printed is the peak of the process in MB.
PEAK = """
import sys, torch
from pathlib import Path
from torch import nn
from glutheory.sampling import module_ntk
torch.set_num_threads(1)
n, block = int(sys.argv[1]), int(sys.argv[2]) or None
layers = nn.Conv2d(1, 32, 3, padding=1), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(32, 1)
model = nn.Sequential(*layers)
module_ntk(model, torch.randn(n, 1, 64, 64), block=block, workspace=2**22)
lines = Path("/proc/self/status").read_text().splitlines()
print(next(int(line.split()[1]) // 1024 for line in lines if line.startswith("VmHWM")))
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads the peak of a process from /proc")
def test_memory_does_not_grow_with_the_samples():
    def peak(n, block):
        command = [sys.executable, "-c", PEAK, str(n), str(block)]
        return int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)

    few, many, at_once = peak(20, 10), peak(80, 10), peak(80, 0)
    # 60 more images are 1 MB of inputs and 60 MB of activations
    assert many - few < 25
    assert at_once - many > 60
