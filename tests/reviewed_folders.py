"""A small output folder to review: two heads of blocks, stored with their axes turned, run without networks."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import nibabel as nib
import numpy as np
from block_striatum import SHAPE, block_striatum, moved, pose_of, reordered, rigid

from deepgray.pipeline import reviewed
from deepgray.read import read
from deepgray.recipe import Options
from deepgray.report import summary, write
from deepgray.result import Drawn, Examination, Outline, StageTime, StructureUncertainty
from deepgray.review import accept
from deepgray.scan import LabelMap, Probabilities
from deepgray.worklist import Request, State, Worklist

ORDER, FLIPS = (2, 0, 1), (True, False, True)
MOTION = rigid((4.0, -6.0, 9.0), (3.0, -2.0, 5.0))
NUCLEI = ("caudate", "putamen", "accumbens", "pallidum")


def make_folder(folder: Path, *, stems: tuple[str, ...] = ("sub-01", "sub-02")) -> Path:
    """An output folder ``out`` beside its scans; the first study is surer than the second."""
    out = folder / "out"
    out.mkdir()
    with Worklist(out) as works:
        for number, stem in enumerate(stems):
            path = folder / f"{stem}.nii.gz"
            labels = moved(block_striatum(*NUCLEI), MOTION, ORDER, FLIPS)
            _save_scan(path, labels, seed=number)
            given = {"scan": str(path), "modality": "mr", "task": "striatum", "subdivide": "rule"}
            works.enqueue([Request(stem, "striatum", given)])
            given_scan = Examination(read(path))
            drawn = _drawn(labels, given_scan, 0.05 + 0.15 * number)
            write(reviewed(given_scan, drawn, "striatum", decide=accept, options=Options("rule")), out)
            told = summary(out, stem, task="striatum")
            assert told is not None
            state, words = (State.NEEDS_REVIEW, "; ".join(told.asked)) if told.asked else (State.DONE, "")
            entry = works.entry(stem, "striatum")
            works.finish(replace(entry, state=state, words=words, score=told.score, limit=told.limit))
    return out


def copied(folder: Path, to: Path) -> Path:
    """A folder of ``make_folder`` that a test may change; its scans stay where they are."""
    shutil.copytree(folder, to)
    return to


def _save_scan(path: Path, labels: LabelMap, *, seed: int) -> None:
    noise = np.random.default_rng(seed).normal(0, 4, labels.voxels.shape)
    voxels = (np.where(labels.voxels > 0, 140, 100) + noise).astype(np.float32)
    nib.save(nib.Nifti1Image(voxels, labels.affine_ras), path)


def _drawn(labels: LabelMap, given: Examination, score: float) -> Drawn:
    structures = labels.scheme.structures
    certain = np.stack([(labels.voxels == s.label) * np.float32(0.95) for s in structures])
    # A doubtful cube in the left putamen, in the axes of the blocks: neither in nor out.
    cube = np.zeros(SHAPE, dtype=bool)
    cube[8:12, 20:24, 20:24] = True
    certain[1][reordered(cube, ORDER, FLIPS)] = 0.5
    probabilities = Probabilities(certain, structures, (0, 0, 0), given.scan.grid)
    unsure = tuple(StructureUncertainty(s, score) for s in structures)
    outline = Outline(LabelMap(labels.voxels, given.scan.affine_ras, labels.scheme), probabilities, unsure, "by hand")
    pose = replace(pose_of(np.linalg.inv(MOTION)), confidence=0.95)
    return Drawn(pose, outline, (), (StageTime("outline", 1.0),))
