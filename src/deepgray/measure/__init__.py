"""Measure: numbers from an outline."""

from deepgray.measure.volume import ASYMMETRY, VOLUME, VOLUME_PARTIAL, volumes

__all__ = ["ASYMMETRY", "VOLUME", "VOLUME_PARTIAL", "volumes"]
