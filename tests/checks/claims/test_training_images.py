"""The two-layer task on images: the released protocols on files of their formats, and what stands in for them."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from click.testing import CliRunner

from checks.__main__ import main
from checks.claims.training import image_runs, image_task, images
from checks.claims.training.figure import on_pictures
from checks.claims.training.image_task import CIFAR10, MNIST, ImageTask
from checks.claims.training.measures import IMAGE_MUTANTS, Race, Statement
from checks.claims.training.statement import CLAIM
from checks.explain import reasons
from checks.settings import PROFILES, Settings
from checks.table import dropped
from checks.tools.training_task import NAMES, PAIRS
from glutheory.claims import About, Control, Evidence, Finding, Grade, Outcome, Verdict, decide
from glutheory.errors import DomainError
from tests.datasets.made_files import cifar_bytes, npz_bytes, random_set, write, write_mnist

FULL = PROFILES["full"]


def labelled(seed: int, count: int, *shape: int) -> tuple[Any, Any]:
    """Random images in ten classes, as many of each."""
    pixels, _ = random_set(seed, count, *shape)
    return pixels, (np.arange(count) % 10).astype(np.uint8)


@pytest.fixture(scope="module")
def mnist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """280 training images and 70 others, as MNIST's files."""
    folder = tmp_path_factory.mktemp("mnist")
    write_mnist(folder, *labelled(0, 280, 28, 28))
    write_mnist(folder, *labelled(1, 70, 28, 28), part="t10k", end=".gz")
    return folder


@pytest.fixture(scope="module")
def cifar(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("cifar") / "data_batch_1.bin", cifar_bytes(*labelled(2, 120, 3, 32, 32)))


def _never(*_: Any) -> Any:
    raise AssertionError("it was computed again")


class TestProtocols:
    def test_mnist_is_trained_on_as_released(self, mnist: Path) -> None:
        found = image_task.task(Settings(FULL, images=str(mnist)))
        assert (found.protocol, found.released) == (MNIST, True)
        assert (found.hidden, found.batch, found.rate, found.epochs) == (3136, 256, 1e-5, 150)
        assert found.scale == (0.1307, 0.3081)
        # 60000 of 70000, and of 350 as many
        assert (found.n, found.d, found.name) == (300, 784, "MNIST")
        assert found.width("reglu") == 3136 * 785 // (2 * 784 + 1)

    def test_cifar_as_well(self, cifar: Path) -> None:
        found = image_task.task(Settings(FULL, images=str(cifar)))
        assert (found.protocol, found.released) == (CIFAR10, True)
        assert (found.hidden, found.batch, found.rate, found.epochs) == (5120, 128, 3e-4, 150)
        assert (found.n, found.d, found.scale) == (100, 3072, None)
        assert found.early == 1

    def test_digits_at_the_ratios_of_mnist(self) -> None:
        found = image_task.task(Settings(FULL))
        assert not found.released
        assert found.hidden / found.d == MNIST.hidden / MNIST.inputs
        assert found.rate * found.hidden == pytest.approx(MNIST.rate * MNIST.hidden)
        assert found.n == round(1797 * 6 / 7)
        assert found.batch == round(found.n * MNIST.batch / MNIST.images)
        assert abs(found.total - 150 * 235) < 0.2 * 150 * 235
        # the same training time of the leading mode as MNIST at its early look
        assert found.early == round(1.75 / (1e-5 * 3136))

    def test_the_quick_profile_is_smaller_and_not_the_released_one(self, mnist: Path) -> None:
        for source in (str(mnist), "digits"):
            found = image_task.task(Settings(images=source))
            assert not found.released
            assert found.name.startswith("a part of MNIST" if source != "digits" else "scikit-learn's digits (1797)")
            assert (found.n, found.epochs) == (300, 8)
            assert found.hidden == 4 * found.d

    def test_images_of_other_sizes_take_the_ratios(self, tmp_path: Path) -> None:
        small = tmp_path / "small"
        small.mkdir()
        write_mnist(small, *labelled(3, 70, 14, 14))
        file = write(tmp_path / "own.npz", npz_bytes(images=labelled(4, 70, 10, 10)[0], labels=np.arange(70) % 7))
        for source, pixels in ((small, 196), (file, 100)):
            found = image_task.task(Settings(FULL, images=str(source)))
            assert (found.released, found.hidden, found.d) == (False, 4 * pixels, pixels)

    def test_what_differs_is_said(self) -> None:
        rows = images.differs(image_task.task(Settings(FULL)))
        assert rows["images trained on"] == "1540 (released: 60000), a random part of each class"
        assert rows["width"] == "256 for 64 inputs (released: 3136 for 784)"
        assert rows["batch"] == "7 (released: 256)"
        assert rows["rate"] == "0.0001225, times the width 0.03136 (released: 1e-05, 0.03136)"


