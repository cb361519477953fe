"""`module_ntk` beside torch.func's Jacobian in chunks on small models, in one run.

    python benchmarks/chunks.py [--models vit,encoder,cnn,mlp] [--n 32,512,2000] [--repeats 7] [--threads 1]

The peer is what its users write: vmap of grad on 64 inputs at a time, all gradients in one matrix, made once and filled
chunk by chunk, and one product. Ratios are those of processor time, ours over theirs in turns, each pair one ratio: the
least, the median and the largest. Peaks are those of processes that do nothing else, in gigabytes. One output, float32.
"""

from __future__ import annotations

import argparse
import multiprocessing
import statistics
import time
from collections.abc import Callable

import torch
from modules import high_water
from torch import nn

from glutheory.architectures import build, example_inputs
from glutheory.sampling import module_ntk

#: Inputs whose gradients the peer forms at a time.
CHUNK = 64
WAYS = ("ours", "theirs")


class First(nn.Module):
    """One output of a model of many."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        found: torch.Tensor = self.model(x)
        return found[:, :1]


class Encoder(nn.Module):
    """Patches of an image through torch's own encoder, of which only the whole attention can be differentiated."""

    def __init__(self, width: int = 32, depth: int = 4) -> None:
        super().__init__()
        layer = nn.TransformerEncoderLayer(width, 4, 2 * width, 0.0, batch_first=True, norm_first=True)
        self.patches, self.place = nn.Conv2d(1, width, 2, 2), nn.Parameter(torch.randn(16, width) / 8)
        self.encoder = nn.TransformerEncoder(layer, depth, enable_nested_tensor=False)
        self.readout = nn.Linear(width, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        found: torch.Tensor = self.readout(self.encoder(self.patches(x).flatten(2).mT + self.place).mean(1))
        return found


def cnn() -> nn.Module:
    layers = [nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 16, 3, padding=1), nn.ReLU()]
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(1024, 1))


def mlp() -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 128), nn.ReLU(), nn.Linear(128, 1))


MODELS: dict[str, Callable[[], nn.Module]] = {
    "vit": lambda: First(build("vit-digits", "swiglu", seed=0)),
    "encoder": Encoder,
    "cnn": cnn,
    "mlp": mlp,
}


def case(name: str, n: int) -> tuple[nn.Module, torch.Tensor]:
    """A model and 8×8 images."""
    torch.manual_seed(0)
    return MODELS[name]().eval(), example_inputs("vit-digits", n, 0)


def theirs(model: nn.Module, x: torch.Tensor) -> torch.Tensor:
    """The Gram matrix of per-sample gradients by torch.func."""
    parameters = {key: value.detach() for key, value in model.named_parameters()}

    def output(chosen: dict[str, torch.Tensor], one: torch.Tensor) -> torch.Tensor:
        found: torch.Tensor = torch.func.functional_call(model, chosen, (one[None],)).squeeze()
        return found

    gradients = torch.func.vmap(torch.func.grad(output), in_dims=(None, 0))
    jacobian = torch.empty((len(x), sum(value.numel() for value in parameters.values())))
    for start in range(0, len(x), CHUNK):
        part = gradients(parameters, x[start : start + CHUNK])
        torch.cat([g.flatten(1) for g in part.values()], 1, out=jacobian[start : start + CHUNK])
    return jacobian @ jacobian.T


def run(way: str, model: nn.Module, x: torch.Tensor) -> torch.Tensor:
    """One kernel."""
    return module_ntk(model, x) if way == "ours" else theirs(model, x)


def times(name: str, n: int, repeats: int, threads: int) -> tuple[list[float], list[float], float]:
    """Processor seconds of our calls, their ratios to those of the peer, and the largest relative difference."""
    torch.set_num_threads(threads)
    model, x = case(name, n)
    kernels = [run(way, model, x) for way in WAYS]
    spent, ratios = [], []
    for _ in range(repeats):
        pair = []
        for way in WAYS:
            start = time.process_time()
            run(way, model, x)
            pair.append(time.process_time() - start)
        spent.append(pair[0])
        ratios.append(pair[0] / pair[1])
    return spent, ratios, float((kernels[0] - kernels[1]).abs().max() / kernels[1].abs().max())


def peak(way: str, name: str, n: int, threads: int) -> float:
    """Gigabytes of a process that makes one kernel."""
    torch.set_num_threads(threads)
    run(way, *case(name, n))
    return high_water()


def alone(function: Callable[..., object], *arguments: object) -> object:
    """In a process of its own."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(function, arguments)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", default=",".join(MODELS), help=f"of {', '.join(MODELS)}")
    parser.add_argument("--n", default="32,512,2000", help="inputs (default 32,512,2000)")
    parser.add_argument("--repeats", type=int, default=7, help="pairs of calls (default 7)")
    parser.add_argument("--threads", type=int, default=1, help="threads of torch (default 1)")
    options = parser.parse_args()
    print("model       n     ours ms   ours/theirs: min  median  max    GB ours  theirs  difference")
    for name in options.models.split(","):
        for n in map(int, options.n.split(",")):
            found = alone(times, name, n, options.repeats, options.threads)
            assert isinstance(found, tuple)
            spent, ratios, error = found
            memory = "  ".join(f"{alone(peak, way, name, n, options.threads):6.2f}" for way in WAYS)
            print(
                f"{name:8} {n:5} {1e3 * min(spent):11.1f} {min(ratios):18.2f} {statistics.median(ratios):7.2f} "
                f"{max(ratios):5.2f}    {memory}  {error:10.1e}",
                flush=True,
            )


if __name__ == "__main__":
    main()
