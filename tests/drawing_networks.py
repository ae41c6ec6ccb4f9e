"""Network files for tests: tiny, made in code, and with an answer that can be worked out by hand.

They know where each voxel lies in their frame (a running sum along each axis) and draw ellipsoids there. The
one for the whole head draws its structures where they belong, so that the pose is the first guess.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from deepgray.locate import REFERENCE
from deepgray.recipe import Recipe
from deepgray.scan import Scan
from deepgray.space import apply_affine


@dataclass(frozen=True)
class Ellipsoid:
    """Where a structure is drawn, mm in the frame."""

    name: str
    centre_mm: tuple[float, float, float]
    radii_mm: tuple[float, float, float]


# Of the left hemisphere; accumbens joins caudate and putamen, so that all are one body.
NUCLEI = (
    Ellipsoid("caudate", (-12, 4, 11), (6, 15, 11)),
    Ellipsoid("putamen", (-26, 0, 3), (7, 17, 11)),
    Ellipsoid("accumbens", (-15, 10, -3), (8, 6, 5)),
    Ellipsoid("pallidum", (-17, -6, 1), (4, 7, 6)),
)
PARTS = (
    Ellipsoid("ventral striatum", (-15, 12, -8), (9, 9, 9)),
    Ellipsoid("anterior caudate", (-12, 14, 12), (9, 9, 9)),
    Ellipsoid("posterior caudate", (-12, -8, 12), (9, 9, 9)),
    Ellipsoid("anterior putamen", (-26, 10, 5), (9, 9, 9)),
    Ellipsoid("posterior putamen", (-26, -10, 8), (9, 9, 9)),
    Ellipsoid("ventral putamen", (-26, -10, -6), (9, 9, 9)),
)
# What helps the nuclei to give the AC–PC frame.
AROUND = (
    Ellipsoid("thalamus", (-10, -20, 8), (6, 8, 6)),
    Ellipsoid("hippocampus", (-23, -22, -10), (5, 9, 5)),
    Ellipsoid("amygdala", (-21, -4, -14), (5, 5, 5)),
    Ellipsoid("ventral diencephalon", (-9, -16, -7), (5, 6, 5)),
    Ellipsoid("third ventricle", (0, -10, 2), (3, 12, 7)),
)
# Nuclei of the susceptibility tasks; larger than life, so that coarse voxels hold them.
DENTATES = (Ellipsoid("dentate nucleus", (-16, -56, -34), (7, 9, 7)),)
MIDBRAIN = (
    Ellipsoid("red nucleus", (-5, -18, -9), (3.5, 4, 4)),
    Ellipsoid("substantia nigra", (-11, -16, -14), (3.5, 5, 4)),
    Ellipsoid("subthalamic nucleus", (-12, -14, -5), (3.5, 4, 3.5)),
)
# Both sides in one: half of an ellipsoid of radius r has its centroid 3/8 r from the middle, where a side belongs.
COARSE = tuple(
    Ellipsoid(name, (0.0, y, z), (8 / 3 * x or ry, ry, rz))
    for name, ry, rz in (("thalamus", 9, 9), ("striatum", 10, 10), ("cerebellum", 20, 16), ("brainstem", 9, 14))
    for (x, y, z), _ in [REFERENCE[name]]
)
SPECT_NETWORKS = ("head-locate-spect", "datspect-outline", "datspect-wide")
QSM_NETWORKS = ("head-locate-qsm", "dentate-outline", "midbrain-outline")
STEEPNESS = 10.0
# Above the rest of the brain, however bright it is.
COARSE_STEEPNESS = 1000.0


def recipe_of(network: str, **changes: object) -> Recipe:
    """The recipe of one of the networks."""
    half = {
        "spacing_mm": 2.0,
        "low_mm": (-44.0, -40.0, -24.0),
        "high_mm": (0.0, 40.0, 40.0),
        "mirrored": True,
        "inputs": ("image",),
        "outputs": tuple(e.name for e in NUCLEI),
    }
    head = {
        "spacing_mm": 4.0,
        "low_mm": (-96.0, -114.0, -80.0),
        "high_mm": (96.0, 78.0, 112.0),
        "mirrored": False,
        "inputs": ("image",),
        "outputs": (*(e.name for e in COARSE), "rest of brain"),
    }
    qsm = {"modality": "qsm", "intensity": "susceptibility"}
    spect = {"modality": "spect"}
    parts = {
        **half,
        "inputs": ("image", "caudate", "putamen", "accumbens"),
        "outputs": tuple(e.name for e in PARTS),
    }
    values = {
        "head-locate": head,
        "striatum-outline": half,
        "deep-outline": {**half, "low_mm": (-44.0, -56.0, -38.0), "outputs": _names((*NUCLEI, *AROUND))},
        "striatum-subdivide": parts,
        "head-locate-qsm": {**head, **qsm},
        "head-locate-spect": {**head, **spect},
        "datspect-outline": {**half, **spect, "outputs": ("caudate", "putamen", "accumbens")},
        "datspect-wide": {
            **half,
            **spect,
            "outputs": ("caudate", "putamen", "accumbens"),
            "wide_low_mm": (-96.0, -80.0, -64.0),
            "wide_high_mm": (96.0, 80.0, 80.0),
            "wide_spacing_mm": 4.0,
        },
        "dentate-outline": {
            **half,
            **qsm,
            **_box((-44.0, -84.0, -56.0), (0.0, -28.0, -12.0)),
            "outputs": _names(DENTATES),
        },
        "midbrain-outline": {
            **half,
            **qsm,
            **_box((-28.0, -40.0, -32.0), (0.0, 4.0, 12.0)),
            "outputs": _names(MIDBRAIN),
        },
    }[network]
    return Recipe(**{"name": network, "version": "7", "modality": "mr", **values, **changes})  # type: ignore[arg-type]


def _names(drawn: tuple[Ellipsoid, ...]) -> tuple[str, ...]:
    return tuple(e.name for e in drawn)


def _box(low_mm: tuple[float, float, float], high_mm: tuple[float, float, float]) -> dict[str, object]:
    return {"low_mm": low_mm, "high_mm": high_mm, "spacing_mm": 1.0}


def weights_of(recipe: Recipe) -> np.ndarray:
    """One row per output: constant, image, x, y, z, x², y², z² (mm)."""
    rows = [np.zeros(8)]
    drawn = {e.name: e for e in (*NUCLEI, *PARTS, *DENTATES, *MIDBRAIN, *(AROUND if recipe.mirrored else COARSE))}
    for name in recipe.outputs:
        row = np.zeros(8)
        if name == "rest of brain" and recipe.modality == "qsm":
            row[0] = 5.0  # everywhere: what is zero is left out by itself
        elif name == "rest of brain":
            row[:2] = -5.0, 25.0  # brain where the image is above a fifth of its range
        elif name in drawn:
            centre, radii = (np.array(v, dtype=float) for v in (drawn[name].centre_mm, drawn[name].radii_mm))
            steepness = COARSE_STEEPNESS if drawn[name] in COARSE else STEEPNESS
            row[0] = steepness * (1 - (centre**2 / radii**2).sum())
            row[2:5], row[5:8] = steepness * 2 * centre / radii**2, -steepness / radii**2
        else:
            row[0] = -20.0
        rows.append(row)
    return np.array(rows)


def save_network(path: Path, recipe: Recipe, *, metadata: bool = True) -> Path:
    """Write the network: float16 weights behind a cast, free spatial axes, the recipe inside.

    A wide one takes the first voxels of what it sees for those of its box: it draws where it is asked to all the same.
    """
    onnx = pytest.importorskip("onnx", reason="onnx (extra train) is not installed")
    node, array, info = onnx.helper.make_node, onnx.numpy_helper.from_array, onnx.helper.make_tensor_value_info
    weights = weights_of(recipe)
    inputs, classes = len(recipe.inputs), len(weights)
    shift = np.array(recipe.low_mm, dtype=np.float32) - recipe.spacing_mm / 2
    constants = {
        "first": np.array([0], np.int64), "second": np.array([1], np.int64), "channel": np.array([1], np.int64),
        "nought": np.float32(0).reshape(1), "one": np.float32(1).reshape(1),
        "spacing": np.float32(recipe.spacing_mm).reshape(1), "shift": shift.reshape(1, 3, 1, 1, 1),
        "corner": np.zeros(3, np.int64), "shape": np.array(recipe.grid.shape), "axes": np.array([2, 3, 4], np.int64),
        "axis2": np.array(2, np.int64), "axis3": np.array(3, np.int64), "axis4": np.array(4, np.int64),
        "weights16": weights[:, 1:].reshape(classes, 7, 1, 1, 1).astype(np.float16),
        "bias": weights[:, 0].astype(np.float32),
    }  # fmt: skip
    nodes = [
        node("Cast", ["weights16"], ["weights"], to=onnx.TensorProto.FLOAT),
        *([node("Slice", ["input", "corner", "shape", "axes"], ["answered"])] if recipe.is_wide else []),
        node("Slice", ["answered" if recipe.is_wide else "input", "first", "second", "channel"], ["image"]),
        node("Mul", ["image", "nought"], ["zeros"]),
        node("Add", ["zeros", "one"], ["ones"]),
        *(node("CumSum", ["ones", f"axis{axis}"], [f"index{axis}"]) for axis in (2, 3, 4)),
        node("Concat", ["index2", "index3", "index4"], ["index"], axis=1),
        node("Mul", ["index", "spacing"], ["steps"]),
        node("Add", ["steps", "shift"], ["place"]),
        node("Mul", ["place", "place"], ["square"]),
        node("Concat", ["image", "place", "square"], ["features"], axis=1),
        node("Conv", ["features", "weights", "bias"], ["output"], kernel_shape=[1, 1, 1]),
    ]
    float32 = onnx.TensorProto.FLOAT
    graph = onnx.helper.make_graph(
        nodes,
        "drawing",
        [info("input", float32, [1, inputs, "x", "y", "z"])],
        [info("output", float32, [1, classes, "i", "j", "k"])],
        [array(value, name) for name, value in constants.items()],
    )
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=9)
    if metadata:
        onnx.helper.set_model_props(model, {"recipe": recipe.to_json()})
    onnx.save(model, str(path))
    return path


@pytest.fixture(scope="session")
def drawing_task(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A task file beside the three networks it names, and those of the susceptibility tasks."""
    folder = tmp_path_factory.mktemp("networks")
    for name in (
        "head-locate",
        "striatum-outline",
        "deep-outline",
        "striatum-subdivide",
        *QSM_NETWORKS,
        *SPECT_NETWORKS,
    ):
        save_network(folder / f"{name}.onnx", recipe_of(name))
    path = folder / "drawing.toml"
    path.write_text(
        'name = "drawing"\ntitle = "Ellipsoids"\nmodality = "mr"\nscheme = "striatum"\n'
        'locate_model = "head-locate.onnx"\noutline_model = "striatum-outline.onnx"\n'
        'subdivide_scheme = "striatum12"\nsubdivide_model = "striatum-subdivide.onnx"\nreview_above = 0.9\n'
    )
    return path


