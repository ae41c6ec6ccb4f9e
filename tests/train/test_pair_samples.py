"""A user's pairs become samples: seen as outline sees them, the right side mirrored in, moved and bent."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.transform import Rotation
from toy_heads import grid_around, labels_at

torch = pytest.importorskip("torch", reason="torch (extra train) is not installed")

from drawing_networks import recipe_of  # noqa: E402

from deepgray import models  # noqa: E402
from deepgray.anatomy import HEMISPHERES, Scheme, scheme  # noqa: E402
from deepgray.errors import FieldOfViewError, NoHeadError, SettingsError  # noqa: E402
from deepgray.result import Pose  # noqa: E402
from deepgray.scan import LabelMap, Scan  # noqa: E402
from deepgray.space import Affine, apply_affine, inverse  # noqa: E402
from deepgray.train import pair_samples as room  # noqa: E402
from deepgray.train.pair_samples import PairSamples, found_pose, hold_out, sides_of  # noqa: E402
from deepgray.train.pairs import Pair  # noqa: E402
from deepgray.voxels.intensity import normalise  # noqa: E402
from deepgray.voxels.resample import to_frame  # noqa: E402

torch.set_num_threads(1)
RECIPE = recipe_of("striatum-outline", spacing_mm=2.0, low_mm=(-36.0, -16.0, -12.0), high_mm=(0.0, 20.0, 24.0))
STRIATUM = scheme("striatum")


def posed(degrees: float = 12.0) -> Affine:
    """Canonical from world: turned and shifted."""
    pose = np.eye(4)
    pose[:3, :3] = Rotation.from_euler("zx", [degrees, 5], degrees=True).as_matrix()
    pose[:3, 3] = (2, -3, 4)
    return pose


def pair_of(pose: Affine, spacing: tuple[float, float, float] = (1.5, 2.0, 2.5), labels: Scheme = STRIATUM) -> Pair:
    """The toy head's nuclei, brighter to the right; its first axis runs to the left."""
    grid = grid_around((0, 0, 5), (110, 80, 80), spacing)
    flip = np.diag([-1.0, 1, 1, 1])
    flip[0, 3] = grid.shape[0] - 1
    affine = inverse(pose) @ grid.affine_ras @ flip
    points = apply_affine(pose @ affine, np.moveaxis(np.indices(grid.shape), 0, -1))
    found = labels_at(points)
    found[~np.isin(found, list(labels.by_label()))] = 0
    image = (100 + points[..., 0] + 40 * (found > 0)).astype(np.float32)
    return Pair("toy", "toy", Scan(image, affine, "toy", sha256="ab" * 32), LabelMap(found, affine, labels))


@pytest.mark.parametrize("spacing", [(1.5, 2.0, 2.5), (1.0, 0.9, 1.0)])
def test_sides_are_seen_as_outline_sees_them(spacing: tuple[float, float, float]) -> None:
    pair, pose = pair_of(posed(), spacing), posed()
    sides = sides_of(pair, pose, RECIPE)
    assert [s.name for s in sides] == ["toy-left", "toy-right"]
    frame = RECIPE.box.grid(RECIPE.spacing_mm)
    coarse = LabelMap(np.ones((2, 2, 2), np.uint8), np.eye(4), scheme("coarse"))
    for side, sample in zip(HEMISPHERES, PairSamples(sides, RECIPE).plain(), strict=True):
        from_frame = Pose(pose, 1.0, coarse).world_from_side(side)
        seen = to_frame(pair.scan.voxels, pair.scan.affine_ras, frame, world_from_frame=from_frame)
        np.testing.assert_allclose(sample.inputs[0].numpy(), normalise(seen, "percentiles"), atol=1e-3)
        names = {s.label: 1 + RECIPE.outputs.index(s.name) for s in STRIATUM.structures if s.side == side}
        truth = labels_at(
            apply_affine(pose @ from_frame @ frame.affine_ras, np.moveaxis(np.indices(frame.shape), 0, -1))
        )
        target = sample.target.numpy()
        for label, number in names.items():
            wanted, got = truth == label, target == number
            assert 2 * (wanted & got).sum() / (wanted.sum() + got.sum()) > 0.85, (side, label)


def test_labels_of_the_other_side_are_background() -> None:
    wide = replace(RECIPE, high_mm=(36.0, 20.0, 24.0))
    sample = PairSamples(sides_of(pair_of(np.eye(4)), np.eye(4), wide), wide).plain()[0]
    assert (sample.target[:18] > 0).any()
    assert not (sample.target[18:] > 0).any()


