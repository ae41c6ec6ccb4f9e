"""Everything that deepgray refuses, as one tree.

A message says what was wanted and what came, in the user's words.

::

    DeepgrayError
    ├── InputError            what the user gave cannot be used
    │   ├── NotAnImageError       not NIfTI or MGZ, or the file is damaged
    │   ├── ShapeError            not three-dimensional, or several volumes
    │   ├── GeometryError         affine, spacing or grid
    │   ├── IntensityError        constant, NaN or infinite voxels
    │   ├── MaskError             a corrected mask that does not fit
    │   ├── SettingsError         a setting, scheme, mapping or task file
    │   └── DuplicateStemError    two scans would write to one folder
    ├── AnatomyError          the scan is readable, the anatomy is not in it
    │   ├── NoHeadError           no head found
    │   └── FieldOfViewError      the wanted structures are cut off
    ├── ModelError            weights
    │   ├── ChecksumError         a weights file is not the one that was shipped
    │   └── MissingExtraError     an optional part of deepgray is not installed
    └── OutputError           the results cannot be written
        ├── ConflictError         somebody else changed them in the meantime
        └── NoStudyError          a worklist does not know a study
"""


class DeepgrayError(Exception):
    """Base of every error that deepgray raises on purpose."""


class InputError(DeepgrayError):
    """What the user gave cannot be used."""


class NotAnImageError(InputError):
    """The file is not a readable NIfTI or MGZ image."""


class ShapeError(InputError):
    """The image is not one three-dimensional volume."""


class GeometryError(InputError):
    """The affine, the spacing or the grid is missing, ambiguous or does not fit."""


class IntensityError(InputError):
    """The voxels hold no picture: constant, NaN or infinite."""


class MaskError(InputError):
    """A corrected mask does not fit the scan or the structure."""


class SettingsError(InputError):
    """A setting, a scheme, a mapping or a task file is not understood."""


class DuplicateStemError(InputError):
    """Two scans of one call would write to the same folder."""


class AnatomyError(DeepgrayError):
    """The scan is readable, but the anatomy is not in it."""


class NoHeadError(AnatomyError):
    """No head was found."""


class FieldOfViewError(AnatomyError):
    """The wanted structures lie outside the field of view."""


class ModelError(DeepgrayError):
    """A network file cannot be used."""


class ChecksumError(ModelError):
    """A weights file differs from the one that was shipped."""


class MissingExtraError(ModelError):
    """An optional part of deepgray is needed and not installed."""


class OutputError(DeepgrayError):
    """The results cannot be written."""


class ConflictError(OutputError):
    """Somebody else changed the same thing in the meantime."""


class NoStudyError(OutputError):
    """A worklist does not know a study."""
