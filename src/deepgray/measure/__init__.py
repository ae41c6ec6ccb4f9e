"""Measure: numbers from an outline."""

from deepgray.measure.binding import ASI, DORSAL, PUTAMEN_CAUDATE_RATIO, SBR, UPTAKE_MEAN, binding, uptakes
from deepgray.measure.category import CATEGORY, suggested_category
from deepgray.measure.chosen import measured
from deepgray.measure.plausible import implausible
from deepgray.measure.references import Level, reference_levels
from deepgray.measure.susceptibility import susceptibility
from deepgray.measure.tracer import BPND, PET_MEAN, SUVR, registered, tracer_measures
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
    "binding",
    "implausible",
    "measured",
    "reference_levels",
    "registered",
    "suggested_category",
    "susceptibility",
    "tracer_measures",
    "uptakes",
    "volumes",
]
