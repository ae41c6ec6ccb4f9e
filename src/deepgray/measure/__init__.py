"""Measure: numbers from an outline."""

from deepgray.measure.chosen import measured
from deepgray.measure.susceptibility import susceptibility
from deepgray.measure.volume import ASYMMETRY, VOLUME, VOLUME_PARTIAL, volumes

__all__ = ["ASYMMETRY", "VOLUME", "VOLUME_PARTIAL", "measured", "susceptibility", "volumes"]
