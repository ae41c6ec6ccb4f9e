"""A person, or nobody, looks at an outline: accept it, or bring back a corrected mask.

Nothing here knows the time: who calls says when.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from deepgray.anatomy import HEMISPHERES, STRIATUM, Scheme, Side, Structure
from deepgray.errors import MaskError
from deepgray.recipe import Task
from deepgray.result import Change, Decision, Outline, Pose
from deepgray.scan import IntegerVolume, LabelMap, Scan, mask_on_grid
from deepgray.space import Grid, apply_affine
from deepgray.voxels.crop import occupied
from deepgray.voxels.filters import nearest

Decide = Callable[[Scan, Outline], Decision]
Labels = NDArray[np.integer]
Mask = NDArray[np.bool_]

BATCH = "batch"
# A whole-striatum mask carries no sides of its own. It is taken to be mirrored when its mirror image overlaps the
# proposed outline by this much more Dice than it does itself: an honest correction moves an edge, not the head.
MIRRORED_DICE_GAIN = 0.1

# A nucleus of which the map's mask leaves out more than this is not measured as a whole.
CUT_BY_MASK = 0.1

# Below this the head was found, but its pose deserves a look. Heads that were found right have .91 or more (22 real T1,
# 24 simulated SPECT); one that was taken for a head turned by 157 degrees had .62.
LOW_CONFIDENCE = 0.75

# The middle is where the pose says; a pose may be this far off before a person is to blame.
OVER_MIDLINE_MM = 2.0

_ELSEWHERE = "A corrected mask that overlaps the proposed outline is wanted, one that lies elsewhere came."


def accept(scan: Scan, outline: Outline) -> Decision:
    """Take the outline as it is: what a batch run decides.

    Args:
        scan: The scan, not looked at.
        outline: The proposed outline.

    Returns:
        A decision by ``batch``, without a time.
    """
    del scan
    return Decision("accepted", BATCH, "", outline)


def corrected(mask: IntegerVolume | LabelMap, *, reviewer: str, when: str) -> Decide:
    """Bring back a mask that a person drew or edited.

    The mask holds labels of the outline's scheme, or only 0 and 1 for the whole striatum (of a scheme without a
    striatum: for all its structures). Each voxel of a 0–1 mask takes side and structure of the nearest voxel of the
    proposed outline. Structures beside the striatum stay as proposed where the mask says nothing about them.

    Args:
        mask: The mask, on the scan's grid or on one whose axes are permuted or flipped.
        reviewer: Who drew it.
        when: When, ISO 8601 with zone.

    Returns:
        What the line calls once the outline is there. It raises MaskError: another grid, an empty mask, unknown
        labels, or a mask that lies on the wrong side or elsewhere.
    """

    def decide(scan: Scan, outline: Outline) -> Decision:
        voxels = mask_on_grid(mask, scan.grid, what="corrected mask")
        block = _block(voxels, outline.labels)
        before = _part(outline.labels, block)
        _check_not_mirrored(voxels, outline.labels)
        after = _labelled(voxels[block], before)
        labels = outline.labels.voxels.copy()
        labels[block] = after
        drawn = Outline(
            labels=LabelMap(labels, scan.affine_ras, before.scheme),
            probabilities=None,
            uncertainty=(),
            method=f"corrected by {reviewer}",
            notes=(*outline.notes, *_emptied(before, after)),
        )
        return Decision("corrected", reviewer, when, drawn, _changes(before, after))

    return decide


def redrawn(labels: LabelMap, *, pose: Pose, reviewer: str, when: str) -> Decide:
    """Take a whole outline that a person drew over the proposed one, exactly as it is.

    Unlike a mask for ``corrected`` it says something of every structure: what it leaves out is gone.

    Args:
        labels: On the scan's grid, in the proposed outline's scheme.
        pose: Tells left from right.
        reviewer: Who drew it.
        when: When, ISO 8601 with zone.

    Returns:
        What the line calls once the outline is there. It raises MaskError: an empty outline, unknown labels, or a
        structure that leaves its side.
    """

    def decide(scan: Scan, outline: Outline) -> Decision:
        del scan
        voxels, known = labels.voxels, set(outline.labels.scheme.by_label())
        unknown = sorted({int(v) for v in np.unique(voxels)} - {0, *known})
        if unknown:
            raise MaskError(f"Labels {sorted(known)} are wanted, {unknown} came.")
        block = _block(voxels, outline.labels)
        before, after = _part(outline.labels, block), _part(labels, block)
        _check_sides(after.voxels, before)
        check_midline(after, before, pose=pose)
        notes = (*outline.notes, *_emptied(before, after.voxels))
        drawn = Outline(labels, None, (), f"corrected by {reviewer}", notes)
        return Decision("corrected", reviewer, when, drawn, _changes(before, after.voxels))

    return decide


def check_midline(drawn: LabelMap, proposed: LabelMap, *, pose: Pose) -> None:
    """Refuse a structure of one side that reaches over the middle, farther than the network's own did.

    Args:
        drawn: What a person drew.
        proposed: What the network drew.
        pose: Its canonical frame has the middle at x = 0, left negative.

    Raises:
        MaskError: A structure leaves its side.
    """
    for side, sign in ((Side.LEFT, 1.0), (Side.RIGHT, -1.0)):
        for structure in proposed.scheme.of_side(side):
            before, after = (_across_mm(m, structure, pose) * sign for m in (proposed, drawn))
            allowed = max(OVER_MIDLINE_MM, float(before.max(initial=-np.inf)))
            over = int(np.count_nonzero(after > allowed))
            if over:
                raise MaskError(
                    f"A corrected mask with the {structure.key} on the {side} is wanted, {over} voxels of it lie up to "
                    f"{after.max():.0f} mm beyond the middle."
                )


def _across_mm(labels: LabelMap, structure: Structure, pose: Pose) -> NDArray[np.float64]:
    """Canonical x of a structure's voxels, mm."""
    index = np.argwhere(labels.voxels == structure.label)
    return np.asarray(apply_affine(pose.canonical_from_world @ labels.affine_ras, index)[:, 0])


