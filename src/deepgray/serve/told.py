"""What the page is told of studies, as JSON."""

from __future__ import annotations

import math

import numpy as np

from deepgray.result import Measurement
from deepgray.serve.agreement import pairwise_dice
from deepgray.serve.desk import Desk, Number, latest
from deepgray.serve.study import Study
from deepgray.worklist import Review, State

Json = dict[str, object]


def told_worklist(desk: Desk) -> Json:
    """The studies in the order in which a person should see them."""
    return {
        "folder": str(desk.works.folder),
        "studies": [
            {
                "stem": e.request.stem,
                "task": e.request.task,
                "state": str(e.state),
                "words": e.words,
                "doubt": round(e.doubt, 3) if e.score else None,
                "revision": e.revision,
                "open": bool(e.version),
            }
            for e in desk.entries()
        ],
    }


def told_study(desk: Desk, study: Study, reviewer: str) -> Json:
    """One study.

    Args:
        desk: Where it lies.
        study: The study.
        reviewer: Who looks at it: their own last outline is shown, not that of others.
    """
    said = desk.reviews(study)
    low, high = (float(v) for v in np.percentile(study.image, [1, 99.7]))
    others, entry = latest(study, said), desk.works.entry(*study.key)
    return {
        "stem": study.stem,
        "task": study.entry.request.task,
        "title": study.task.title,
        "unit": study.examination.scan.unit,
        "shape": list(study.window.grid.shape),
        "spacing_mm": [round(float(mm), 4) for mm in study.window.grid.spacing_mm],
        "voxel_mm3": float(study.window.grid.voxel_volume_mm3),
        "window": [low, high if high > low else low + 1],
        "structures": [
            {"key": s.key, "name": s.name, "side": str(s.side), "short": s.abbreviation, "colour": list(s.colour)}
            for s in study.proposed.scheme.structures
        ],
        "revision": len(said),
        "own": any(review.reviewer == reviewer for review in said),
        "places": [{"index": list(p.index), "bits": round(p.bits, 1), "structure": p.structure} for p in study.places],
        "has_entropy": study.drawn.proposed.probabilities is not None,
        "score": study.drawn.proposed.score,
        "review_above": study.task.review_above,
        "words": entry.words if entry.state in (State.NEEDS_REVIEW, State.FAILED) else "",
        "history": [_line(review) for review in said],
        "drawn_by": sorted(others),
        "agreement": pairwise_dice(study, others),
    }


def told_numbers(desk: Desk, study: Study) -> list[Json]:
    """The numbers of a study before and after, those that a reader looks for first."""
    return [_number(number) for number in desk.numbers(study)]


def _number(number: Number) -> Json:
    known = number.now or number.before
    if known is None:
        return {}
    return {
        "structure": known.structure,
        "side": known.side,
        "quantity": known.quantity,
        "unit": known.unit,
        "before": _value(number.before),
        "before_range": _range(number.before),
        "now": _value(number.now),
        "now_range": _range(number.now),
    }


def _value(measurement: Measurement | None) -> float | None:
    return None if measurement is None or not math.isfinite(measurement.value) else float(measurement.value)


def _range(measurement: Measurement | None) -> list[float] | None:
    """Its interval, None where none is known."""
    if measurement is None or measurement.lower is None or measurement.upper is None:
        return None
    return [measurement.lower, measurement.upper]


def _line(review: Review) -> Json:
    return {
        "reviewer": review.reviewer,
        "when": review.when,
        "kind": review.kind,
        "seconds": None if math.isnan(review.seconds) else round(review.seconds, 1),
        "added": review.added,
        "removed": review.removed,
        "source": review.source,
        "revision": review.revision,
        "sha256": review.after_sha256,
    }
