"""Evaluate: how well label maps agree with the truth, and whether the uncertainty knows where they do not."""

from deepgray.evaluate.cohort import (
    MEASURES,
    Cohort,
    FilePair,
    Measure,
    Pairing,
    Summary,
    compare_cohort,
    pair_by_stem,
    summarise,
    table,
    write_scores,
    write_summary,
)
from deepgray.evaluate.compare import TOLERANCE_MM, Score, compare
from deepgray.evaluate.mapping import (
    LabelMapping,
    mapping,
    mapping_from_file,
    mapping_from_scheme,
    mapping_names,
)
from deepgray.evaluate.plots import draw_risk_coverage, draw_scores
from deepgray.evaluate.risk import RiskCoverage, risk_coverage, write_risk_coverage

__all__ = [
    "MEASURES",
    "TOLERANCE_MM",
    "Cohort",
    "FilePair",
    "LabelMapping",
    "Measure",
    "Pairing",
    "RiskCoverage",
    "Score",
    "Summary",
    "compare",
    "compare_cohort",
    "draw_risk_coverage",
    "draw_scores",
    "mapping",
    "mapping_from_file",
    "mapping_from_scheme",
    "mapping_names",
    "pair_by_stem",
    "risk_coverage",
    "summarise",
    "table",
    "write_risk_coverage",
    "write_scores",
    "write_summary",
]
