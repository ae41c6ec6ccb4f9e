"""Evaluate: how well label maps agree with the truth and measures with one another, and what the uncertainty knows."""

from deepgray.evaluate.agreement import (
    AbsoluteDifference,
    Agreement,
    BlandAltman,
    PairedTest,
    Regression,
    agree,
)
from deepgray.evaluate.agreement_plots import draw_bland_altman, draw_differences, draw_scatter
from deepgray.evaluate.agreement_tables import (
    NamedAgreement,
    agreement_table,
    icc_table,
    write_agreements,
    write_iccs,
    write_pairs,
)
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
from deepgray.evaluate.consensus import majority, staple
from deepgray.evaluate.estimate import Estimate
from deepgray.evaluate.icc import DEFAULT_FORM, FORMS, Icc, icc, icc_of_form
from deepgray.evaluate.mapping import (
    LabelMapping,
    mapping,
    mapping_from_file,
    mapping_from_scheme,
    mapping_names,
)
from deepgray.evaluate.paired_measures import MeasureName, PairedMeasure, PairedMeasures, pair_measures
from deepgray.evaluate.plots import draw_risk_coverage, draw_scores
from deepgray.evaluate.ratings import Ratings, read_ratings
from deepgray.evaluate.risk import RiskCoverage, risk_coverage, write_risk_coverage

__all__ = [
    "DEFAULT_FORM",
    "FORMS",
    "MEASURES",
    "TOLERANCE_MM",
    "AbsoluteDifference",
    "Agreement",
    "BlandAltman",
    "Cohort",
    "Estimate",
    "FilePair",
    "Icc",
    "LabelMapping",
    "Measure",
    "MeasureName",
    "NamedAgreement",
    "PairedMeasure",
    "PairedMeasures",
    "PairedTest",
    "Pairing",
    "Ratings",
    "Regression",
    "RiskCoverage",
    "Score",
    "Summary",
    "agree",
    "agreement_table",
    "compare",
    "compare_cohort",
    "draw_bland_altman",
    "draw_differences",
    "draw_risk_coverage",
    "draw_scatter",
    "draw_scores",
    "icc",
    "icc_of_form",
    "icc_table",
    "majority",
    "mapping",
    "mapping_from_file",
    "mapping_from_scheme",
    "mapping_names",
    "pair_by_stem",
    "pair_measures",
    "read_ratings",
    "risk_coverage",
    "staple",
    "summarise",
    "table",
    "write_agreements",
    "write_iccs",
    "write_pairs",
    "write_risk_coverage",
    "write_scores",
    "write_summary",
]
