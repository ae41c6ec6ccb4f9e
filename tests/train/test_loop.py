"""Tiny runs on toy heads: what is kept, and what an interruption changes (nothing)."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from toy_heads import save_heads

torch = pytest.importorskip("torch", reason="torch (extra train) is not installed")

from drawing_networks import recipe_of  # noqa: E402

from deepgray.errors import SettingsError  # noqa: E402
from deepgray.simulate import whole_head  # noqa: E402
from deepgray.space import Box  # noqa: E402
from deepgray.train import heads, loop, settings, spect_heads, spect_samples  # noqa: E402
from deepgray.train.camera_people import CameraPerson  # noqa: E402
from deepgray.train.export import load_checkpoint  # noqa: E402
from deepgray.train.losses import dice_cross_entropy, shares  # noqa: E402
from deepgray.train.networks import UNet, WideUNet  # noqa: E402
from deepgray.train.samples import Sample  # noqa: E402
from deepgray.train.settings import StartSettings, TrainSettings  # noqa: E402
from deepgray.train.spect_heads import SpectHead  # noqa: E402
from deepgray.train.transfer import Transfer  # noqa: E402

BOX = {"spacing_mm": 4.0, "low_mm": (-36.0, -16.0, -12.0), "high_mm": (-4.0, 16.0, 20.0)}
HEAD = {"spacing_mm": 12.0, "low_mm": (-96.0, -114.0, -84.0), "high_mm": (96.0, 78.0, 108.0)}


@pytest.fixture(scope="module", autouse=True)
def tiny() -> Iterator[None]:
    """Networks of some hundred voxels, and two validation samples."""
    with pytest.MonkeyPatch.context() as patch:
        for module in (heads, spect_heads, whole_head):
            patch.setattr(module, "FINE_MM", 2.0)
        patch.setattr(loop, "VALIDATION_SAMPLES", 2)
        for name in ("striatum-outline", "striatum-subdivide"):
            patch.setitem(settings.RECIPES, name, recipe_of(name, **BOX))
        patch.setitem(settings.RECIPES, "head-locate", replace(settings.RECIPES["head-locate"], **HEAD))
        yield


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("toy")
    save_heads(made / "anatomies", ("anatomy-01", "anatomy-05"), spacing=3.0)
    return made


def settings_of(folder: Path, out: str, **changes: object) -> TrainSettings:
    values = {
        "network": "striatum-outline",
        "anatomies": folder / "anatomies",
        "out": folder / out,
        "cache": folder / "cache",
        "steps": 6,
        "warmup": 2,
        "widths": (4, 6),
        "validate_every": 2,
    }
    return TrainSettings(**{**values, **changes})  # type: ignore[arg-type]


def log_of(run: TrainSettings) -> list[dict[str, str]]:
    with (run.out / "log.csv").open(newline="") as stream:
        return list(csv.DictReader(stream))


@pytest.fixture(scope="module")
def whole(folder: Path) -> TrainSettings:
    """A run without interruption."""
    run = settings_of(folder, "whole")
    assert loop.train(run) == run.out / "best.pt"
    return run


def test_what_a_run_leaves_behind(whole: TrainSettings) -> None:
    assert {p.name for p in whole.out.iterdir()} == {"settings.json", "best.pt", "last.pt", "log.csv"}
    assert json.loads((whole.out / "settings.json").read_text())["steps"] == 6
    rows = log_of(whole)
    assert [row["step"] for row in rows] == ["2", "4", "6"]
    assert all(math.isfinite(float(row["loss"])) and 0 <= float(row["validation"]) <= 1 for row in rows)
    assert float(rows[-1]["learning_rate"]) == 0.0


def test_the_best_checkpoint_is_the_one_with_the_best_score(whole: TrainSettings) -> None:
    kept = torch.load(whole.out / "best.pt", weights_only=True)
    scores = {int(row["step"]): float(row["validation"]) for row in log_of(whole)}
    assert kept["score"] == pytest.approx(max(scores.values()))
    assert scores[kept["step"]] == pytest.approx(kept["score"])
    network, recipe = load_checkpoint(whole.out / "best.pt")
    assert recipe == whole.recipe
    assert network.widths == (4, 6)


def test_an_interrupted_run_goes_on_where_it_stopped(folder: Path) -> None:
    first = settings_of(folder, "interrupted", steps=4)
    loop.train(first)
    before = torch.load(first.out / "last.pt", weights_only=True)
    assert before["run"]["step"] == 4
    longer = settings_of(folder, "interrupted")
    loop.train(longer)
    after = torch.load(first.out / "last.pt", weights_only=True)
    assert after["run"]["step"] == 6
    rows = log_of(longer)
    assert [row["step"] for row in rows] == ["2", "4", "6"]
    # What was logged before the interruption stays as it was.
    assert [tuple(map(float, row.values())) for row in rows[:2]] == [tuple(r) for r in before["run"]["log"]]
    assert float(rows[2]["seconds"]) >= float(rows[1]["seconds"])


def test_the_weights_it_goes_on_with_are_those_it_stopped_with(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = settings_of(folder, "stopped", steps=2)
    loop.train(run)
    kept = torch.load(run.out / "last.pt", weights_only=True)
    seen: list[dict[str, torch.Tensor]] = []

    def still(
        network: UNet, optimiser: torch.optim.Optimizer, sample: Sample, rate: float, tracer: float | None = None
    ) -> float:
        seen.append({name: value.clone() for name, value in network.state_dict().items()})
        assert len(optimiser.state) > 0
        return 1.0

    monkeypatch.setattr(loop, "step", still)
    loop.train(settings_of(folder, "stopped", steps=3))
    (state,) = seen
    assert all(torch.equal(state[name], value) for name, value in kept["network"].items())


@pytest.mark.parametrize("judged_by", ["the same", "another simulation"])
def test_a_score_from_other_validation_samples_does_not_stand(folder: Path, judged_by: str) -> None:
    run = settings_of(folder, f"judged by {judged_by}", steps=4)
    loop.train(run)
    last = torch.load(run.out / "last.pt", weights_only=True)
    last["run"]["best"] = 2.0  # as if the scans had been easier once: no score can reach it
    if judged_by != "the same":
        last["run"]["judged_by"] = judged_by
    torch.save(last, run.out / "last.pt")
    before = torch.load(run.out / "best.pt", weights_only=True)
    loop.train(replace(run, steps=6))
    best = torch.load(run.out / "best.pt", weights_only=True)
    kept = torch.load(run.out / "last.pt", weights_only=True)["run"]
    if judged_by == "the same":
        assert (kept["best"], best["step"]) == (2.0, before["step"])
        return
    # The samples are in truth the same, so that the best weights get the score that they had.
    later = float(log_of(run)[-1]["validation"])
    assert kept["best"] == best["score"] == pytest.approx(max(before["score"], later))
    assert len(kept["judged_by"]) == 64  # a SHA-256


def test_a_checkpoint_from_before_fingerprints_is_judged_again(folder: Path) -> None:
    run = settings_of(folder, "older", steps=2)
    loop.train(run)
    last = torch.load(run.out / "last.pt", weights_only=True)
    del last["run"]["judged_by"]
    last["run"]["best"] = 2.0
    torch.save(last, run.out / "last.pt")
    (run.out / "best.pt").unlink()
    loop.train(replace(run, steps=4))
    assert torch.load(run.out / "best.pt", weights_only=True)["step"] == 4


def test_the_fingerprint_tells_one_voxel() -> None:
    made = [Sample(torch.zeros(1, 2, 2, 2), torch.zeros(2, 2, 2, dtype=torch.long), torch.ones(2, 2, 2)) for _ in "ab"]
    mark = loop.fingerprint(made)
    assert loop.fingerprint(made) == mark
    made[1].target[0, 0, 1] = 1
    assert loop.fingerprint(made) != mark


def test_the_same_seed_gives_the_same_run(folder: Path, whole: TrainSettings) -> None:
    again = settings_of(folder, "again")
    loop.train(again)
    timeless = [[{k: v for k, v in row.items() if k != "seconds"} for row in log_of(run)] for run in (whole, again)]
    for one, two in zip(*timeless, strict=True):
        assert {k: float(v) for k, v in one.items()} == pytest.approx({k: float(v) for k, v in two.items()}, abs=1e-3)


def test_a_finished_run_has_nothing_to_do(whole: TrainSettings) -> None:
    before = (whole.out / "last.pt").stat().st_mtime_ns
    assert loop.train(whole) == whole.out / "best.pt"
    assert (whole.out / "last.pt").stat().st_mtime_ns == before


def test_a_run_that_does_not_improve_stops(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scores = iter([0.5, 0.6, 0.4, 0.6, 0.5, 0.9])
    monkeypatch.setattr(loop, "validate", lambda network, recipe, samples: next(scores))
    run = settings_of(folder, "patient", steps=12, patience=2)
    loop.train(run)
    # The best score comes at step 4; two validations without a better one end the run at step 8.
    assert [row["step"] for row in log_of(run)] == ["2", "4", "6", "8"]
    assert torch.load(run.out / "best.pt", weights_only=True)["step"] == 4


@pytest.mark.parametrize(("network", "patch"), [("striatum-subdivide", 1), ("head-locate", 2)])
def test_the_other_networks_train_too(folder: Path, network: str, patch: int) -> None:
    run = settings_of(folder, network, network=network, patch=patch, steps=2)
    loop.train(run)
    (row,) = log_of(run)
    assert math.isfinite(float(row["loss"]))
    trained, recipe = load_checkpoint(run.out / "best.pt")
    assert trained.patch == patch
    assert recipe.name == network


def test_several_samples_make_a_step(folder: Path) -> None:
    run = settings_of(folder, "pairs-of-samples", batch=2, steps=2)
    loop.train(run)
    assert [row["step"] for row in log_of(run)] == ["2"]
    kept = torch.load(run.out / "last.pt", weights_only=True)
    alone = settings_of(folder, "single-samples", steps=2)
    loop.train(alone)
    other = torch.load(alone.out / "last.pt", weights_only=True)
    assert any(not torch.equal(kept["network"][name], other["network"][name]) for name in kept["network"])


def test_people_in_the_camera_train_and_validate(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[tuple[str, ...], int]] = []

    def people(heads: list[SpectHead], count: int, cache: Path) -> list[CameraPerson]:
        asked.append((tuple(h.head.name for h in heads), count))
        return []

    monkeypatch.setattr(loop, "camera_people", people)
    monkeypatch.setitem(
        settings.RECIPES, "datspect-outline", replace(settings.RECIPES["datspect-outline"], spacing_mm=6.0)
    )
    wanted = settings_of(folder, "camera", network="datspect-outline", camera=30, atrophied=1)
    samples, validation = loop.make_samples(wanted)
    assert asked == [(("anatomy-01", "anatomy-01-after-0"), 30), (("anatomy-05",), loop.VALIDATION_PEOPLE)]
    assert len(validation) == 2
    assert samples.draw().inputs.shape == validation[0].inputs.shape


def test_a_wide_network_learns_from_people_in_the_camera(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    grid, fine = Box((-90.0,) * 3, (90.0,) * 3).grid(6.0), Box((-30.0,) * 3, (30.0,) * 3).grid(3.0)
    putamina = np.zeros(fine.shape, np.uint8)
    putamina[2:8, 8:12, 8:12], putamina[12:18, 8:12, 8:12] = 12, 51
    nothing = np.zeros(grid.shape, np.uint8)
    images = np.random.default_rng(0).random((1, *grid.shape)).astype(np.float16)
    person = CameraPerson("one", images, grid.affine_ras, nothing, nothing, putamina, fine.affine_ras)
    monkeypatch.setattr(loop, "camera_people", lambda *_: [person])
    monkeypatch.setattr(spect_samples, "STRIPPED_SHARE", 0.0)  # the person is all air
    run = settings_of(folder, "wide", network="datspect-wide", camera=1, steps=2, widths=(2, 2, 2, 2))
    loop.train(run)
    trained, recipe = load_checkpoint(run.out / "best.pt")
    assert isinstance(trained, WideUNet)
    assert recipe.is_wide
    again = settings_of(
        folder, "wide-again", network="datspect-wide", camera=1, steps=2, widths=(2, 2, 2, 2),
        start=StartSettings(run.out / "best.pt", freeze=1),
    )  # fmt: skip
    told: list[Transfer] = []
    loop.train(again, told=told.append)
    assert told[0].free == ()


def test_a_folder_without_heads_to_hold_out_is_refused(folder: Path) -> None:
    save_heads(folder / "all-to-train", ("anatomy-01",), spacing=3.0)
    with pytest.raises(SettingsError, match="anatomy-05"):
        loop.train(settings_of(folder, "none", anatomies=folder / "all-to-train"))


def test_the_learning_rate_by_hand() -> None:
    run = TrainSettings("striatum-outline", Path(), Path(), steps=110, warmup=10, learning_rate=0.1)
    assert [loop.learning_rate(run, n) for n in (0, 4, 9)] == pytest.approx([0.01, 0.05, 0.1])
    # Half a cosine over the remaining 100 steps: full, a half in the middle, nothing at the end and beyond.
    assert [loop.learning_rate(run, n) for n in (10, 60, 110, 200)] == pytest.approx([0.1, 0.05, 0.0, 0.0])
    assert loop.learning_rate(run, 35) == pytest.approx(0.1 * 0.5 * (1 + math.sqrt(0.5)))


def test_the_average_moves_by_its_share() -> None:
    slow, fast = torch.nn.Linear(2, 2), torch.nn.Linear(2, 2)
    torch.nn.init.constant_(slow.weight, 1.0)
    torch.nn.init.constant_(fast.weight, 3.0)
    loop.blend(slow, fast, 0.75)
    assert slow.weight.tolist() == [[1.5, 1.5], [1.5, 1.5]]
    assert fast.weight.tolist() == [[3.0, 3.0], [3.0, 3.0]]


def fixed_sample(masks: int = 0) -> Sample:
    target = torch.zeros(4, 4, 4, dtype=torch.int64)
    target[:2] = 1
    target[2:, :2] = 2
    inside = target > 0 if masks else torch.ones_like(target, dtype=torch.bool)
    return Sample(torch.zeros(1 + masks, 4, 4, 4), target, inside)


class Answers(UNet):
    """A network that always gives the same answer."""

    def __init__(self, answer: torch.Tensor) -> None:
        super().__init__(1, 3, (2, 3))
        self.answer = answer

    def all_scales(self, image: torch.Tensor) -> list[torch.Tensor]:
        return [self.answer]


def test_the_score_by_hand() -> None:
    recipe = recipe_of("striatum-outline", outputs=("caudate", "putamen", "accumbens"))
    # Everything is said to be caudate: Dice 2 · 32 / (32 + 64) and 0; accumbens does not occur.
    chosen = torch.ones(4, 4, 4, dtype=torch.int64)
    score = loop.validate(Answers(shares(chosen[None], 4)), recipe, [fixed_sample()])
    assert score == pytest.approx((64 / 96 + 0) / 2)


def test_where_masks_go_in_background_is_not_to_choose() -> None:
    recipe = recipe_of("striatum-subdivide", outputs=("ventral striatum", "anterior caudate"))
    sample = fixed_sample(masks=3)
    answer = shares(sample.target[None], 3)
    answer[:, 0] = 9.0  # background is likelier than anything
    assert loop.validate(Answers(answer), recipe, [sample]) == pytest.approx(1.0)


def test_a_step_lowers_the_loss_and_sets_the_rate() -> None:
    torch.manual_seed(0)
    network, sample = (
        UNet(1, 3, (4, 6)),
        Sample(torch.rand(1, 8, 8, 8), torch.zeros(8, 8, 8, dtype=torch.int64), torch.ones(8, 8, 8, dtype=torch.bool)),
    )
    sample.target[:4] = 1
    optimiser = torch.optim.AdamW(network.parameters(), lr=1.0)
    losses = [loop.step(network, optimiser, [sample], 0.01) for _ in range(8)]
    assert optimiser.param_groups[0]["lr"] == 0.01
    assert losses[-1] < losses[0]
    with torch.no_grad():
        wanted = dice_cross_entropy(network(sample.inputs[None]), shares(sample.target[None], 3), sample.inside[None])
    assert float(wanted) < losses[0]
    assert np.isfinite(losses).all()


def test_a_run_begins_with_the_weights_of_another_once(whole: TrainSettings, folder: Path) -> None:
    start = settings.StartSettings(whole.out / "best.pt", freeze=2)
    begun = settings_of(folder, "begun", start=start, steps=2, validate_every=2)
    told: list[Transfer] = []
    loop.train(begun, told=told.append)
    assert {row.how for row in told[0].rows} == {"loaded"}
    old, _ = load_checkpoint(whole.out / "best.pt")
    kept = torch.load(begun.out / "last.pt", weights_only=True)
    for name, tensor in kept["network"].items():
        assert torch.equal(tensor, old.state_dict()[name]) != name.startswith("heads."), name
    loop.train(replace(begun, steps=4), told=told.append)
    assert len(told) == 1
    after = torch.load(begun.out / "last.pt", weights_only=True)
    assert after["run"]["step"] == 4
    assert not torch.equal(after["network"]["encoder.0.0.0.weight"], old.state_dict()["encoder.0.0.0.weight"])


def test_a_transfer_that_was_interrupted_does_not_begin_again(whole: TrainSettings, folder: Path) -> None:
    begun = settings_of(folder, "halves", start=settings.StartSettings(whole.out / "best.pt", freeze=4), steps=2)
    loop.train(begun)
    before = torch.load(begun.out / "last.pt", weights_only=True)["network"]
    gone = settings.StartSettings(folder / "gone.pt", freeze=4)
    loop.train(replace(begun, start=gone, steps=4))
    after = torch.load(begun.out / "last.pt", weights_only=True)["network"]
    for name in before:  # the output layers went on from where they were, the others are held still
        assert torch.equal(before[name], after[name]) != name.startswith("heads."), name
    assert [row["step"] for row in log_of(begun)] == ["2", "4"]
