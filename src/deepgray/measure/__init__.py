"""Measure: numbers from an outline."""

from deepgray.measure.binding import ASI, DORSAL, PUTAMEN_CAUDATE_RATIO, SBR, UPTAKE_MEAN, binding, uptakes
from deepgray.measure.category import CATEGORY, suggested_category
from deepgray.measure.chosen import levels_of, measured
from deepgray.measure.intervals import with_intervals
from deepgray.measure.plausible import implausible
from deepgray.measure.references import Level, reference_levels
from deepgray.measure.spread import Told, spreads
from deepgray.measure.susceptibility import susceptibility
from deepgray.measure.tracer import BPND, PET_MEAN, SUVR, reference_level, registered, tracer_measures
from deepgray.measure.volume import ASYMMETRY, VOLUME, VOLUME_PARTIAL, volumes

__all__ = [
    "ASI",
    "ASYMMETRY",
    "BPND",
    "CATEGORY",
    "DORSAL",
    "PET_MEAN",
    "PUTAMEN_CAUDATE_RATIO",
    "SBR",
    "SUVR",
    "UPTAKE_MEAN",
    "VOLUME",
    "VOLUME_PARTIAL",
    "Level",
    "Told",
    "binding",
    "implausible",
    "levels_of",
    "measured",
    "reference_level",
    "reference_levels",
    "registered",
    "spreads",
    "suggested_category",
    "susceptibility",
    "tracer_measures",
    "uptakes",
    "volumes",
    "with_intervals",
]
