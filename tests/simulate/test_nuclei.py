"""Small nuclei put into heads: distances, places, gaps, folds."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from deepgray.simulate.nuclei import (
    DENTATE,
    MIDBRAIN,
    NO_VARIETY,
    Nucleus,
    Placing,
    Variety,
    nuclei_of,
    place_dentate,
    place_midbrain,
    without,
)
from deepgray.simulate.tissues import INDEX
from deepgray.space import Grid, apply_affine

SPACING = 0.8
SHAPE = (50, 40, 30)
AFFINE = np.diag([SPACING, SPACING, SPACING, 1.0])
AFFINE[:3, 3] = (-40.0, -30.0, -20.0)
GRID = Grid(SHAPE, AFFINE)
PLACES = apply_affine(AFFINE, np.moveaxis(np.indices(SHAPE), 0, -1))
# name: label, centre mm, radius mm
BALLS = {
    "red nucleus": (1, (-18.0, -14.0, -8.0), 3.0),
    "substantia nigra": (2, (-23.5, -14.0, -8.0), 3.0),
    "subthalamic nucleus": (3, (-24.0, -14.0, -2.0), 2.0),
    "dentate nucleus": (4, (-20.0, -14.0, -8.0), 5.0),
}
NUMBERS = {name: (label,) for name, (label, _, _) in BALLS.items()}


def balls(names: tuple[str, ...]) -> dict[str, Nucleus]:
    labels = np.zeros(SHAPE, dtype=np.int16)
    for name in names:
        label, centre, radius = BALLS[name]
        labels[np.linalg.norm(PLACES - centre, axis=-1) < radius] = label
    return nuclei_of(labels, AFFINE, {name: NUMBERS[name] for name in names})


def placing(variety: Variety, *, seed: int = 1, centre: tuple[float, float, float] | None = None) -> Placing:
    middle = np.mean([BALLS[n][1] for n in MIDBRAIN], axis=0) if centre is None else np.array(centre)
    return Placing(GRID, middle, variety, np.random.default_rng(seed))


def filled(tissue: str) -> np.ndarray:
    return np.full(SHAPE, INDEX[tissue], dtype=np.uint8)


def volume_mm3(tissues: np.ndarray, *names: str) -> float:
    return float(np.isin(tissues, [INDEX[n] for n in names]).sum() * SPACING**3)


def test_the_distance_to_a_ball_is_known() -> None:
    ball = balls(DENTATE)["dentate nucleus"]
    np.testing.assert_allclose(ball.centre_mm, (-20, -14, -8), atol=0.3)
    places = apply_affine(ball.affine, np.moveaxis(np.indices(ball.distance_mm.shape), 0, -1))
    expected = np.linalg.norm(places - (-20, -14, -8), axis=-1) - 5.0
    np.testing.assert_allclose(ball.distance_mm, expected, atol=SPACING)


def test_what_is_not_there_is_not_found() -> None:
    assert nuclei_of(np.zeros(SHAPE, dtype=np.int16), AFFINE, NUMBERS) == {}


def test_a_tissue_gives_way_to_its_nearest_neighbour() -> None:
    tissues = filled("white matter")
    tissues[:25] = INDEX["brainstem"]
    tissues[23:28, 10:14] = INDEX["red nucleus"]
    found = without(tissues, ("red nucleus",), ("brainstem", "white matter"))
    assert set(np.unique(found)) == {INDEX["brainstem"], INDEX["white matter"]}
    assert found[23, 12, 5] == INDEX["brainstem"]
    assert found[27, 12, 5] == INDEX["white matter"]
    np.testing.assert_array_equal(without(found, ("red nucleus",), ("brainstem",)), found)


def test_nuclei_without_variety_are_where_they_were() -> None:
    found = place_midbrain(filled("brainstem"), balls(MIDBRAIN), placing(NO_VARIETY))
    red = PLACES[found == INDEX["red nucleus"]]
    np.testing.assert_allclose(red.mean(axis=0), (-18, -14, -8), atol=0.4)
    assert volume_mm3(found, "red nucleus") == pytest.approx(4 / 3 * np.pi * 27, rel=0.12)
    assert PLACES[found == INDEX["subthalamic nucleus"]][:, 2].mean() > -4


@pytest.mark.parametrize("seed", range(5))
def test_red_nucleus_and_nigra_never_touch(seed: int) -> None:
    found = place_midbrain(filled("brainstem"), balls(MIDBRAIN), placing(Variety(), seed=seed))
    red, nigra = (PLACES[found == INDEX[name]] for name in MIDBRAIN[:2])
    assert len(red) > 50
    assert len(nigra) > 50
    between = np.linalg.norm(red[:, None] - nigra[None], axis=-1).min()
    assert between > 1.2  # a gap of at least 0.8 mm: more than one voxel from centre to centre


def test_nuclei_do_not_stand_in_fluid() -> None:
    tissues = filled("brainstem")
    tissues[:, :, 15:] = INDEX["cerebrospinal fluid"]
    found = place_midbrain(tissues, balls(MIDBRAIN), placing(NO_VARIETY))
    np.testing.assert_array_equal(found[:, :, 15:], tissues[:, :, 15:])
    assert volume_mm3(found, "red nucleus") > 0


def test_the_same_generator_draws_the_same_nuclei() -> None:
    one, two, other = (
        place_midbrain(filled("brainstem"), balls(MIDBRAIN), placing(Variety(), seed=seed)) for seed in (3, 3, 4)
    )
    np.testing.assert_array_equal(one, two)
    assert (one != other).any()


def test_nuclei_go_where_they_are_wanted() -> None:
    found = place_dentate(filled("cerebellar white matter"), balls(DENTATE), placing(NO_VARIETY, centre=(-15, -10, -5)))
    whole = PLACES[np.isin(found, [INDEX["dentate nucleus"], INDEX["dentate nucleus/hilus"]])]
    np.testing.assert_allclose(whole.mean(axis=0), (-15, -10, -5), atol=0.3)


def test_the_dentate_is_a_sheet_around_its_hilus() -> None:
    variety = replace(NO_VARIETY, sheet_mm=(1.6, 1.61))
    where = placing(variety, centre=BALLS["dentate nucleus"][1])
    found = place_dentate(filled("cerebellar white matter"), balls(DENTATE), where)
    whole = volume_mm3(found, "dentate nucleus", "dentate nucleus/hilus")
    assert whole == pytest.approx(4 / 3 * np.pi * 5**3, rel=0.1)
    assert volume_mm3(found, "dentate nucleus/hilus") == pytest.approx(
        4 / 3 * np.pi * 3.4**3, rel=0.25
    )  # of 300 voxels


def test_folds_enlarge_the_surface_and_keep_the_volume() -> None:
    centre = BALLS["dentate nucleus"][1]
    smooth, folded = (
        place_dentate(
            filled("cerebellar white matter"),
            balls(DENTATE),
            placing(replace(NO_VARIETY, fold_mm=(depth, 3.5)), centre=centre),
        )
        != INDEX["cerebellar white matter"]
        for depth in (0.0, 1.2)
    )
    assert folded.sum() == pytest.approx(smooth.sum(), rel=0.1)
    faces = [sum(int((np.diff(mask.astype(int), axis=a) != 0).sum()) for a in range(3)) for mask in (smooth, folded)]
    assert faces[1] > 1.08 * faces[0]


def test_the_dentate_stays_out_of_the_brainstem() -> None:
    tissues = filled("cerebellar white matter")
    tissues[25:] = INDEX["brainstem"]
    where = placing(NO_VARIETY, centre=BALLS["dentate nucleus"][1])
    np.testing.assert_array_equal(place_dentate(tissues, balls(DENTATE), where)[25:], tissues[25:])


def test_a_dentate_in_pieces_keeps_the_share_that_was_drawn() -> None:
    tissues = filled("cerebellar white matter")
    whole = place_dentate(tissues, balls(DENTATE), placing(NO_VARIETY, centre=(-15, -10, -5)))
    lost = replace(NO_VARIETY, lost=0.4)
    shares = []
    for seed in range(8):
        found = place_dentate(tissues, balls(DENTATE), placing(lost, centre=(-15, -10, -5), seed=seed))
        part, all_of_it = found != tissues, whole != tissues
        assert not (part & ~all_of_it).any()
        shares.append(part.sum() / all_of_it.sum())
    assert min(shares) >= 0.58
    assert max(shares) <= 1.0
    assert max(shares) - min(shares) > 0.1