@pytest.fixture(scope="session")
def qsm_tasks(drawing_task: Path) -> dict[str, Path]:
    """Task files for dentate nuclei and midbrain, beside their networks."""
    paths = {}
    for name, scheme in (("dentate", "dentate2"), ("midbrain", "midbrain6")):
        paths[name] = drawing_task.with_name(f"{name}.toml")
        paths[name].write_text(
            f'name = "{name}"\ntitle = "Ellipsoids on QSM"\nmodality = "qsm"\nscheme = "{scheme}"\n'
            f'locate_model = "head-locate-qsm.onnx"\nalso_model = "head-locate.onnx"\n'
            f'outline_model = "{name}-outline.onnx"\nmeasures = ["volume", "susceptibility"]\nreview_above = 0.9\n'
        )
    return paths


@pytest.fixture(scope="session")
def spect_task(drawing_task: Path) -> Path:
    """A task file for DaT SPECT, beside its networks."""
    path = drawing_task.with_name("datspect.toml")
    path.write_text(
        'name = "datspect"\ntitle = "Ellipsoids on SPECT"\nmodality = "spect"\nscheme = "datspect"\n'
        'locate_model = "head-locate-spect.onnx"\noutline_model = "datspect-outline.onnx"\nreview_above = 0.9\n'
        'measures = ["volume", "binding"]\nreferences = ["cerebellum", "occipital", "brain", "box"]\n'
        "[category]\nfront_below = 0.6\nbetter_putamen_below = 0.7\nworse_putamen_below = 0.8\n"
    )
    return path


