"""Image files come in: a scan, a label map, integers on a grid, or a reference region."""

from deepgray.read.images import read, read_labels, read_mask, read_reference
from deepgray.read.names import stem_of
from deepgray.read.parts import read_part_names
from deepgray.read.tracer import TRACER_UNITS, read_tracer

__all__ = [
    "TRACER_UNITS",
    "read",
    "read_labels",
    "read_mask",
    "read_part_names",
    "read_reference",
    "read_tracer",
    "stem_of",
]
