"""The stations in order: one scan in, one result out."""

from deepgray.pipeline.correction import from_file
from deepgray.pipeline.decided import reviewed
from deepgray.pipeline.head import Head, find_head, locator
from deepgray.pipeline.inputs import examination_of, options_of, tracer_of
from deepgray.pipeline.line import analyse, analyse_head
from deepgray.pipeline.work import STAGES, STAGES_WITH_TRACER

__all__ = [
    "STAGES",
    "STAGES_WITH_TRACER",
    "Head",
    "analyse",
    "analyse_head",
    "examination_of",
    "find_head",
    "from_file",
    "locator",
    "options_of",
    "reviewed",
    "tracer_of",
]
