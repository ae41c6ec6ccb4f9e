"""Heads with nuclei are made once, and again when what shapes them changes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from deepgray.space import Box
from deepgray.train import nuclei_heads
from deepgray.train.heads import Sources

BOX = Box((-20.0, -20.0, -20.0), (0.0, 0.0, 0.0))


def test_sides_are_kept_until_the_code_that_shapes_them_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("anatomy-01", "anatomy-05"):
        (tmp_path / f"{name}_dseg.nii.gz").touch()
    made: list[int] = []

    def varied(*_: object) -> dict[str, np.ndarray]:
        made.append(len(made) + 1)
        return {"anatomy-01-left-0": np.full((2, 2, 2), made[-1], np.uint8)}

    monkeypatch.setattr(nuclei_heads, "_side", lambda *_: None)
    monkeypatch.setattr(nuclei_heads, "_varied", varied)
    sources = Sources(tmp_path, None, tmp_path / "cache", ("anatomy-05",))

    def value() -> int:
        (side,) = nuclei_heads.load_nuclei_heads(sources, "dentate-outline", BOX, held_out=False)
        assert side.name == "anatomy-01-left-0"
        return int(side.tissues[0, 0, 0])

    assert [value(), value()] == [1, 1]
    monkeypatch.setattr(nuclei_heads, "fingerprint", lambda *modules: f"of {len(modules)} others")
    assert [value(), value()] == [2, 2]
    assert len(list((tmp_path / "cache").iterdir())) == 2
