"""Where a scan's tasks begin: the head, found once for all that share a network, in the scan or in another of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from deepgray import models
from deepgray.errors import GeometryError, SettingsError
from deepgray.locate import locate
from deepgray.pipeline.work import Progress, Work
from deepgray.recipe import Options, Task
from deepgray.result import Examination, ModelRecord, Pose, StageTime
from deepgray.scan import Scan
from deepgray.space import apply_affine, inverse

# Of the brain that a second scan shows, at least this part must not be zero in the map: masks are eroded, not halved.
SAME_HEAD = 0.6


@dataclass(frozen=True, eq=False)
class Head:
    """A head that was found: where several tasks on one scan begin.

    Attributes:
        examination: The scan, and what came with it.
        pose: Where the head is.
        locator: Name of the network that found it, as the task gives it.
        model: That network.
        time: How long it took.
    """

    examination: Examination
    pose: Pose
    locator: str
    model: ModelRecord
    time: StageTime


def find_head(
    examination: Examination,
    task: str,
    *,
    progress: Progress | None = None,
    options: Options = Options(),  # noqa: B008 (frozen)
) -> Head:
    """Find the head, in the scan or in the one that came with it.

    Args:
        examination: The scan, of the task's modality, and what came with it.
        task: As for ``analyse``.
        progress: Called with ``locate``.
        options: As for ``analyse``.

    Returns:
        What ``analyse_head`` takes, for every task whose ``locator`` is the same.

    Raises:
        SettingsError: No such task, or a scan of another modality.
        ModelError: The network is missing, damaged, or not the one that was shipped.
        NoHeadError: No head.
        GeometryError: The two scans show heads at different places.
    """
    what = fitting(examination.scan, task, options)
    name = locator(examination, what)
    seen, work = examination.also or examination.scan, Work(options, progress)
    with work.stage("locate"):
        model = work.model("locate", name)
        pose = locate(seen, model)
        _check_same_head(examination, pose)
    return Head(examination, pose, name, work.used[0], work.times[0])


def locator(examination: Examination, task: Task) -> str:
    """Name of the network that finds the head for a task.

    Raises:
        SettingsError: Another scan came, and the task takes none.
    """
    if examination.also is None:
        return task.locate_model
    if not task.also_model:
        raise SettingsError(f"A task that takes another scan of the same head is wanted, '{task.name}' takes none.")
    return task.also_model


def fitting(scan: Scan, task: str, options: Options) -> Task:
    """The task as it is done with these options.

    Raises:
        SettingsError: No such task, or a scan of another modality.
    """
    what = options.settled(models.task(task))
    if scan.modality != what.modality:
        raise SettingsError(f"A scan of modality '{what.modality}' is wanted by '{what.name}', '{scan.modality}' came.")
    return what


def _check_same_head(examination: Examination, pose: Pose) -> None:
    """Refuse a pose from a scan whose brain does not lie where the map's does."""
    scan, also = examination.scan, examination.also
    if also is None:
        return
    brain = apply_affine(pose.coarse.affine_ras, np.argwhere(pose.coarse.voxels))
    index = np.rint(apply_affine(inverse(scan.affine_ras), brain)).astype(int)
    index = index[((index >= 0) & (index < scan.voxels.shape)).all(axis=1)]
    shared = float((scan.voxels[tuple(index.T)] != 0).mean()) if len(index) else 0.0
    if shared < SAME_HEAD:
        raise GeometryError(
            f"Two scans of one head in one world space are wanted; {100 * shared:.0f} % of the brain in '{also.stem}' "
            f"lies on the brain of '{scan.stem}'."
        )
