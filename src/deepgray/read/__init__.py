"""Image files come in: a scan, a label map, integers on a grid, or a reference region."""

from deepgray.read.images import read, read_labels, read_mask, read_reference
from deepgray.read.names import stem_of

__all__ = ["read", "read_labels", "read_mask", "read_reference", "stem_of"]
