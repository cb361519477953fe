"""Images and text of the user in the place of those that the checks train on."""

# ruff: noqa: E402  (the package's sampling half can be imported only where torch is)

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from click.testing import CliRunner

from checks.__main__ import main
from checks.claims.architectures import data as architectures_data
from checks.claims.generalization import data as generalization_data
from checks.claims.generalization.task import FULL, Course, Material
from checks.claims.generalization.training import history, identity
from checks.runner import document
from checks.settings import Settings
from checks.tools.data import sized
from glutheory.architectures import ARCHITECTURES

TINY = Material("vit-digits", train=16, test=24, batch=16, recipes=FULL.materials[0].recipes)
COURSE = Course(TINY, "adamw", "reglu", "test/0", 1)
WORDS = "Gated units multiply what plain ones only pass on, and every line here is another one: {}.\n"


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """120 images in the format of CIFAR-10, and a text."""
    folder = tmp_path_factory.mktemp("own")
    rng = np.random.default_rng(0)
    records = rng.integers(0, 256, size=(120, 3073), dtype=np.uint8)
    records[:, 0] = np.arange(120) % 10
    images, text = folder / "data_batch_1.bin", folder / "words.txt"
    images.write_bytes(records.tobytes())
    text.write_text("".join(WORDS.format(number) for number in range(200)), encoding="utf-8")
    return Settings(images=str(images), text=str(text))


def test_the_networks_take_the_size_of_the_images(own: Settings) -> None:
    size = sized("vit-digits", own)
    assert (size.image, size.channels, size.patch, size.outputs) == (32, 3, 4, 10)
    assert sized("gpt2-bytes", own) == ARCHITECTURES["gpt2-bytes"]
    assert sized("vit-digits", Settings()) == ARCHITECTURES["vit-digits"]


def test_they_are_trained_on_them(own: Settings) -> None:
    train, test = generalization_data.parts(COURSE, own)
    assert tuple(train.inputs.shape) == (16, 3, 32, 32)
    assert tuple(test.inputs.shape) == (24, 3, 32, 32)
    assert np.isfinite(history(COURSE, own)["losses"]).all()
    assert identity(COURSE, own) != identity(COURSE, replace(own, images="digits"))
    probe = architectures_data.data("vit-digits", True, 1, "cpu", own).probe
    assert tuple(probe.shape[1:]) == (3, 32, 32)
    words = architectures_data.data("gpt2-bytes", True, 1, "cpu", own)
    assert words.train is not None
    assert bytes(words.train[0][0].tolist()) in (Path(own.text).read_bytes())


def test_the_results_say_so_without_a_path(own: Settings) -> None:
    content = document([], own)
    assert "data_batch_1.bin" in content["images"]
    assert "words.txt" in content["text"]
    assert str(Path(own.images).parent) not in json.dumps(content)
    assert "images" not in document([], Settings())


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--images", "nowhere.bin", "--only", "generalization"), "nowhere.bin"),
        (("--text", "nowhere.txt", "--only", "architectures"), "nowhere.txt"),
        (("--text", "{text}", "--only", "angle"), "--only"),
        (("--text", "{text}", "--record"), "--record"),
        (("--images", "{oblong}", "--only", "generalization"), "square"),
        (("--images", "digits", "--list"), "--images"),
    ],
)
def test_bad_data_are_refused_before_anything_is_computed(
    own: Settings, tmp_path: Path, options: tuple[str, ...], words: str
) -> None:
    oblong = tmp_path / "oblong.npz"
    np.savez(oblong, images=np.zeros((20, 4, 6), dtype=np.uint8), labels=np.arange(20) % 2)
    given = [option.format(text=own.text, oblong=oblong) for option in options]
    found = CliRunner().invoke(main, given)
    assert found.exit_code == 2
    assert words in found.stderr
    assert "Traceback" not in found.stderr


@pytest.mark.slow
def test_the_command_on_own_data(own: Settings, tmp_path: Path) -> None:
    """Too little to say anything: no verdict is compared with the recorded ones."""
    rng = np.random.default_rng(1)
    labels = np.arange(1600) % 10
    pixels = np.clip(rng.normal(labels[:, None, None] / 10, 0.3, size=(1600, 8, 8)), 0, 1)
    np.savez(tmp_path / "own.npz", images=pixels.astype(np.float32), labels=labels)
    options = ("--only", "generalization", "--images", str(tmp_path / "own.npz"), "--text", own.text)
    found = CliRunner().invoke(main, [*options, "--jobs", "1", "--json", str(tmp_path / "x.json")])
    assert (found.exit_code, found.stderr) == (0, ""), found.stderr
    content = json.loads((tmp_path / "x.json").read_text(encoding="utf-8"))
    assert "own.npz" in content["images"]
