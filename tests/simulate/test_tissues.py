from __future__ import annotations

import numpy as np
import pytest

from deepgray.anatomy import HEMISPHERES, Side, scheme
from deepgray.simulate.tissues import INDEX, SOURCES, TISSUES, WHOLE, output_lookup, tissue_lookup

# FreeSurfer's and the Harvard-Oxford atlas's numbers, left and right, as their tables list them.
SIDED = {
    "freesurfer": {"caudate": (11, 50), "putamen": (12, 51), "accumbens": (26, 58), "external pallidum": (13, 52)},
    "hoa2": {"caudate": (9, 10), "putamen": (11, 12), "accumbens": (7, 8), "external pallidum": (13, 14)},
}
OTHERS = {
    "caudate": "other caudate",
    "putamen": "other putamen",
    "accumbens": "other accumbens",
    "external pallidum": "other pallidum",
}
SHARED = {
    "freesurfer": {2: "white matter", 41: "white matter", 42: "cortex", 14: "third ventricle", 49: "thalamus"},
    "hoa2": {1: "lateral ventricle", 3: "cerebrospinal fluid", 17: "thalamus", 15: "brainstem"},
}
ALL_OUTPUTS = tuple(s.name for s in (*scheme("striatum").of_side(Side.LEFT), *scheme("striatum12").of_side(Side.LEFT)))


@pytest.mark.parametrize("source", list(SOURCES))
@pytest.mark.parametrize("side", HEMISPHERES)
def test_each_side_sees_its_own_nuclei_and_the_others_as_others(source: str, side: Side) -> None:
    table = tissue_lookup(source, side)
    own = 0 if side is Side.LEFT else 1
    for name, pair in SIDED[source].items():
        assert table[pair[own]] == INDEX[WHOLE.get(name, name)]
        assert table[pair[1 - own]] == INDEX[OTHERS[name]]


@pytest.mark.parametrize("source", list(SOURCES))
@pytest.mark.parametrize("side", HEMISPHERES)
def test_what_has_no_side_is_the_same_from_both(source: str, side: Side) -> None:
    table = tissue_lookup(source, side)
    assert table[0] == INDEX["air"]
    assert {number: TISSUES[table[number]].name for number in SHARED[source]} == SHARED[source]


def test_a_label_without_a_tissue_is_air() -> None:
    assert tissue_lookup("freesurfer", Side.LEFT)[[77, 251, 600]].tolist() == [0, 0, 0]


@pytest.mark.parametrize("source", list(SOURCES))
@pytest.mark.parametrize("side", HEMISPHERES)
def test_structures_of_the_other_side_are_background_to_every_network(source: str, side: Side) -> None:
    tissues, channels = tissue_lookup(source, side), output_lookup(ALL_OUTPUTS)
    other = 1 if side is Side.LEFT else 0
    for pair in SIDED[source].values():
        assert channels[tissues[pair[other]]] == 0
        assert channels[tissues[pair[1 - other]]] > 0


def test_channels_of_the_outline() -> None:
    table = output_lookup(("caudate", "putamen", "accumbens", "pallidum"))
    channel = {t.name: int(table[n]) for n, t in enumerate(TISSUES)}
    assert channel["caudate/ventral striatum"] == channel["caudate/anterior caudate"] == 1
    assert channel["putamen/ventral striatum"] == channel["putamen/posterior putamen"] == 2
    assert channel["accumbens/ventral striatum"] == 3
    assert channel["external pallidum"] == channel["internal pallidum"] == 4
    assert channel["claustrum"] == channel["white matter"] == channel["air"] == 0


def test_the_ventral_striatum_takes_its_share_of_three_compartments() -> None:
    table = output_lookup(("ventral striatum", "anterior caudate"))
    found = {TISSUES[n].name for n in np.flatnonzero(table == 1)}
    assert found == {"caudate/ventral striatum", "putamen/ventral striatum", "accumbens/ventral striatum"}
    assert {TISSUES[n].name for n in np.flatnonzero(table == 2)} == {"caudate/anterior caudate"}


def test_the_ventral_diencephalon_holds_its_nuclei() -> None:
    table = output_lookup(("thalamus", "ventral diencephalon"))
    held = {tissue.name for tissue, channel in zip(TISSUES, table, strict=True) if channel == 2}
    assert held == {"ventral diencephalon", "red nucleus", "substantia nigra", "subthalamic nucleus"}


def test_one_half_of_the_pallidum_can_be_asked_for() -> None:
    table = output_lookup(("internal pallidum",))
    assert [TISSUES[n].name for n in np.flatnonzero(table)] == ["internal pallidum"]


def test_brain_extraction_takes_away_air_skull_and_skin() -> None:
    outside = {t.name for t in TISSUES if not t.inside_brain}
    assert {"air", "skin", "cortical bone", "cancellous bone", "eye", "muscle"} <= outside
    assert not {"cerebrospinal fluid", "brainstem", "cortex", "vessel"} & outside


def test_names_are_unique_and_air_is_nought() -> None:
    assert len(INDEX) == len(TISSUES)
    assert INDEX["air"] == 0
