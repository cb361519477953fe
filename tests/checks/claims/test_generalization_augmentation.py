"""The check of trained transformers: images altered at random, against what each alteration is."""

# ruff: noqa: E402  (the checks need torch)

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the checks need torch")

from checks.claims.generalization import augmentation
from checks.claims.generalization.augmentation import AREA, ASPECT, ERASE, augmented

COUNT = 4000


def images(side: int, channels: int = 1, count: int = COUNT) -> Any:
    """Pixels of which no two of an image are equal, and none is black or 0."""
    generator = torch.Generator().manual_seed(0)
    return torch.rand((count, channels, side, side), generator=generator) * 0.9 + 0.05


def moved(images: np.ndarray, down: int, right: int) -> np.ndarray:
    """The images moved, black where nothing was."""
    side = images.shape[-1]
    found = np.full_like(images, -1.0)
    for row in range(max(down, 0), side + min(down, 0)):
        for column in range(max(right, 0), side + min(right, 0)):
            found[..., row, column] = images[..., row - down, column - right]
    return found


class TestAlterations:
    @pytest.mark.parametrize(("side", "pad"), [(8, 1), (32, 4)])
    def test_every_image_is_moved_and_has_at_most_a_rectangle_erased(self, side: int, pad: int) -> None:
        before = images(side, count=40 if side == 8 else 6)
        after = augmented(before, 1)
        assert after.shape == before.shape
        places = set()
        for old, new in zip(before.numpy(), after.numpy(), strict=True):
            erased = new[0] == 0
            fits = [
                (down, right)
                for down in range(-pad, pad + 1)
                for right in range(-pad, pad + 1)
                if np.array_equal(moved(old, down, right)[0][~erased], new[0][~erased])
            ]
            assert len(fits) == 1
            places |= set(fits)
            rows, columns = np.flatnonzero(erased.any(axis=1)), np.flatnonzero(erased.any(axis=0))
            assert erased.sum() == len(rows) * len(columns)
            if len(rows):
                assert np.ptp(rows) + 1 == len(rows) < side
                assert np.ptp(columns) + 1 == len(columns) < side
        assert len(places) > (8 if side == 8 else 4)

    def test_all_places_are_as_likely(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(augmentation, "ERASE", 0.0)
        before = images(8)
        after = augmented(before, 2)
        counts = [
            int((moved(before.numpy(), down, right) == after.numpy()).all(axis=(1, 2, 3)).sum())
            for down in (-1, 0, 1)
            for right in (-1, 0, 1)
        ]
        assert sum(counts) == COUNT
        # five standard deviations of a binomial count
        assert np.abs(np.array(counts) - COUNT / 9).max() < 5 * np.sqrt(COUNT / 9 * 8 / 9)

    def test_how_often_and_how_much_is_erased(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(augmentation, "PADDING", 0.0)
        side = 32
        shares = (augmented(images(side), 3) == 0).double().mean(dim=(1, 2, 3)).numpy()
        erased = shares > 0
        assert abs(erased.mean() - ERASE) < 5 * 0.5 / np.sqrt(COUNT)
        # the sides are rounded: by half a pixel each, of a rectangle at least sqrt(0.02 / 3.3) side = 2.5 pixels wide
        assert shares[erased].min() > AREA[0] * (1 - 0.5 / 2.5) ** 2
        assert shares.max() < AREA[1] * 1.1
        # uniform in the area, a little less: flat rectangles that are too long are drawn again
        spread = (AREA[1] - AREA[0]) / np.sqrt(12)
        assert abs(shares[erased].mean() - np.mean(AREA)) < 5 * spread / np.sqrt(erased.sum()) + 0.01

    def test_the_aspect_is_as_often_tall_as_flat(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(augmentation, "PADDING", 0.0)
        found = augmented(images(32), 4)[:, 0] == 0
        heights, widths = found.any(dim=2).sum(dim=1).double(), found.any(dim=1).sum(dim=1).double()
        logs = torch.log(heights / widths)[heights > 0].numpy()
        assert abs(logs.mean()) < 5 * logs.std() / np.sqrt(len(logs))
        # rounded: 3 pixels are written for 2.5, and 10 for 10.5
        assert np.abs(logs).max() < np.log(ASPECT[1] * 1.3)

    def test_images_with_colours_alone_are_flipped(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(augmentation, "ERASE", 0.0)
        monkeypatch.setattr(augmentation, "PADDING", 0.0)
        for channels, share in ((1, 0.0), (3, 0.5)):
            before = images(8, channels)
            after = augmented(before, 5)
            flipped = (after == before.flip(3)).flatten(1).all(dim=1).double().mean()
            kept = (after == before).flatten(1).all(dim=1).double().mean()
            assert flipped + kept == 1
            assert abs(float(flipped) - share) <= 5 * 0.5 / np.sqrt(COUNT) * (share > 0)

    def test_the_seed_decides(self) -> None:
        before = images(8, count=50)
        copy = before.clone()
        assert torch.equal(augmented(before, [1, 2]), augmented(before, [1, 2]))
        assert not torch.equal(augmented(before, [1, 2]), augmented(before, [1, 3]))
        assert torch.equal(before, copy)