def flags(
    pose: Pose, proposed: Outline, decision: Decision, *, task: Task, implausible: tuple[str, ...] = ()
) -> tuple[str, ...]:
    """What a person should know, or look at: sentences of the latter kind begin with ``review``.

    Args:
        pose: Where the head is.
        proposed: The outline as the network drew it.
        decision: What was said of it.
        task: Says above which uncertainty a person is asked for.
        implausible: Sentences on outlines that cannot be their structure. They ask for a person as long as nobody
            has looked, and stay as a note after that: a person may know better.

    Returns:
        Sentences; empty when all is well.
    """
    outline, asked = decision.outline, []
    if pose.confidence < LOW_CONFIDENCE:
        asked.append(f"the pose of the head is unsure (confidence {pose.confidence:.2f}, {LOW_CONFIDENCE} is wanted)")
    if proposed.score > task.review_above and decision.reviewer == BATCH:
        worst = max((*proposed.uncertainty, *proposed.part_uncertainty), key=lambda u: u.score)
        asked.append(
            f"the outline is unsure ({proposed.score:.3f}, up to {task.review_above:g} is usual), "
            f"most of all the {worst.structure.key} ({worst.score:.3f})"
        )
    absent = [s.key for s in outline.labels.scheme.structures if not outline.labels.mask(s).any()]
    if absent:
        asked.append(f"nothing was outlined of: {', '.join(absent)}")
    cut = _at_edge(outline.labels)
    if cut:
        asked.append(f"the field of view cuts off: {', '.join(s.key for s in cut)}")
    seen = decision.reviewer != BATCH
    asked += [] if seen else implausible
    return (*(f"review: {sentence}" for sentence in asked), *(implausible if seen else ()), *outline.notes)


