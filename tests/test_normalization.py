"""Statistics in one pass: the same as over all values at once, saved, and refused if unfit."""

import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from fundus_utils import normalization, storage
from fundus_utils.augmentation import Ranges, augment, split
from fundus_utils.errors import FundusError
from fundus_utils.normalization import (
    RunningStatistics,
    augmented_statistics,
    load_statistics,
    normalize,
    photograph_statistics,
    save_statistics,
)

values = st.floats(-1000, 1000, allow_subnormal=False)


def pictures(n_channels: int = 1) -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    found = []
    for _ in range(3):
        image = rng.integers(20, 200, (24, 30, n_channels), np.uint8)
        masks = np.zeros((24, 30, 2), np.uint8)
        masks[4:20, 5:25] = 255
        found.append(np.concatenate([image * (masks[..., :1] > 0), masks], axis=2))
    return found


def test_by_hand() -> None:
    # 1, 2, 3, 6: mean 3, squared distances 4 + 1 + 0 + 9 = 14
    statistics = RunningStatistics()
    for part in ([1, 2], [3, 6]):
        statistics.add(np.array(part))
    assert (statistics.count, statistics.mean, statistics.m2) == (4, 3, 14)
    assert statistics.std == pytest.approx(np.sqrt(14 / 4))


@given(st.lists(st.lists(values), min_size=1).filter(any))
def test_any_partition_gives_the_statistics_of_all(parts: list[list[float]]) -> None:
    added = RunningStatistics()
    merged = RunningStatistics()
    for part in parts:
        own = RunningStatistics()
        own.add(np.array(part))
        merged.merge(own)
        added.add(np.array(part))
    together = np.concatenate(parts)
    for statistics in (added, merged):
        assert statistics.count == len(together)
        assert statistics.mean == pytest.approx(together.mean(), abs=1e-9)
        assert statistics.std == pytest.approx(together.std(), abs=1e-6)


@given(
    hnp.arrays(np.float64, st.tuples(st.integers(1, 12), st.just(2), st.just(3)), elements=values),
    st.integers(0, 12),
)
def test_every_pixel_keeps_its_own_statistics(samples: np.ndarray, cut: int) -> None:
    statistics = RunningStatistics()
    statistics.add(samples[:cut])
    statistics.add(samples[cut:])
    assert statistics.mean.shape == (2, 3)
    np.testing.assert_allclose(statistics.mean, samples.mean(axis=0), atol=1e-9)
    np.testing.assert_allclose(statistics.std, samples.std(axis=0), atol=1e-6)


def test_far_from_zero_nothing_is_lost() -> None:
    statistics = RunningStatistics()
    for value in (1e9 + 4, 1e9 + 7, 1e9 + 13, 1e9 + 16):
        statistics.add(np.array([value]))
    assert statistics.m2 == 90


def test_nothing_added_changes_nothing() -> None:
    statistics = RunningStatistics()
    statistics.add(np.array([]))
    assert statistics.count == 0
    assert np.isnan(statistics.std)
    statistics.add(np.array([2, 4]))
    statistics.add(np.array([]))
    statistics.merge(RunningStatistics())
    assert (statistics.count, statistics.mean, statistics.std) == (2, 3, 1)


def test_number_of_threads_changes_no_bit(monkeypatch: pytest.MonkeyPatch) -> None:
    found = []
    for threads in (1, 2, 5, 2):
        pool = ThreadPoolExecutor(threads)
        with monkeypatch.context() as patch:
            patch.setattr(normalization, "ThreadPoolExecutor", lambda _, pool=pool: pool)
            found.append(augmented_statistics(pictures(), count=130, seed=4, progress=False))
        assert pool._shutdown, "it was not used"
    assert all(statistics == found[0] for statistics in found)
    other = augmented_statistics(pictures(), count=130, seed=5, progress=False)
    assert other.mean != found[0].mean


@pytest.mark.parametrize("inside_fov", [True, False])
@pytest.mark.parametrize("n_channels", [1, 2])
def test_one_pass_equals_brute_force(inside_fov: bool, n_channels: int) -> None:
    merged = pictures(n_channels)
    statistics = augmented_statistics(
        merged,
        count=60,
        seed=4,
        n_channels=n_channels,
        ranges=Ranges(),
        inside_fov=inside_fov,
        progress=False,
    )
    kept = []
    for i in range(60):
        rng = np.random.default_rng([4, i])
        moved = augment(merged[i % 3], rng, Ranges(), n_channels)
        image, _, fov = split(moved, n_channels)
        counted = image[fov] if inside_fov else image
        kept.append(counted.ravel() / 255)
    together = np.concatenate(kept)
    assert statistics.count == together.size
    if not inside_fov:
        assert together.size == 60 * 24 * 30 * n_channels
    assert statistics.mean == pytest.approx(together.mean(), rel=1e-12)
    assert statistics.std == pytest.approx(together.std(), rel=1e-12)


