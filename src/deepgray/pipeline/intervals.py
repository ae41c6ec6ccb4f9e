"""Intervals of the numbers of one scan: where they are known, and a sentence that says so or why not."""

from __future__ import annotations

from dataclasses import dataclass

from deepgray.measure import Level, Told, reference_level, spreads, with_intervals
from deepgray.models import Calibration, calibration
from deepgray.recipe import Task
from deepgray.register import doubts
from deepgray.result import BESIDE, Decision, Drawn, Examination, Measurement, ModelRecord, Outline, Registered

CALIBRATED = (
    "Intervals hold the number that the true mask would give in 95 of 100 scans like the simulated ones that they were "
    "calibrated on; they tell of the outline, not of the scanner."
)


@dataclass(frozen=True, eq=False)
class Seen:
    """What the numbers of a scan were measured in.

    Attributes:
        task: What was asked, with what was left open settled.
        examination: The scan, and what came with it.
        drawn: The outline before the decision.
        decision: The outline after it.
        parts: Its subregions, or None.
        levels: What its reference regions hold.
        beside: The tracer scan that was measured with it, or None.
    """

    task: Task
    examination: Examination
    drawn: Drawn
    decision: Decision
    parts: Outline | None
    levels: tuple[Level, ...]
    beside: Registered | None


def told_with_intervals(numbers: tuple[Measurement, ...], seen: Seen) -> tuple[tuple[Measurement, ...], str]:
    """Numbers with their intervals, and a sentence on them; the numbers as they are where no interval is known."""
    network = _network(seen.drawn)
    learnt = calibration(network.name) if network else None
    reason = _reason(seen, network, learnt)
    if learnt is None or reason:
        return numbers, reason
    same_way = learnt.parts == _way(seen.task)
    told = _told(seen)
    found = spreads(seen.decision.outline, seen.parts if same_way else None, told)
    words = CALIBRATED if same_way or not seen.parts else f"{CALIBRATED} Subregions divided in this way have none yet."
    return with_intervals(numbers, found, learnt.reaches), words


def _network(drawn: Drawn) -> ModelRecord | None:
    return next((record for record in drawn.models if record.stage == "outline"), None)


def _weights(drawn: Drawn, network: ModelRecord) -> str:
    """As ``Model.weights`` of the network that outlined."""
    return "+".join(r.sha256 for r in drawn.models if r is network or r.stage == BESIDE)


def _reason(seen: Seen, network: ModelRecord | None, learnt: Calibration | None) -> str:
    """Why there are no intervals, empty where there are."""
    decision = seen.decision
    if decision.kind == "rejected":
        return ""
    if decision.kind != "accepted":
        return "No intervals: they are calibrated for outlines as the network draws them, and this one was changed."
    if network is None or decision.outline.probabilities is None:
        return "No intervals: they are calibrated for outlines of a network, and this one has no probabilities."
    if learnt is None or learnt.sha256 != _weights(seen.drawn, network):
        return f"No intervals: they have not been calibrated for these weights of the network '{network.name}'."
    return ""


def _way(task: Task) -> str:
    """How an outline is divided into parts."""
    return "network" if task.subdivide_model else "rule" if task.subdivide_scheme else ""


def _told(seen: Seen) -> Told:
    task, scan, levels = seen.task, seen.examination.scan, seen.levels
    beside = seen.beside
    if beside is None or doubts(beside.registration):  # no interval tells of a registration that failed
        return Told(task.measures, scan, seen.drawn.pose, levels)
    return Told(task.measures, scan, seen.drawn.pose, levels, beside, reference_level(beside))
