"""Susceptibilities of people and of tissue maps, and what a reconstruction on the fly leaves of them."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch (extra train) is not installed")

from deepgray.simulate import susceptibility  # noqa: E402
from deepgray.simulate.susceptibility import FAINTEST_PPM, NUCLEI, Reconstruction, draw_person  # noqa: E402
from deepgray.simulate.tissues import INDEX, TISSUES  # noqa: E402

torch.set_num_threads(1)
SHAPE = (24, 20, 16)


@pytest.fixture(autouse=True)
def seed() -> None:
    torch.manual_seed(5)


def drawn(name: str, *, age: float = 55.0, people: int = 200) -> np.ndarray:
    return np.array([float(draw_person(age).left[INDEX[name]]) for _ in range(people)])


def test_means_of_many_draws_are_those_of_the_table() -> None:
    many = torch.stack([susceptibility.draw_means() for _ in range(400)])
    for name in ("dentate nucleus", "external pallidum", "white matter"):
        key = "white" if name == "white matter" else name
        mean, spread, _ = susceptibility.MEANS_PPM[key]
        found = many[:, INDEX[name]]
        assert float(found.mean()) == pytest.approx(mean, abs=0.2 * spread)
        assert float(found.std()) == pytest.approx(spread, rel=0.2)
    assert float(many[:, INDEX["air"]].abs().max()) == 0


def test_iron_goes_together() -> None:
    people = [draw_person(55.0) for _ in range(300)]
    one, two, bone = (
        np.array([float(p.left[INDEX[n]]) for p in people])
        for n in ("red nucleus", "dentate nucleus", "cerebrospinal fluid")
    )
    assert np.corrcoef(one, two)[0, 1] == pytest.approx(0.49, abs=0.12)  # 0.7 of each goes with the shared factor
    assert abs(np.corrcoef(one, bone)[0, 1]) < 0.15


def test_left_and_right_are_nearly_alike() -> None:
    people = [draw_person(55.0) for _ in range(100)]
    left, right = (np.array([float(side[INDEX["substantia nigra"]]) for side in sides]) for sides in (
        [p.left for p in people], [p.right for p in people]
    ))  # fmt: skip
    assert np.corrcoef(left, right)[0, 1] > 0.95
    assert (left != right).any()


def test_the_other_side_of_a_pair_has_the_same_susceptibility() -> None:
    person = draw_person(55.0)
    assert person.left[INDEX["other red nucleus"]] == person.left[INDEX["red nucleus"]]


@pytest.mark.parametrize(
    ("name", "ppm_per_year"),
    [("putamen/posterior putamen", 0.0009), ("red nucleus", 0.0005), ("external pallidum", 0.0), ("thalamus", -0.0002)],
)
def test_iron_rises_with_age_where_the_literature_says_so(name: str, ppm_per_year: float) -> None:
    young, old = [], []
    for number in range(40):  # the same people at two ages
        for ages, years in ((young, 25.0), (old, 75.0)):
            torch.manual_seed(number)
            ages.append(float(draw_person(years).left[INDEX[name]]))
    floor = FAINTEST_PPM + 0.002
    rises = [b - a for a, b in zip(young, old, strict=True) if name not in NUCLEI or a > floor]
    np.testing.assert_allclose(rises, 50 * ppm_per_year, atol=1e-6)


def test_a_nucleus_is_never_invisible() -> None:
    assert drawn("red nucleus", age=5.0).min() >= FAINTEST_PPM * 0.7


def test_a_painted_map_has_the_means_and_a_texture() -> None:
    tissues = torch.full(SHAPE, INDEX["white matter"], dtype=torch.uint8)
    tissues[:12] = INDEX["red nucleus"]
    means = torch.zeros(len(TISSUES))
    means[INDEX["white matter"]], means[INDEX["red nucleus"]] = -0.02, 0.1
    chi = susceptibility.paint(tissues, means)
    assert float(chi[:12].mean()) == pytest.approx(0.1, abs=0.03)
    assert float(chi[12:].mean()) == pytest.approx(-0.02, abs=0.01)
    assert float(chi[:12].std()) > 0
    assert susceptibility.paint(torch.zeros(SHAPE, dtype=torch.uint8), means).abs().max() == 0


def test_noise_is_louder_where_there_is_iron() -> None:
    chi = torch.zeros(40, 20, 20)
    chi[20:] = 0.25
    noise = susceptibility.field_noise(chi, 0.01)
    assert float(noise[:20].std()) == pytest.approx(0.01, rel=0.05)
    assert float(noise[20:].std()) == pytest.approx(0.02, rel=0.05)


def test_veins_are_bright_and_calcifications_dark() -> None:
    chi = torch.zeros(SHAPE)
    veins = susceptibility.add_veins(chi, 1.0, count=2)
    assert 0.1 < float(veins.max()) < 0.43
    assert float(veins.min()) == 0
    assert float(susceptibility.add_calcification(chi, 1.0).min()) < -0.05
    assert float(chi.abs().max()) == 0  # what came is as it was


def test_a_mask_lies_inside_the_brain() -> None:
    inside = torch.zeros(SHAPE, dtype=torch.bool)
    inside[3:-3, 3:-3, 3:-3] = True
    mask = susceptibility.brain_mask(inside, Reconstruction(erosion_voxels=(3.0, 3.0), holes_share=1.0))
    assert not bool((mask & ~inside).any())
    assert 0 < int(mask.sum()) < int(inside.sum())


@pytest.mark.parametrize("direct", [0.0, 1.0])
def test_what_is_reconstructed_looks_like_what_was_there(direct: float) -> None:
    chi = torch.zeros(32, 32, 32)
    chi[12:20, 12:20, 12:20] = 0.1
    inside = torch.zeros(32, 32, 32, dtype=torch.bool)
    inside[4:-4, 4:-4, 4:-4] = True
    how = Reconstruction(
        noise_ppm=(1e-4, 1e-4), remnant_ppm=(0.0, 0.0), direct_share=direct, flat_share=0.0, erosion_voxels=(0.0, 0.0),
        holes_share=0.0, reference_ppm=0.0, weight=(1e-3, 1e-3), threshold=(0.08, 0.08),
    )  # fmt: skip
    found = susceptibility.reconstruct(chi, inside, 1.0, how)
    assert float(found[~inside].abs().max()) == 0
    contrast = float(found[14:18, 14:18, 14:18].mean() - found[6:10, 6:10, 6:10].mean())
    assert 0.05 < contrast < 0.12


def test_thick_slices_blur_along_one_axis_only() -> None:
    image = torch.zeros(SHAPE)
    image[:, :, 8:] = 1.0
    found = susceptibility.thicken(image, 1.0, 2, 3.0)
    assert 0.02 < float(found[10, 10, 7]) < 0.98
    across = torch.zeros(SHAPE)
    across[12:] = 1.0
    torch.testing.assert_close(susceptibility.thicken(across, 1.0, 2, 3.0), across)
