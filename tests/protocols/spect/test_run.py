"""Protocol B from beginning to end with toy people and tiny networks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from toy_spect import toy_case

torch = pytest.importorskip("torch", reason="torch (extra train) is not installed")

from deepgray.errors import SettingsError  # noqa: E402
from deepgray.protocols.spect import report, run, turned  # noqa: E402
from deepgray.protocols.spect.arms import OWN, Own  # noqa: E402
from deepgray.protocols.spect.cases import MIRRORED, UPRIGHT, Found, chosen  # noqa: E402
from deepgray.protocols.spect.run import ABLATIONS, WITH_MIRRORING, WITHOUT_BLUR, Design  # noqa: E402
from deepgray.protocols.spect.sets import Case, Subject, plan  # noqa: E402
from deepgray.scan import Scan  # noqa: E402
from deepgray.simulate.whole_head_spect import SpectSettings  # noqa: E402
from deepgray.train.baselines.recipes import BaselineSettings, preset  # noqa: E402

PLANNED = plan(("a", "b"), ("c",), scans=(2, 1, 2))


def tiny(recipe: BaselineSettings) -> BaselineSettings:
    adversary = recipe.adversary and replace(recipe.adversary, widths=(2,))
    small = replace(recipe, shape=(24, 24, 16), spacing_mm=4.0, widths=(2, 2), adversary=adversary)
    return replace(small, steps=2, validate_every=1, batch=1)


RECIPES = {name: tiny(recipe) for name, recipe in preset("quick").recipes.items()}
DESIGN = Design(RECIPES, (OWN, "nnunet", "cgan", "thr-67"), ablations=True, turned_scans=1, turn_step_degrees=180.0)


class TrueOwn(Own):
    """deepgray's path, if it were perfect."""

    @property
    def key(self) -> str:
        return OWN

    def outline(self, case: Case) -> Found:
        return Found(case.truth)


@pytest.fixture
def outlined(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Toy people, and the names of those who were outlined anew."""
    calls: list[str] = []

    def made(planned: tuple[Subject, ...], heads: object, folder: Path, *, how: SpectSettings) -> Iterator[Case]:
        for one in planned:
            case = toy_case(name=one.name, stage=one.stage, truth_mm=3.0)
            yield replace(case, scan=Scan(case.scan.voxels + np.float32(one.seed % 7), case.scan.affine_ras, one.name))

    class Counted(TrueOwn):
        def outline(self, case: Case) -> Found:
            calls.append(case.name)
            return super().outline(case)

    monkeypatch.setattr(run, "made", made)
    monkeypatch.setattr(run, "Own", Counted)
    monkeypatch.setattr(turned, "SIDE_VOXELS", 48)
    monkeypatch.setattr(turned, "SIDE_MM", 3.0)
    return calls


def test_the_whole_protocol_goes_on_where_it_stopped(outlined: list[str], tmp_path: Path) -> None:
    told: list[str] = []
    first = run.run(PLANNED, str, tmp_path, design=DESIGN, told=told.append)  # type: ignore[arg-type]
    assert {r.arm for r in first.rows} == {*DESIGN.arms, *ABLATIONS}
    assert {r.condition for r in first.rows} == {UPRIGHT, MIRRORED, "x 180", "y 180", "z 180"}
    # two people upright and mirrored, one of them turned about three axes
    assert len(outlined) == 2 + 2 + 3
    assert len(chosen(first.rows, arm="nnunet", condition=UPRIGHT)) == 2 * 7
    assert len(chosen(first.rows, arm="thr-67", condition="x 180")) == 1
    assert chosen(first.rows, arm=WITH_MIRRORING, condition="x 180") == []
    assert set(first.trained) == {"nnunet", "cgan", *ABLATIONS}
    assert first.trained[WITHOUT_BLUR].settings.augmentation.blur_voxels == (0.0, 0.0)
    assert first.trained[WITH_MIRRORING].settings.augmentation.mirroring
    assert any("step 2 of 2" in line for line in told)
    again = run.run(PLANNED, str, tmp_path, design=DESIGN, told=told.append)  # type: ignore[arg-type]
    assert len(outlined) == 7
    assert [(r.arm, r.case, r.condition, r.dice) for r in again.rows] == [
        (r.arm, r.case, r.condition, r.dice) for r in first.rows
    ]

    page = report.write(first.rows, first.trained, tmp_path)
    text = page.read_text(encoding="utf-8")
    for words in (
        "| deepgray | all | 2 | 1.000 |",
        "| against |",
        "Turned heads",
        "with mirroring",
        "−.012 [−.183, .160]",
    ):
        assert words in text
    written = {p.name for p in page.parent.iterdir()}
    assert {"results.tsv", "agreement.tsv", "dice_violins.png", "sbr_bland_altman.png", "rotation.png"} <= written
    assert not (tmp_path / "report.partial").exists()


def test_nonsense_is_refused() -> None:
    with pytest.raises(SettingsError, match=r"Arms of deepgray, nnunet, .* are wanted, unknown came"):
        Design(RECIPES, ("unknown",))
    with pytest.raises(SettingsError, match="a step of 0 to 180 degrees are wanted; 1 and 0 came"):
        Design(RECIPES, turned_scans=1, turn_step_degrees=0)


def test_turned_scans_are_spread_over_all() -> None:
    assert [n for n in range(40) if run._chosen(n, 40, 4)] == [0, 13, 26, 39]
    assert [n for n in range(3) if run._chosen(n, 3, 1)] == [0]
    assert not any(run._chosen(n, 3, 0) for n in range(3))


def test_nobody_who_trains_is_drawn_where_nothing_is_trained(outlined: list[str], tmp_path: Path) -> None:
    told: list[str] = []
    run.run(PLANNED, str, tmp_path, design=Design(RECIPES, (OWN,), turned_scans=0), told=told.append)  # type: ignore[arg-type]
    drawn = [line for line in told if line.startswith("people")]
    assert len(drawn) == len(outlined) == 2
    assert all(" of 2, test" in line for line in drawn)