def test_samples_differ_and_stay_in_shape() -> None:
    samples = PairSamples(sides_of(pair_of(np.eye(4)), np.eye(4), RECIPE), RECIPE)
    torch.manual_seed(0)
    one, other = samples.draw(), next(iter(samples))
    assert one.inputs.shape == (1, 18, 18, 18)
    assert one.target.shape == one.inside.shape == (18, 18, 18)
    assert one.inside.dtype == torch.bool
    assert set(one.target.unique().tolist()) == {0, 1, 2, 3, 4}
    assert not torch.equal(one.inputs, other.inputs)
    assert samples.drawn == 1


def test_outside_the_field_of_view_nothing_is_judged() -> None:
    pair = pair_of(np.eye(4))
    cut = slice(0, None), slice(0, None), slice(0, 18)  # up to z = 7.5 mm
    part = Pair(
        "toy", "toy", Scan(np.ascontiguousarray(pair.scan.voxels[cut]), pair.scan.affine_ras, "toy"),
        LabelMap(pair.labels.voxels[cut], pair.scan.affine_ras, STRIATUM),
    )  # fmt: skip
    sample = PairSamples(sides_of(part, np.eye(4), RECIPE), RECIPE).plain()[0]
    heights = apply_affine(RECIPE.box.grid(2.0).affine_ras, np.array([[0, 0, n] for n in range(18)]))[:, 2]
    top = apply_affine(part.scan.affine_ras, [0, 0, 17])[2]
    inside = sample.inside.numpy()
    assert inside[:, :, heights < top].all()
    assert not inside[:, :, heights > top + 1.25].any()
    assert not (sample.target[~sample.inside] > 0).any()


def test_a_side_without_labels_is_no_sample() -> None:
    pair = pair_of(np.eye(4))
    left = np.where(np.isin(pair.labels.voxels, [11, 12, 13, 26]), pair.labels.voxels, 0)
    only = replace(pair, labels=LabelMap(left, pair.labels.affine_ras, STRIATUM))
    assert [s.name for s in sides_of(only, np.eye(4), RECIPE)] == ["toy-left"]


def test_labels_outside_the_box_are_refused() -> None:
    away = np.eye(4)
    away[2, 3] = 60.0
    with pytest.raises(FieldOfViewError, match=r"toy: labels inside the box .* 0 % of them are"):
        sides_of(pair_of(np.eye(4)), away, RECIPE)


def test_people_are_held_out_never_scans() -> None:
    people = ["a", "a", "b", "c", "d", "e"]
    assert len(hold_out(people, (), 0.2)) == 1
    assert hold_out(people, (), 0.2) == hold_out(people[::-1], (), 0.2)
    assert hold_out(people, ("b", "e"), 0.2) == {"b", "e"}


@pytest.mark.parametrize(("people", "words"), [(["a", "a"], ()), (["a", "b"], ("x",)), (["a", "b"], ("a", "b"))])
def test_nobody_left_is_refused(people: list[str], words: tuple[str, ...]) -> None:
    with pytest.raises(SettingsError, match=r"Scans of some people to train on"):
        hold_out(people, words, 0.2)


class Locator:
    """What is asked of a model: its checksum."""

    sha256 = "cd" * 32


def test_a_pose_is_found_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pair, asked = pair_of(posed()), []

    def seen(scan: Scan, model: models.Model) -> Pose:
        asked.append(scan.stem)
        coarse = LabelMap(np.ones((2, 2, 2), np.uint8), np.eye(4), scheme("coarse"))
        return Pose(posed(), 1.0, coarse)

    monkeypatch.setattr(room, "locate", seen)
    for _ in range(2):
        np.testing.assert_allclose(found_pose(pair, Locator(), tmp_path / "cache"), posed())  # type: ignore[arg-type]
    assert asked == ["toy"]


def nowhere(text: str) -> Callable[..., Pose]:
    def seen(scan: Scan, model: models.Model) -> Pose:
        raise NoHeadError(text)

    return seen


def test_where_no_head_is_found_the_labels_tell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "locate", nowhere("no head"))
    pose = found_pose(pair_of(posed()), Locator(), tmp_path)  # type: ignore[arg-type]
    turned = pose @ inverse(posed())
    assert np.degrees(np.arccos((np.trace(turned[:3, :3]) - 1) / 2)) < 6  # the toy head is a heap of ellipsoids
    assert np.linalg.norm(turned[:3, 3]) < 6


def test_where_the_labels_do_not_tell_it_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "locate", nowhere("no head"))
    pair = pair_of(posed())
    nuclei = scheme("midbrain6")
    red = replace(pair, labels=LabelMap(np.where(pair.labels.voxels == 11, 401, 0), pair.scan.affine_ras, nuclei))
    with pytest.raises(NoHeadError, match=r"toy: no head"):
        found_pose(red, Locator(), tmp_path)  # type: ignore[arg-type]