class TestData:
    def test_pixels_are_normalised_and_labels_are_numbers(self, mnist: Path) -> None:
        settings = Settings(FULL, images=str(mnist))
        task = image_task.task(settings)
        pixels, labels = image_runs.data(task, settings, 0)
        assert pixels.shape == (300, 784)
        assert set(labels.tolist()) == set(map(float, range(10)))
        raw = pixels * np.float32(0.3081) + np.float32(0.1307)
        assert np.abs(raw * 255 - np.rint(raw * 255)).max() < 1e-3
        other, _ = image_runs.data(task, settings, 1)
        assert not np.array_equal(pixels, other)

    def test_others_by_their_own_mean_and_deviation(self) -> None:
        task = image_task.task(Settings())
        pixels, _ = image_runs.data(task, Settings(), 0)
        assert np.allclose([pixels.mean(), pixels.std()], [0, 1], atol=1e-5)

    def test_too_few_or_blank_images(self, tmp_path: Path) -> None:
        few = write(tmp_path / "few.npz", npz_bytes(images=labelled(0, 8, 4, 4)[0], labels=np.arange(8) % 2))
        with pytest.raises(DomainError, match=r"^the images of .* are 8: give at least 24"):
            image_task.task(Settings(images=str(few)))
        blank = write(
            tmp_path / "blank.npz", npz_bytes(images=np.zeros((40, 4, 4), np.uint8), labels=np.arange(40) % 2)
        )
        settings = Settings(images=str(blank))
        with pytest.raises(DomainError, match="all of one colour"):
            image_runs.data(image_task.task(settings), settings, 0)


#: Everything that is done, in less than a second.
def tiny(settings: Settings, **changes: Any) -> ImageTask:
    task = image_task.task(settings)
    # narrow networks: the first layer's gradients, in proportion to the inputs, are the larger part of the kernel
    small = {"n": 24, "hidden": 12, "batch": 10, "rate": 0.06 / task.d, "epochs": 4, "seeds": 3, "together": 2}
    return replace(task, **{**small, **changes})