def outside_mask(scan: Scan, outline: Outline) -> tuple[str, ...]:
    """Sentences on nuclei that a susceptibility map's own mask cuts: where it is exactly zero, nothing was measured.

    Args:
        scan: The scan; only one in ppm has such a mask.
        outline: Structures on its grid.

    Returns:
        Sentences as ``flags`` gives them; none for other scans.
    """
    if scan.unit != "ppm":
        return ()
    empty = scan.voxels == 0
    shares = {
        s.key: empty[mask].mean() for s in outline.labels.scheme.structures if (mask := outline.labels.mask(s)).any()
    }
    cut = [f"{key} ({100 * share:.0f} %)" for key, share in shares.items() if share > CUT_BY_MASK]
    return (f"review: the mask of the map cuts off: {', '.join(cut)}",) if cut else ()


def _at_edge(labels: LabelMap) -> tuple[Structure, ...]:
    """Structures with a voxel on an outer face of the grid."""
    faces = [np.take(labels.voxels, place, axis) for axis in range(3) for place in (0, -1)]
    found = {int(v) for face in faces for v in np.unique(face)}
    return tuple(s for s in labels.scheme.structures if s.label in found)


def _block(voxels: Labels, proposed: LabelMap) -> tuple[slice, slice, slice]:
    """The part of the grid that holds the mask and the proposed outline, with one voxel around it."""
    found = occupied(voxels)
    if found is None:
        raise MaskError("A corrected mask with labelled voxels is wanted, an empty one came.")
    boxes = [found, occupied(proposed.voxels) or found]
    x, y, z = (
        slice(max(min(b[axis].start for b in boxes) - 1, 0), max(b[axis].stop for b in boxes) + 1) for axis in range(3)
    )
    return x, y, z


def _part(labels: LabelMap, block: tuple[slice, slice, slice]) -> LabelMap:
    shift = np.eye(4)
    shift[:3, 3] = [s.start for s in block]
    return LabelMap(labels.voxels[block], labels.affine_ras @ shift, labels.scheme)


def _labelled(voxels: Labels, proposed: LabelMap) -> Labels:
    """The whole outline after the correction, in the proposed outline's labels."""
    scheme, known = proposed.scheme, set(proposed.scheme.by_label())
    found = {int(v) for v in np.unique(voxels)}
    if _is_binary(found, scheme):
        members = _members(scheme)
        drawn = _from_binary(voxels != 0, proposed, members)
    elif found <= {0, *known}:
        drawn = voxels.astype(proposed.voxels.dtype)
        members = _named(scheme, found)
        _check_sides(drawn, proposed)
    else:
        unknown = ", ".join(str(v) for v in sorted(found - {0, *known}))
        wanted = ", ".join(str(v) for v in sorted(known))
        raise MaskError(f"A corrected mask of 0 and 1, or of the labels {wanted}, is wanted; {unknown} came.")
    kept = np.isin(proposed.voxels, [s.label for s in scheme.structures if s not in members])
    return np.where((drawn == 0) & kept, proposed.voxels, drawn)


def _is_binary(found: set[int], scheme: Scheme) -> bool:
    return found <= {0, 1} and 1 not in scheme.by_label()


def _members(scheme: Scheme) -> tuple[Structure, ...]:
    """The structures that a 0–1 mask stands for."""
    striatum = tuple(s for s in scheme.structures if s.name in STRIATUM)
    return striatum or scheme.structures


def _named(scheme: Scheme, found: set[int]) -> tuple[Structure, ...]:
    """The structures that a labelled mask speaks of: those of a 0–1 mask, and what else it holds, on both sides."""
    names = {s.name for s in scheme.structures if s.label in found} | {s.name for s in _members(scheme)}
    return tuple(s for s in scheme.structures if s.name in names)


def _from_binary(mask: Mask, proposed: LabelMap, members: tuple[Structure, ...]) -> Labels:
    seeds = np.isin(proposed.voxels, [s.label for s in members])
    if not seeds.any():
        raise MaskError("A mask with labels is wanted, because the network drew nothing; a mask of 0 and 1 came.")
    if not (mask & seeds).any():
        raise MaskError(_ELSEWHERE)
    where = nearest(seeds, proposed.grid.spacing_mm)[1]
    return np.where(mask, proposed.voxels[where], 0).astype(proposed.voxels.dtype)


