"""Slices show the head upright, with its left where the letters say."""

import numpy as np
import pytest
from report_results import CENTRES, HALF_MM, result

from deepgray.anatomy import Side
from deepgray.report.planes import Plane, View, index_from_canonical, sample_plane
from deepgray.report.shapes import extent_of, shapes_of


def _where(view: View, label: int) -> np.ndarray:
    """Mean row and column of a nucleus in a plane through its centre."""
    whole = result()
    mask = (whole.outline.labels.voxels == label).astype(np.float32)
    centre = CENTRES[Side.LEFT if label == 12 else Side.RIGHT]
    place = np.zeros(3)
    place["xyz".index(view.axis)] = centre["xyz".index(view.axis)]
    plane = Plane(view, tuple(place), 81.0, 61.0, 1.0)
    picture = sample_plane(mask, index_from_canonical(whole.scan, whole.pose), plane)
    assert picture.shape == (61, 81)
    return np.argwhere(picture > 0.5).mean(0)


# The picture's middle is row 30, column 40; the nuclei lie at x = ±15, y = 4, z = 2 mm.
@pytest.mark.parametrize(
    ("view", "label", "row", "column"),
    [
        (View.AXIAL, 12, 30 - 4, 40 + 15),  # left of the person: right in the picture; front: up
        (View.AXIAL, 51, 30 - 4, 40 - 15),
        (View.CORONAL, 12, 30 - 2, 40 + 15),
        (View.CORONAL, 51, 30 - 2, 40 - 15),
        (View.SAGITTAL, 12, 30 - 2, 40 - 4),  # front: left in the picture
    ],
)
def test_a_nucleus_appears_where_it_should(view: View, label: int, row: int, column: int) -> None:
    assert np.allclose(_where(view, label), [row, column], atol=0.8)


def test_a_block_gives_the_picture_of_the_whole() -> None:
    whole = result()
    matrix = index_from_canonical(whole.scan, whole.pose)
    plane = Plane(View.AXIAL, (3.0, 2.0, 1.0), 70.0, 60.0, 0.7)
    shape = next(s for s in shapes_of(whole.outline.labels) if s.name == "putamen")
    full = np.isin(whole.outline.labels.voxels, (12, 51)).astype(np.float32)
    block = sample_plane(shape.mask, matrix, plane, low=shape.low)
    assert shape.mask.size < full.size / 2
    assert np.array_equal(block, sample_plane(full, matrix, plane))
    assert block.max() == 1


def test_a_plane_beside_a_block_is_empty() -> None:
    whole = result()
    shape = shapes_of(whole.outline.labels)[0]
    plane = Plane(View.AXIAL, (0.0, 0.0, 40.0), 70.0, 60.0, 0.7)
    assert not sample_plane(shape.mask, index_from_canonical(whole.scan, whole.pose), plane, low=shape.low).any()


def test_labels_of_planes() -> None:
    assert Plane(View.SAGITTAL, (-15.2, 0.0, 0.0), 1.0, 1.0, 1.0).label == "x -15 mm"
    assert Plane(View.AXIAL, (0.0, 0.0, 8.0), 1.0, 1.0, 1.0).label == "z +8 mm"


def test_the_extent_is_canonical() -> None:
    whole = result()
    extent = extent_of(whole.outline.labels, whole.pose.canonical_from_world, Side.LEFT)
    assert extent is not None
    assert np.allclose(extent.centre_mm, CENTRES[Side.LEFT], atol=1.0)
    assert (np.array(extent.high_mm) - extent.low_mm < 2 * HALF_MM[Side.LEFT]).all()
