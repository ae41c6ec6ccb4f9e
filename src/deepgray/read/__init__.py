"""Image files come in: a scan, a label map, or integers on a grid."""

from deepgray.read.images import read, read_labels, read_mask
from deepgray.read.names import stem_of

__all__ = ["read", "read_labels", "read_mask", "stem_of"]