def _check_not_mirrored(voxels: Labels, proposed: LabelMap) -> None:
    """Refuse a 0–1 mask that was flipped without its header: its mirror image would fit better."""
    direction = _left_to_right(proposed)
    if direction is None or voxels.max() > 1:
        return
    along_axes = np.linalg.inv(proposed.affine_ras)[:3, :3] @ direction * proposed.grid.spacing_mm
    lateral = int(np.argmax(np.abs(along_axes)))
    mask, seeds = voxels != 0, np.isin(proposed.voxels, [s.label for s in _members(proposed.scheme)])
    gain = _dice(np.flip(mask, lateral), seeds) - _dice(mask, seeds)
    if gain > MIRRORED_DICE_GAIN:
        raise MaskError(
            "A corrected mask on the proposed outline is wanted, one whose left and right are exchanged came: "
            f"its mirror image overlaps by {gain:.2f} Dice more."
        )


def _check_sides(drawn: Labels, proposed: LabelMap) -> None:
    """Refuse a left structure that lies on the right, or a right one on the left, or a mask that lies elsewhere."""
    if proposed.voxels.any() and not ((drawn != 0) & (proposed.voxels != 0)).any():
        raise MaskError(_ELSEWHERE)
    for side, other in (HEMISPHERES, HEMISPHERES[::-1]):
        for structure in proposed.scheme.of_side(side):
            mask = drawn == structure.label
            if mask.any() and _lies_on(other, mask, proposed):
                raise MaskError(
                    f"A corrected mask with the {structure.key} on the {side} is wanted, it lies on the {other}."
                )


def _lies_on(side: Side, mask: Mask, proposed: LabelMap) -> bool:
    """Whether a mask is nearer to this side of the proposed outline than to the other."""
    here, there = (_side_mask(proposed, s) for s in (side, Side.RIGHT if side is Side.LEFT else Side.LEFT))
    overlap_here, overlap_there = np.count_nonzero(mask & here), np.count_nonzero(mask & there)
    if overlap_here > overlap_there:
        return True
    if overlap_there > 0 or not (here.any() and there.any()):
        return False
    place = _centroid_mm(mask, proposed.grid)
    distances = [float(np.linalg.norm(place - _centroid_mm(m, proposed.grid))) for m in (here, there)]
    return distances[0] < distances[1]


def _side_mask(labels: LabelMap, side: Side) -> Mask:
    return np.isin(labels.voxels, [s.label for s in labels.scheme.of_side(side)])


def _left_to_right(labels: LabelMap) -> NDArray[np.float64] | None:
    """Direction from the left to the right structures, RAS mm; None where one side is empty."""
    left, right = (_side_mask(labels, side) for side in HEMISPHERES)
    if not (left.any() and right.any()):
        return None
    return _centroid_mm(right, labels.grid) - _centroid_mm(left, labels.grid)


def _centroid_mm(mask: Mask, grid: Grid) -> NDArray[np.float64]:
    return apply_affine(grid.affine_ras, np.argwhere(mask).mean(axis=0))


def _dice(one: Mask, other: Mask) -> float:
    total = np.count_nonzero(one) + np.count_nonzero(other)
    return 2.0 * np.count_nonzero(one & other) / total if total else float("nan")


def _changes(before: LabelMap, after: Labels) -> tuple[Change, ...]:
    changes = []
    for structure in before.scheme.structures:
        old, new = before.voxels == structure.label, after == structure.label
        added, removed = np.count_nonzero(new & ~old), np.count_nonzero(old & ~new)
        volume = before.grid.voxel_volume_mm3
        changes.append(Change(structure, added * volume, removed * volume, _dice(old, new)))
    return tuple(changes)


def _emptied(before: LabelMap, after: Labels) -> tuple[str, ...]:
    gone = [s.key for s in before.scheme.structures if before.mask(s).any() and not (after == s.label).any()]
    return (f"the correction leaves nothing of: {', '.join(gone)}",) if gone else ()
