"""The tissues that a simulated head is made of, and how label maps of different sources name them.

A *tissue map* is a volume of small integers in which the striatum of the wanted side is already cut into its subregions
(``caudate/anterior caudate``), so that one warp brings image and every kind of answer along together. The nuclei of the
other side are tissues of their own: they look the same but are background to a one-sided network.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deepgray.anatomy import Side


@dataclass(frozen=True)
class Tissue:
    """One tissue.

    Attributes:
        name: Name; the part after a slash is the striatal subregion.
        t1: Relative intensity on a T1-weighted image, white matter about 0.8, cerebrospinal fluid 0.15.
        t2: Relative intensity on a T2-weighted image.
        spread: Standard deviation of the two from head to head.
        family: Tissues of one family look nearly alike when contrasts are drawn at random.
    """

    name: str
    t1: float
    t2: float
    spread: float
    family: str

    @property
    def inside_brain(self) -> bool:
        """Whether brain extraction keeps it."""
        return self.family not in {"air", "skull", "soft"}


# Relative intensities: inversion-prepared gradient echo (TI 0.9 s, TR 2.3 s) and fast spin echo (TE 90 ms) at 3 T
# with the relaxation times of Marques 2010 (doi:10.1016/j.neuroimage.2009.10.002) for cortex and white matter; the
# other tissues are placed between them by eye and given a wide spread.
TISSUES: tuple[Tissue, ...] = (
    Tissue("air", 0.0, 0.0, 0.0, "air"),
    Tissue("caudate/ventral striatum", 0.54, 0.48, 0.03, "striatum"),
    Tissue("caudate/anterior caudate", 0.55, 0.48, 0.03, "striatum"),
    Tissue("caudate/posterior caudate", 0.55, 0.48, 0.03, "striatum"),
    Tissue("putamen/ventral striatum", 0.56, 0.46, 0.03, "striatum"),
    Tissue("putamen/anterior putamen", 0.58, 0.45, 0.03, "striatum"),
    Tissue("putamen/posterior putamen", 0.60, 0.44, 0.03, "striatum"),
    Tissue("putamen/ventral putamen", 0.60, 0.44, 0.03, "striatum"),
    Tissue("accumbens/ventral striatum", 0.53, 0.50, 0.03, "striatum"),
    Tissue("external pallidum", 0.71, 0.28, 0.04, "pallidum"),
    Tissue("internal pallidum", 0.75, 0.26, 0.04, "pallidum"),
    Tissue("other caudate", 0.55, 0.48, 0.03, "striatum"),
    Tissue("other putamen", 0.59, 0.45, 0.03, "striatum"),
    Tissue("other accumbens", 0.53, 0.50, 0.03, "striatum"),
    Tissue("other pallidum", 0.72, 0.27, 0.04, "pallidum"),
    Tissue("white matter", 0.80, 0.33, 0.03, "white"),
    Tissue("cortex", 0.50, 0.52, 0.03, "cortex"),
    Tissue("lateral ventricle", 0.14, 0.95, 0.03, "fluid"),
    Tissue("thalamus", 0.66, 0.42, 0.03, "thalamus"),
    Tissue("hippocampus", 0.50, 0.53, 0.03, "cortex"),
    Tissue("amygdala", 0.51, 0.53, 0.03, "cortex"),
    Tissue("ventral diencephalon", 0.72, 0.37, 0.04, "brainstem"),
    Tissue("red nucleus", 0.73, 0.28, 0.04, "brainstem"),
    Tissue("substantia nigra", 0.71, 0.30, 0.04, "brainstem"),
    Tissue("subthalamic nucleus", 0.72, 0.30, 0.04, "brainstem"),
    Tissue("third ventricle", 0.14, 0.95, 0.03, "fluid"),
    Tissue("fourth ventricle", 0.14, 0.95, 0.03, "fluid"),
    Tissue("brainstem", 0.74, 0.37, 0.03, "brainstem"),
    Tissue("cerebrospinal fluid", 0.14, 0.93, 0.05, "fluid"),
    Tissue("white matter lesion", 0.60, 0.65, 0.07, "lesion"),
    Tissue("vessel", 0.45, 0.25, 0.25, "vessel"),
    Tissue("choroid plexus", 0.40, 0.60, 0.10, "vessel"),
    Tissue("optic chiasm", 0.70, 0.40, 0.05, "white"),
    Tissue("cerebellar white matter", 0.78, 0.34, 0.03, "white"),
    Tissue("cerebellar cortex", 0.50, 0.52, 0.03, "cortex"),
    Tissue("dentate nucleus", 0.72, 0.30, 0.04, "brainstem"),
    Tissue("soft tissue", 0.55, 0.45, 0.30, "soft"),
    Tissue("skin", 0.65, 0.50, 0.20, "soft"),
    Tissue("cortical bone", 0.06, 0.06, 0.04, "skull"),
    Tissue("cancellous bone", 0.55, 0.35, 0.25, "skull"),
    Tissue("artery", 0.60, 0.05, 0.35, "soft"),
    Tissue("vein", 0.40, 0.20, 0.25, "soft"),
    Tissue("eye", 0.20, 0.90, 0.06, "soft"),
    Tissue("muscle", 0.40, 0.25, 0.08, "soft"),
    Tissue("mucosa", 0.45, 0.70, 0.15, "soft"),
    Tissue("spinal cord", 0.70, 0.38, 0.05, "soft"),
    Tissue("optic nerve", 0.65, 0.40, 0.06, "soft"),
    Tissue("claustrum", 0.66, 0.42, 0.07, "claustrum"),
    Tissue("midline tissue", 0.62, 0.45, 0.12, "midline"),
    Tissue("basal forebrain", 0.62, 0.45, 0.06, "basal"),
    Tissue("dentate nucleus/hilus", 0.74, 0.32, 0.04, "brainstem"),
    Tissue("interposed nucleus", 0.72, 0.30, 0.04, "brainstem"),
    Tissue("other red nucleus", 0.73, 0.28, 0.04, "brainstem"),
    Tissue("other substantia nigra", 0.71, 0.30, 0.04, "brainstem"),
    Tissue("other subthalamic nucleus", 0.72, 0.30, 0.04, "brainstem"),
    Tissue("other dentate nucleus", 0.72, 0.30, 0.04, "brainstem"),
    Tissue("accumbens rim", 0.53, 0.50, 0.03, "striatum"),
)

INDEX: dict[str, int] = {tissue.name: number for number, tissue in enumerate(TISSUES)}

# FreeSurfer's numbers (and those the SynthSeg maps add) -> tissue; the two sides of a pair in one row.
_FREESURFER_SHARED: dict[str, tuple[int, ...]] = {
    "white matter": (2, 41),
    "cortex": (3, 42),
    "lateral ventricle": (4, 43, 5, 44, 72),
    "cerebellar white matter": (7, 46),
    "cerebellar cortex": (8, 47),
    "thalamus": (10, 49),
    "third ventricle": (14,),
    "fourth ventricle": (15,),
    "brainstem": (16,),
    "hippocampus": (17, 53),
    "amygdala": (18, 54),
    "cerebrospinal fluid": (24,),
    "white matter lesion": (25, 57),
    "ventral diencephalon": (28, 60),
    "vessel": (30, 62),
    "optic chiasm": (85,),
    "choroid plexus": (136, 137, 163, 164),
    "artery": (502,),
    "eye": (506,),
    "soft tissue": (507,),
    "muscle": (508,),
    "mucosa": (509,),
    "skin": (511,),
    "spinal cord": (512,),
    "vein": (514,),
    "cortical bone": (515,),
    "cancellous bone": (516,),
    "optic nerve": (530,),
    "interposed nucleus": (809, 810),
}
# name: (left, right)
_FREESURFER_SIDED: dict[str, tuple[tuple[int, ...], tuple[int, ...]]] = {
    "caudate": ((11,), (50,)),
    "putamen": ((12,), (51,)),
    "accumbens": ((26,), (58,)),
    "external pallidum": ((13, 811), (52, 812)),
    "internal pallidum": ((813,), (814,)),
    "red nucleus": ((801,), (802,)),
    "substantia nigra": ((803,), (804,)),
    "subthalamic nucleus": ((805,), (806,)),
    "dentate nucleus": ((807,), (808,)),
}
_HOA2_SHARED: dict[str, tuple[int, ...]] = {
    "lateral ventricle": (1, 2, 6, 18, 19),
    "cerebrospinal fluid": (3,),
    "third ventricle": (4,),
    "fourth ventricle": (5,),
    "brainstem": (15,),
    "thalamus": (16, 17),
    "hippocampus": (20, 21),
    "amygdala": (22, 23),
    "optic chiasm": (24,),
    "ventral diencephalon": (25, 26, 27, 28),
    "cerebellar cortex": (29, 30),
    "cerebellar white matter": (31, 32),
}
_HOA2_SIDED: dict[str, tuple[tuple[int, ...], tuple[int, ...]]] = {
    "accumbens": ((7,), (8,)),
    "caudate": ((9,), (10,)),
    "putamen": ((11,), (12,)),
    "external pallidum": ((13,), (14,)),
}
_OTHER_SIDE = {
    "caudate": "other caudate",
    "putamen": "other putamen",
    "accumbens": "other accumbens",
    "external pallidum": "other pallidum",
    "internal pallidum": "other pallidum",
    "red nucleus": "other red nucleus",
    "substantia nigra": "other substantia nigra",
    "subthalamic nucleus": "other subthalamic nucleus",
    "dentate nucleus": "other dentate nucleus",
}
_IN_VENTRAL_DIENCEPHALON = ("red nucleus", "substantia nigra", "subthalamic nucleus")
# A whole compartment before it is cut into subregions stands as its first part.
WHOLE: dict[str, str] = {
    "caudate": "caudate/anterior caudate",
    "putamen": "putamen/anterior putamen",
    "accumbens": "accumbens/ventral striatum",
}

SOURCES: dict[str, tuple[dict[str, tuple[int, ...]], dict[str, tuple[tuple[int, ...], tuple[int, ...]]]]] = {
    "freesurfer": (_FREESURFER_SHARED, _FREESURFER_SIDED),
    "hoa2": (_HOA2_SHARED, _HOA2_SIDED),
}


def tissue_lookup(source: str, side: Side) -> NDArray[np.uint8]:
    """Table from a source's label to a tissue, seen from one side.

    Args:
        source: ``freesurfer`` or ``hoa2``.
        side: The side whose striatum and pallidum are wanted.

    Returns:
        (largest label + 1,) uint8; labels without a tissue give air.
    """
    shared, sided = SOURCES[source]
    largest = max(max(v) for v in shared.values())
    largest = max(largest, *(max(*left, *right) for left, right in sided.values()))
    table = np.zeros(largest + 1, dtype=np.uint8)
    for name, labels in shared.items():
        table[list(labels)] = INDEX[name]
    own = 0 if side is Side.LEFT else 1
    for name, pair in sided.items():
        table[list(pair[own])] = INDEX[WHOLE.get(name, name)]
        table[list(pair[1 - own])] = INDEX[_OTHER_SIDE[name]]
    return table


def output_lookup(outputs: tuple[str, ...]) -> NDArray[np.uint8]:
    """Table from tissue to the channel of a network: 0 is background, 1 the first output.

    Args:
        outputs: Names of structures; ``caudate`` takes ``caudate/…``, ``anterior caudate`` takes
            ``…/anterior caudate``, ``pallidum`` takes both of its parts, ``ventral diencephalon`` the nuclei in it.
    """
    table = np.zeros(len(TISSUES), dtype=np.uint8)
    for number, tissue in enumerate(TISSUES):
        whole, _, part = tissue.name.partition("/")
        names = {whole, part, whole.removeprefix("external ").removeprefix("internal ")}
        if tissue.name in _IN_VENTRAL_DIENCEPHALON:
            names.add("ventral diencephalon")
        for channel, output in enumerate(outputs, start=1):
            if output in names and tissue.name != "air":
                table[number] = channel
    return table