class TestTraining:
    @pytest.mark.long
    @pytest.mark.parametrize("source", ["digits", "mnist", "cifar"])
    def test_every_network_is_trained(self, source: str, request: pytest.FixtureRequest) -> None:
        settings = Settings(images=source if source == "digits" else str(request.getfixturevalue(source)))
        task = tiny(settings)
        found = image_runs.curves(task, settings, False)
        assert set(found) == set(NAMES)
        assert task.total == 12
        for losses in found.values():
            assert losses.shape == (len(task.looks), 3)
            assert np.isfinite(losses).all()
        centred = image_runs.curves(task, settings, True)
        assert all(len(losses) == np.sum(task.looks <= task.early) for losses in centred.values())

    def test_the_mean_of_the_targets_is_subtracted_where_it_is_said(self) -> None:
        """The first loss, before any step; with the targets as they are it is another one."""
        from glutheory.sampling.training import Ensemble

        settings = Settings()
        task = tiny(settings, seeds=1)
        pixels, labels = image_runs.data(task, settings, 0)
        stream, width = settings.stream("training/image networks"), task.width("relu")
        nets = Ensemble("relu", inputs=task.d, width=width, seed=stream, draws=(0,), device=settings.device)
        outputs = nets.outputs(nets.inputs(pixels[None])).double().cpu().numpy()[0]
        for centred in (True, False):
            first = image_runs.curves(task, settings, centred)["relu"][0, 0]
            # in float32: sums of some hundred squares
            errors = [np.mean((outputs - (labels - mean)) ** 2) for mean in (labels.mean(), 0.0)]
            assert first == pytest.approx(errors[0 if centred else 1], rel=1e-4)
            assert abs(first / errors[1 if centred else 0] - 1) > 1e-2

    def test_the_losses_are_those_of_torchs_own_descent(self) -> None:
        """The network written with torch's layers, autograd and SGD, from the same weights and batches."""
        from glutheory.sampling.training import Ensemble

        settings = Settings()
        task = tiny(settings, seeds=1)
        nets = Ensemble(
            "relu", inputs=task.d, width=12, seed=settings.stream("training/image networks"), dtype=torch.float32
        )
        first, last = torch.nn.Linear(task.d, 12), torch.nn.Linear(12, 1)
        with torch.no_grad():
            first.weight.copy_(nets.weights[0][0].T)
            last.weight.copy_(nets.readout[0])
            first.bias.zero_()
            last.bias.zero_()
        model = torch.nn.Sequential(first, torch.nn.ReLU(), last, torch.nn.Flatten(0))
        pixels, labels = map(torch.from_numpy, image_runs.data(task, settings, 0))
        descent = torch.optim.SGD(model.parameters(), lr=task.rate)
        losses = []

        def look() -> None:
            with torch.no_grad():
                losses.append(float(torch.nn.functional.mse_loss(model(pixels), labels)))

        for epoch in range(task.epochs):
            order = np.random.default_rng([settings.stream("training/image order"), epoch]).permutation(task.n)
            for start in range(0, task.n, task.batch):
                look()
                index = order[start : start + task.batch]
                descent.zero_grad()
                torch.nn.functional.mse_loss(model(pixels[index]), labels[index]).backward()
                descent.step()
        look()
        mine = image_runs.curves(task, settings, False)["relu"][:, 0]
        assert np.allclose(mine, np.array(losses)[task.looks], rtol=1e-4)

    def test_the_grouping_changes_nothing(self) -> None:
        settings = Settings()
        one, two = (image_runs.curves(tiny(settings, together=k), settings, False) for k in (1, 3))
        assert all(np.allclose(one[name], two[name], rtol=1e-4) for name in NAMES)

    def test_a_killed_run_goes_on(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        kept = Settings(checkpoints=tmp_path)
        task = tiny(kept, seeds=1, epochs=1)
        first = image_runs.curves(task, kept, False)
        image_runs.curves.cache_clear()
        monkeypatch.setattr(image_runs, "_run", _never)
        again = image_runs.curves(task, kept, False)
        assert all(np.array_equal(first[name], again[name]) for name in NAMES)
        image_runs.curves.cache_clear()


def made(
    crosses: float = 2.0, seeds: int = 16, released: bool = False, protocol: image_task.Protocol = MNIST
) -> images.Found:
    """Races with a lead before this epoch, gone without the mean."""
    task = replace(image_task.task(Settings(FULL)), seeds=seeds, released=released, protocol=protocol)
    epoch = task.looks / task.steps
    noise = 0.02 * np.random.default_rng(0).standard_normal(seeds)
    gap = 0.4 * (1 - epoch[:, None] / crosses) + noise
    raw = {pair: Race(gap, epoch) for pair in PAIRS}
    before = task.looks <= task.early
    return images.Found(task, raw, {pair: Race(0.05 * gap[before], epoch[before]) for pair in PAIRS})


class TestEvidence:
    def test_true_statements_are_supported(self) -> None:
        found = made()
        for piece in (images.crossing(found, Statement()), images.lead(found, Statement())):
            assert (piece.finding, piece.about) == (Finding.SUPPORTS, About.CORRECTED)
            json.dumps(piece.figures, allow_nan=False)
        assert all(item.holds for item in images.assumptions(found))

    def test_only_the_released_protocol_judges_the_claim(self) -> None:
        assert images.crossing(made(released=True), Statement()).about is About.LITERAL

    def test_what_is_not_trained_on_is_not_judged(self) -> None:
        """The paper's figures show MNIST and CIFAR-10 as well: the Gaussian task alone is not its claim."""
        gaussian = Evidence(Grade.STATISTICAL, "the Gaussian task", Finding.SUPPORTS, part="crossing")
        caught = [Control("wrong", True, "by it")]
        mnist = images.crossing(made(released=True), Statement())
        cifar = images.crossing(made(released=True, protocol=CIFAR10), Statement())
        for pieces, verdict, left in (
            ([images.crossing(made(), Statement())], Verdict.INCONCLUSIVE, ["MNIST", "CIFAR-10"]),
            ([mnist], Verdict.INCONCLUSIVE, ["CIFAR-10"]),
            ([mnist, cifar], Verdict.HOLDS, []),
        ):
            evidence = (gaussian, *pieces)
            assert decide([], evidence, caught, CLAIM.parts) is verdict
            found = Outcome(CLAIM, (), evidence, tuple(caught), verdict, "")
            assert [part.name for part in found.dropped] == left
            assert all(f"{name} (not judged)" in dropped([found]) for name in left)
            assert not left or f"Open: {', '.join(f'{name} (not judged)' for name in left)}." in reasons(found)

    def test_wrong_statements_are_refuted(self) -> None:
        controls = images.controls(made(), IMAGE_MUTANTS)
        assert len(controls) == 4
        assert all(control.caught for control in controls), controls

    def test_curves_that_never_cross_refute(self) -> None:
        assert images.crossing(made(crosses=1e6), Statement()).finding is Finding.REFUTES

    def test_exchanged_networks_refute(self) -> None:
        found = made()
        wrong = replace(found, races={pair: replace(race, gap=-race.gap) for pair, race in found.races.items()})
        assert images.crossing(wrong, Statement()).finding is Finding.REFUTES

    def test_centred_targets_that_keep_the_lead_refute(self) -> None:
        found = made()
        assert images.lead(replace(found, centred=found.races), Statement()).finding is Finding.REFUTES

    def test_few_seeds_and_diverged_networks_are_told(self) -> None:
        assert not images.assumptions(made(seeds=4))[1].holds
        found = made()
        lost = {pair: replace(race, gap=np.full_like(race.gap, np.nan)) for pair, race in found.races.items()}
        assert not images.assumptions(replace(found, races=lost))[0].holds

    def test_the_chart(self) -> None:
        chart = on_pictures(made())
        assert len(chart.series) == 6
        assert "in place of MNIST" in chart.note


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("nowhere.bin", None, "nowhere.bin"),
        ("data_batch_1.bin", b"\x00" * 100, "truncated"),
        ("train-images-idx3-ubyte", b"\x00\x00\x08\x03", "less than its header"),
    ],
)
def test_bad_files_are_refused_in_one_sentence(tmp_path: Path, name: str, content: bytes | None, words: str) -> None:
    path = tmp_path / name
    if content is not None:
        write(path, content)
        write(tmp_path / "train-labels-idx1-ubyte", b"\x00\x00\x08\x01\x00\x00\x00\x01\x00")
    found = CliRunner().invoke(main, ["--only", "training", "--images", str(path)])
    assert found.exit_code == 2
    assert words in found.stderr
    assert "Traceback" not in found.stderr
    assert found.stderr.count("\n") == 1
