"""What people hold of two dopamine tracers of positron emission tomography, before the scanner's blur.

``fp-cit`` binds to the dopamine transporter, which disease takes away; ``raclopride`` to D2 receptors, which early
disease leaves alone or raises. Where a paper tells what a scanner showed, the numbers here are that over a recovery of
about three quarters. Everything that is not cited is set by eye, with a wide spread.
"""

from __future__ import annotations

from collections.abc import Mapping

from deepgray.simulate.uptake import FAMILY, LEFT_OF_BINDING, NONSPECIFIC, Tracer

# Eight healthy people on [11C]CFT PET (a table of J Nucl Med): accumbens 2.08, caudate 2.23, ventral putamen 2.36,
# dorsal putamen 2.51 times the cerebellum. 322 people with early disease on [18F]FP-CIT PET (a table of J Neurol
# Neurosurg Psychiatry): ventral striatum 2.14, anterior caudate 2.11, posterior caudate 1.42, anterior putamen 2.23,
# posterior putamen 1.38, ventral putamen 1.47. What disease leaves is as on SPECT: the mean of its first two stages,
# on the binding below and over that recovery, lies within a fifth of the latter.
_TRANSPORTER: Mapping[str, float] = {
    "ventral striatum": 3.6,
    "anterior caudate": 4.0,
    "posterior caudate": 3.2,
    "anterior putamen": 4.4,
    "posterior putamen": 4.2,
    "ventral putamen": 3.7,
}
# Healthy people on [11C]raclopride PET: caudate 1.54, anterior putamen 2.36, posterior putamen 2.03; with disease 1.76,
# 2.71 and 2.79 (Ghaemi 2002, J Neurol Neurosurg Psychiatry 73:517).
_RECEPTOR: Mapping[str, float] = {
    "ventral striatum": 2.4,
    "anterior caudate": 2.3,
    "posterior caudate": 1.8,
    "anterior putamen": 3.1,
    "posterior putamen": 2.7,
    "ventral putamen": 2.6,
}
_RAISED: Mapping[str, tuple[float, float]] = {
    "ventral striatum": (1.05, 1.03),
    "anterior caudate": (1.14, 1.08),
    "posterior caudate": (1.14, 1.08),
    "anterior putamen": (1.20, 1.10),
    "posterior putamen": (1.45, 1.28),
    "ventral putamen": (1.25, 1.15),
}
# Receptors outside the striatum are few: thalamus about 0.3 of the cerebellum, cortex about 0.15.
_FEW_OUTSIDE: Mapping[str, tuple[float, float]] = {
    **{name: (1.05, 0.08) for name in ("ventral diencephalon", "midline tissue", "basal forebrain", "claustrum")},
    "cortex": (1.15, 0.04),
    "hippocampus": (1.15, 0.08),
    "amygdala": (1.25, 0.08),
    "thalamus": (1.30, 0.08),
    "red nucleus": (1.05, 0.08),
    "substantia nigra": (1.20, 0.10),
    "subthalamic nucleus": (1.05, 0.08),
    "other red nucleus": (1.05, 0.08),
    "other substantia nigra": (1.20, 0.10),
    "other subthalamic nucleus": (1.05, 0.08),
    "cerebellar cortex": (1.0, 0.04),
    "cerebellar white matter": (0.80, 0.06),
    "dentate nucleus": (0.90, 0.06),
    "dentate nucleus/hilus": (0.85, 0.06),
    "interposed nucleus": (0.90, 0.06),
    "cerebrospinal fluid": (0.25, 0.30),
    "soft tissue": (0.55, 0.30),
    "skin": (0.70, 0.25),
    "muscle": (0.6, 0.30),
    "mucosa": (1.0, 0.40),
    "eye": (0.3, 0.30),
    "cancellous bone": (0.30, 0.30),
    "spinal cord": (0.8, 0.15),
    "accumbens rim": (1.6, 0.20),
}
_RECEPTOR_FAMILY: Mapping[str, tuple[float, float]] = {
    **FAMILY,
    "pallidum": (1.25, 0.12),
    "white": (0.72, 0.06),
    "lesion": (0.70, 0.10),
    "brainstem": (0.95, 0.08),
}
# In PET the cerebellum's grey matter is seen apart from its white matter.
_CEREBELLUM: Mapping[str, tuple[float, float]] = {
    "cerebellar cortex": (0.90, 0.05),
    "cerebellar white matter": (0.78, 0.06),
}

TRACERS: Mapping[str, Tracer] = {
    "fp-cit": Tracer(
        "fp-cit", _TRANSPORTER, LEFT_OF_BINDING, {**NONSPECIFIC, **_CEREBELLUM}, {**FAMILY, "white": (0.86, 0.05)}
    ),
    "raclopride": Tracer(
        "raclopride",
        _RECEPTOR,
        {stage: _RAISED for stage in LEFT_OF_BINDING},
        _FEW_OUTSIDE,
        _RECEPTOR_FAMILY,
        (0.3, 1.5),
    ),
}