def test_the_black_surround_lowers_the_mean() -> None:
    inside = augmented_statistics(pictures(), 30, inside_fov=True, progress=False)
    everything = augmented_statistics(pictures(), 30, inside_fov=False, progress=False)
    assert everything.mean < inside.mean
    assert everything.count > inside.count


def test_statistics_are_those_of_an_augmentation_of_ones_own() -> None:
    calls = []

    def white(merged: np.ndarray, rng: np.random.Generator, ranges: None, **more) -> np.ndarray:
        calls.append(more)
        return np.full_like(merged, 255)

    statistics = augmented_statistics(pictures(), 30, progress=False, augment=white)
    assert (statistics.mean, statistics.std) == (1, 0)
    assert statistics.count == 30 * 24 * 30
    assert calls == [{"n_channels": 1}] * 30


def saved(folder: Path, mean: float = 0.3, std: float = 0.2) -> dict:
    return {"channels": ["green"], "sha256": save_statistics(folder, mean, std)}


def test_saved_statistics_are_read_back(tmp_path: Path) -> None:
    card = saved(tmp_path, 1 / 3, np.float64(0.1))
    assert load_statistics(tmp_path, card, ["green"]) == (1 / 3, 0.1)
    assert {path.name for path in tmp_path.iterdir()} == {"mean.npy", "std.npy"}


def test_statistics_of_another_channel_are_refused(tmp_path: Path) -> None:
    with pytest.raises(FundusError, match=re.escape(str(tmp_path)) + ".*green, not of red, green"):
        load_statistics(tmp_path, saved(tmp_path), ["red", "green"])


@pytest.mark.parametrize("name", ["mean.npy", "std.npy"])
def test_missing_or_changed_file_is_named(name: str, tmp_path: Path) -> None:
    card = saved(tmp_path)
    np.save(tmp_path / name, np.float64(0.5))
    with pytest.raises(FundusError, match=re.escape(str(tmp_path / name)) + " is not the file"):
        load_statistics(tmp_path, card, ["green"])
    (tmp_path / name).unlink()
    with pytest.raises(FundusError, match=re.escape(str(tmp_path / name)) + " is missing"):
        load_statistics(tmp_path, card, ["green"])


@pytest.mark.parametrize("std", [0.0, -0.1, float("nan")])
def test_std_that_divides_nothing_is_refused(std: float, tmp_path: Path) -> None:
    card = saved(tmp_path, std=std)
    assert card["sha256"]["std.npy"] == storage.sha256(tmp_path / "std.npy")
    with pytest.raises(FundusError, match=re.escape(str(tmp_path / "std.npy")) + " holds"):
        load_statistics(tmp_path, card, ["green"])


def test_normalized_image_has_mean_0_and_std_1() -> None:
    image = np.random.default_rng(0).integers(0, 256, (50, 60, 1), np.uint8)
    normalized = normalize(image, *photograph_statistics(image, np.ones((50, 60), bool)))
    assert normalized.dtype == np.float32
    assert normalized.shape == image.shape
    assert normalized.mean() == pytest.approx(0, abs=1e-4)
    assert normalized.std() == pytest.approx(1, abs=1e-4)


def test_photograph_statistics_count_the_field_of_view_alone() -> None:
    image = np.array([[0, 51], [153, 255]], np.uint8)[..., None]
    fov = np.array([[False, True], [True, False]])
    assert photograph_statistics(image, fov) == pytest.approx((0.4, 0.2))


def test_even_or_empty_photograph_can_still_be_normalized() -> None:
    image = np.full((4, 4, 1), 90, np.uint8)
    for fov in (np.ones((4, 4), bool), np.zeros((4, 4), bool)):
        mean, std = photograph_statistics(image, fov)
        assert np.isfinite(normalize(image, mean, std)).all()
    assert photograph_statistics(image, np.zeros((4, 4), bool)) == (0, 1)
