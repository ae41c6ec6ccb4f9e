"""Means of regions, binding ratios and asymmetry, by hand."""

from __future__ import annotations

import numpy as np
import pytest
from toy_heads import toy_head

torch = pytest.importorskip("torch", reason="torch (extra train) is not installed")

from deepgray.anatomy import Side, scheme  # noqa: E402
from deepgray.errors import AnatomyError  # noqa: E402
from deepgray.scan import LabelMap  # noqa: E402
from deepgray.simulate.spect_truth import (  # noqa: E402
    OCCIPITAL,
    Occipital,
    Tally,
    asymmetry,
    binding_ratios,
    label_tables,
    members,
    occipital,
    scan_ratios,
)
from deepgray.simulate.tissues import INDEX, TISSUES, tissue_lookup  # noqa: E402
from deepgray.simulate.whole_head import WholeHead  # noqa: E402


def tally(*samples: tuple[int, bool, float]) -> Tally:
    made = Tally()
    regions, left, activity = zip(*samples, strict=True)
    made.add(torch.tensor(regions), torch.tensor(left), torch.tensor(activity))
    return made


PERSON = tally(
    (INDEX["caudate/anterior caudate"], True, 5.0),
    (INDEX["caudate/posterior caudate"], True, 3.0),
    (INDEX["caudate/anterior caudate"], False, 2.0),
    (INDEX["putamen/ventral striatum"], False, 6.0),
    (INDEX["cerebellar cortex"], True, 0.5),
    (INDEX["cerebellar white matter"], False, 1.5),
    (INDEX["fourth ventricle"], True, 0.0),
    (OCCIPITAL, False, 0.5),
    (INDEX["cortex"], True, 1.5),
)


def test_binding_ratios_are_means_over_a_reference_less_one() -> None:
    found = binding_ratios(PERSON, has_parts=True)
    cerebellum = found["cerebellum"]
    assert cerebellum["left caudate"] == pytest.approx(4.0 / 1.0 - 1)
    assert cerebellum["right caudate"] == pytest.approx(1.0)
    assert cerebellum["right striatum"] == pytest.approx((2.0 + 6.0) / 2 - 1)
    assert cerebellum["left posterior caudate"] == pytest.approx(2.0)
    assert cerebellum["right ventral striatum"] == pytest.approx(5.0)
    assert "left putamen" not in cerebellum  # nothing of it is there
    assert found["occipital cortex"]["left caudate"] == pytest.approx(7.0)
    # cortex and cerebellum, without ventricle and striatum: (0.5 + 1.5 + 0.5 + 1.5) / 4
    assert found["brain without striatum"]["left caudate"] == pytest.approx(3.0)
    assert "left anterior caudate" not in binding_ratios(PERSON, has_parts=False)["cerebellum"]


def test_without_a_reference_there_is_no_ratio() -> None:
    found = binding_ratios(
        tally((INDEX["caudate/anterior caudate"], True, 5.0), (OCCIPITAL, True, 1.0)), has_parts=False
    )
    assert found["cerebellum"] == {}
    assert found["occipital cortex"] == {"left caudate": 4.0, "left striatum": 4.0}


def test_asymmetry_is_the_difference_over_the_sum() -> None:
    found = asymmetry({"left caudate": 3.0, "right caudate": 1.0, "left putamen": 1.0, "left striatum": -1.0})
    assert found == {"caudate": 50.0}
    assert asymmetry({"left putamen": -1.0, "right putamen": 0.5}) == {}


def test_members_never_come_from_outside_the_brain() -> None:
    brain = members("brain without striatum")
    for number, tissue in enumerate(TISSUES):
        if not tissue.inside_brain or tissue.family == "fluid" or tissue.name.startswith(("caudate/", "putamen/")):
            assert not brain[number], tissue.name
    assert brain[INDEX["cortex"]]
    assert brain[OCCIPITAL]
    assert not members("occipital cortex")[INDEX["cortex"]]


def test_labels_of_a_scheme_by_region() -> None:
    left, right = label_tables("striatum")
    assert (int(left[INDEX["external pallidum"]]), int(right[INDEX["internal pallidum"]])) == (13, 52)
    assert int(left[INDEX["caudate/ventral striatum"]]) == 11
    left, right = label_tables("striatum12")
    assert (int(left[INDEX["caudate/ventral striatum"]]), int(right[INDEX["putamen/ventral putamen"]])) == (101, 112)
    left, right = label_tables("spect-reference")
    assert (int(left[OCCIPITAL]), int(right[OCCIPITAL])) == (31, 32)
    assert int(left[INDEX["cerebellar white matter"]]) == 23
    assert int(left[INDEX["cortex"]]) == 0


def test_the_occipital_cortex_is_the_hindmost_fifth() -> None:
    labels, affine = toy_head(3.0)
    tissues = tissue_lookup("freesurfer", Side.LEFT)[labels]
    found = occipital(WholeHead("toy", tissues, affine, {}, has_parts=False))
    # the toy's cortex reaches from y = -96 to 60 mm
    assert found.front_mm == pytest.approx(-96 + 156 / 5, abs=3)
    assert found.front_mm > -96


def test_only_cortex_behind_and_at_the_height_counts_as_occipital() -> None:
    cortex, white = INDEX["cortex"], INDEX["white matter"]
    points = torch.tensor([[20.0, -80, 0], [20.0, -60, 0], [20.0, -80, 50], [20.0, -80, 0]])
    found = Occipital(-70.0).regions(torch.tensor([cortex, cortex, cortex, white], dtype=torch.uint8), points)
    assert found.tolist() == [OCCIPITAL, cortex, cortex, white]


def test_a_head_without_cortex_is_refused() -> None:
    with pytest.raises(AnatomyError, match="toy has none"):
        occipital(WholeHead("toy", np.zeros((9, 9, 9), np.uint8), np.eye(4), {}, has_parts=False))


def test_ratios_in_a_scan_leave_out_what_is_not_there() -> None:
    labels, reference = np.zeros((2, 2, 4), np.int16), np.zeros((2, 2, 4), np.int16)
    labels[0, 0, 0], reference[:, :, 3], reference[:, :, 2] = 11, 23, 31
    voxels = np.ones((2, 2, 4), np.float32)
    voxels[0, 0, 0], voxels[:, :, 2] = 3.0, 0.0
    found = scan_ratios(
        voxels,
        LabelMap(labels, np.eye(4), scheme("striatum4")),
        LabelMap(reference, np.eye(4), scheme("spect-reference")),
    )
    assert found == {"cerebellum": {"left caudate": 2.0}}  # the occipital cortex is dark