@pytest.fixture(scope="session")
def spect_scan() -> Scan:
    """A head of 1, its striata of 4 on the left and 3 on the right, through a camera; its first axis runs to the left.

    The striata hold the ellipsoids that the networks draw, with so much room that the blur leaves these alone.
    """
    shape, spacing = (62, 74, 58), np.array([3.0, 3.0, 3.2])
    middle = np.array([0.0, -18.0, 16.0])
    affine = np.diag([-spacing[0], spacing[1], spacing[2], 1.0])
    affine[:3, 3] = middle - affine[:3, :3] @ ((np.array(shape) - 1) / 2)
    world = apply_affine(affine, np.stack(np.meshgrid(*[np.arange(n) for n in shape], indexing="ij"), axis=-1))
    head = (((world - middle) / [74, 92, 78]) ** 2).sum(axis=-1) < 1
    voxels = head.astype(np.float32)
    for x, value in ((-19, 4.0), (19, 3.0)):
        voxels[(((world - [x, 2, 6]) / [34 - 16, 36, 32]) ** 2).sum(axis=-1) < 1] = value
    return Scan(gaussian_filter(voxels, 4.0 / spacing).astype(np.float32), affine, "dat", "spect")


@pytest.fixture(scope="session")
def qsm_scan() -> Scan:
    """A susceptibility map around the same middle, finer: zero at the rim, 0.02 ppm on the left, 0.03 on the right."""
    shape, spacing = (112, 136, 136), np.array([1.2, 1.2, 1.2])
    affine = np.diag([-spacing[0], spacing[1], spacing[2], 1.0])
    affine[:3, 3] = np.array([0.0, -18.0, 16.0]) - affine[:3, :3] @ ((np.array(shape) - 1) / 2)
    world = apply_affine(affine, np.stack(np.meshgrid(*[np.arange(n) for n in shape], indexing="ij"), axis=-1))
    inside = np.zeros(shape, dtype=bool)
    inside[4:-4, 4:-4, 4:-4] = True
    sign = np.where(np.indices(shape).sum(axis=0) % 2, 1, -1)  # as many below the mean as above
    ppm = np.where(world[..., 0] < 0, 0.02, 0.03) + 0.08 * sign
    return Scan(np.where(inside, ppm, 0).astype(np.float32), affine, "map", "qsm", "ppm")


@pytest.fixture(scope="session")
def head_scan() -> Scan:
    """A bright ellipsoid in the middle of the whole head's box, so that the first guess is upright and right.

    Anisotropic, its first axis running to the left, brighter to the front.
    """
    shape = (66, 80, 64)
    middle = np.array([0.0, -18.0, 16.0])
    affine = np.diag([-2.5, 2.4, 2.6, 1.0])
    affine[:3, 3] = middle - affine[:3, :3] @ ((np.array(shape) - 1) / 2)
    world = apply_affine(affine, np.stack(np.meshgrid(*[np.arange(n) for n in shape], indexing="ij"), axis=-1))
    inside = (((world - middle) / [65, 80, 65]) ** 2).sum(axis=-1) < 1
    noise = np.random.default_rng(0).random(shape)
    return Scan((np.where(inside, 100 + 0.2 * world[..., 1], 0) + noise).astype(np.float32), affine, stem="head")
