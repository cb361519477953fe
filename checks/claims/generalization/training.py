"""One network trained epoch by epoch, its state kept after each.

What an epoch does depends on the state before it and on (seed, epoch) alone, so that a training that was killed goes on
where it was and ends with the same numbers, bit for bit on the same machine.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, fields
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import numpy as np

from checks.claims.generalization.augmentation import augmented
from checks.claims.generalization.data import Part, origin, parts
from checks.claims.generalization.states import States
from checks.claims.generalization.task import Course, Recipe
from checks.settings import Settings
from checks.tools.checkpoints import remembered
from checks.tools.data import sized
from checks.tools.roads import one_thread
from glutheory.ground import store
from glutheory.ground.store import Arrays

if TYPE_CHECKING:
    import torch

#: Raised whenever the same course is trained in another way.
FORMAT = 2
#: Rows that are evaluated at once.
_ROWS = 256
#: What images are altered for; each has random numbers of its own.
_TRAINED, _MEASURED = 1, 2
#: The columns of a history.
COLUMNS = ("train", "test", "shuffled", "augmented", "running")


def history(course: Course, settings: Settings, after: Callable[[int], None] = lambda _: None) -> Arrays:
    """The losses of one network, from the folder of checkpoints if they are there.

    Args:
        course: which network, and how it is trained.
        settings: of the run.
        after: called after every epoch whose state is kept, with its number.

    Returns:
        "losses", shape (epochs + 1, 5): mean cross-entropy in nats at initialisation and after every epoch on the
        training data, on the test data, on these with their targets shuffled, and on the training data augmented anew;
        last the mean over the steps of the epoch, on what was trained on, at initialisation the same as before it.
        Without augmentation the fourth is the first. "parameters": how many there are.
    """
    key, folder = identity(course, settings), settings.checkpoints
    own = {"torch": version("torch"), **key}
    states = States(None if folder is None else folder / f"{store.name(own)}.state", own)
    # the order of a sum, and so the last digits, would depend on the number of threads
    with one_thread():
        found = remembered(folder, key, lambda: _train(course, settings, states, after))
    states.remove()
    return found


def identity(course: Course, settings: Settings) -> dict[str, Any]:
    """Everything that determines the training, in JSON types."""
    material = asdict(course.material)
    material["recipes"] = asdict(course.material.recipe(course.optimiser))
    size = sized(course.material.architecture, settings)
    # a size that is what it always was when there was none is not told: old checkpoints are read when one is added
    sizes = {item.name: value for item in fields(size) if (value := getattr(size, item.name)) != item.default}
    del sizes["source"]
    return {
        "what": "generalization",
        "training": FORMAT,
        "transformers": version("transformers"),
        "seed": settings.seed,
        "device": device(settings),
        "sizes": sizes,
        "material": material,
        "data": origin(course.material, settings),
        **{name: getattr(course, name) for name in ("network", "draw", "epochs")},
    }


def device(settings: Settings) -> str:
    """Where networks are trained: "cpu", or the device with the name of the GPU."""
    import torch

    if not settings.device.startswith("cuda"):
        return settings.device
    return f"{settings.device}, {torch.cuda.get_device_name(settings.device)}"


def _train(course: Course, settings: Settings, states: States, after: Callable[[int], None]) -> Arrays:
    import torch

    from glutheory.architectures import build

    # float32 everywhere: no TF32 where a GPU has it
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    train, test = parts(course, settings)
    seed = settings.stream(f"generalization/weights/{course.draw}")
    size = sized(course.material.architecture, settings)
    model = build(size, course.network, seed=seed, device=settings.device)
    optimiser = _optimiser(course.material.recipe(course.optimiser), model)
    order = settings.stream(f"generalization/order/{course.draw}")

    def altered(epoch: int, purpose: int) -> torch.Tensor:
        if not course.material.augmented:
            return train.inputs
        return augmented(train.inputs, [order, epoch, purpose])

    state = states.load(settings.device)
    if state is None:
        start = _losses(model, train, test, altered(0, _MEASURED))
        done, rows = 0, [[*start, start[-1]]]
    else:
        model.load_state_dict(state["model"])
        optimiser.load_state_dict(state["optimiser"])
        done, rows = state["epoch"], state["rows"]
    for epoch in range(done + 1, course.epochs + 1):
        inputs, running = altered(epoch, _TRAINED), 0.0
        indices = np.random.default_rng([order, epoch]).permutation(course.material.train)
        for batch in torch.split(torch.from_numpy(indices).to(settings.device), course.material.batch):
            optimiser.zero_grad()
            loss = _loss(model(inputs[batch]), train.targets[batch])
            torch.autograd.backward(loss)
            optimiser.step()
            running += float(loss.detach()) * len(batch) / course.material.train
        rows.append([*_losses(model, train, test, altered(epoch, _MEASURED)), running])
        kept = {"model": model.state_dict(), "optimiser": optimiser.state_dict(), "epoch": epoch, "rows": rows}
        states.save(kept)
        after(epoch)
    count = sum(parameter.numel() for parameter in model.parameters())
    return {"losses": np.array(rows), "parameters": np.array(float(count))}


def _optimiser(recipe: Recipe, model: torch.nn.Module) -> torch.optim.Optimizer:
    import torch

    options: dict[str, Any] = {"lr": recipe.rate, "weight_decay": recipe.decay, "fused": True}
    if recipe.optimiser == "sgd":
        return torch.optim.SGD(model.parameters(), momentum=recipe.momentum, **options)
    return torch.optim.AdamW(model.parameters(), **options)


def _loss(outputs: torch.Tensor, targets: torch.Tensor, reduction: str = "mean") -> torch.Tensor:
    """The cross-entropy over all rows, and over all positions where a row has several."""
    from torch.nn.functional import cross_entropy

    return cross_entropy(outputs.flatten(0, -2), targets.flatten(), reduction=reduction)


def _losses(model: torch.nn.Module, train: Part, test: Part, altered: torch.Tensor) -> list[float]:
    """On the training data, on the test data, on these with shuffled targets, and on the altered training data."""
    import torch

    rows = [(train.inputs, (train.targets,)), (test.inputs, (test.targets, test.shuffled))]
    if altered is not train.inputs:
        rows.append((altered, (train.targets,)))
    totals = []
    with torch.no_grad():
        for inputs, several in rows:
            outputs = torch.cat([model(few) for few in torch.split(inputs, _ROWS)])
            totals += [float(_loss(outputs.double(), targets)) for targets in several]
    return totals if altered is not train.inputs else [*totals, totals[0]]
