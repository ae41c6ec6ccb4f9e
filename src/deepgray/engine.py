"""Runs a network file on the processor: with ONNX Runtime, which is always there, or OpenVINO (extra ``fast``).

A network file is ONNX with one input (1, channels, x, y, z) and one output (1, classes, x, y, z), both float32, whose
last three axes are free; those of a network that sees more than it answers for are the recipe's two grids. Its weights
may be stored as float16 with a ``Cast`` to float32 behind each: both engines fold those casts when they load the file,
so that all arithmetic is float32. The recipe is JSON in the metadata key ``recipe``.

Both engines are imported when a network is opened, not before: they are slow to import.
"""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from deepgray.errors import MissingExtraError, ModelError, SettingsError
from deepgray.recipe import Recipe, recipe_from_json

Array = NDArray[np.float32]
Forward = Callable[[Array], Array]

RECIPE_KEY = "recipe"


@dataclass(frozen=True, eq=False)
class Network:
    """A network that is ready to run.

    Attributes:
        recipe: What the network wants and what it gives.
        engine: Name of the engine that runs it.
        forward: From float32 (1, channels, x, y, z) to logits (1, classes, x, y, z).
    """

    recipe: Recipe
    engine: str
    forward: Forward

    def run(self, inputs: Array) -> Array:
        """Run the network once.

        Args:
            inputs: (1, channels, x, y, z) float32; of a wide network on the grid that its recipe sees.

        Returns:
            Logits (1, 1 + number of the recipe's outputs, x, y, z) float32; channel 0 is background. On the grid that
            went in, or that the recipe of a wide network answers for.

        Raises:
            ModelError: The inputs do not have the recipe's channels or grid, or the file gives other classes than its
                recipe.
        """
        name, channels, classes = self.recipe.name, len(self.recipe.inputs), len(self.recipe.outputs) + 1
        if inputs.ndim != 5 or inputs.shape[:2] != (1, channels) or inputs.dtype != np.float32:
            raise ModelError(
                f"Network '{name}': float32 inputs of shape (1, {channels}, x, y, z) are wanted, "
                f"{inputs.dtype} of shape {inputs.shape} came."
            )
        wide = self.recipe.is_wide
        if wide and inputs.shape[2:] != self.recipe.seen.shape:
            raise ModelError(
                f"Network '{name}': a grid of {self.recipe.seen.shape} is wanted, {inputs.shape[2:]} came."
            )
        logits = self.forward(inputs)
        wanted = (1, classes, *(self.recipe.grid.shape if wide else inputs.shape[2:]))
        if logits.shape != wanted:
            raise ModelError(f"Network '{name}': logits of shape {wanted} are wanted, {logits.shape} came.")
        return np.asarray(logits, dtype=np.float32)


def usable_cores() -> int:
    """How many cores this process may use, at least one."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1  # macOS and Windows have no affinity call


def engine_names() -> tuple[str, ...]:
    """The engines that are installed, the fastest first."""
    return tuple(name for name in _ENGINES if importlib.util.find_spec(name) is not None)


def open_network(path: Path, *, threads: int | None = None, engine: str | None = None) -> Network:
    """Open a network file.

    Args:
        path: An ONNX file with its recipe inside.
        threads: Cores to use; all usable ones when None.
        engine: ``openvino`` or ``onnxruntime``; the fastest installed one when None.

    Returns:
        The network, ready to run.

    Raises:
        ModelError: The file is missing or damaged, or holds no recipe.
        MissingExtraError: The engine is not installed.
        SettingsError: No engine has this name, or the number of threads is not positive.
    """
    chosen = _chosen_engine(engine)
    count = usable_cores() if threads is None else threads
    if count < 1:
        raise SettingsError(f"At least one thread is wanted, {count} came.")
    if not path.is_file():
        raise ModelError(f"A network file is wanted at {path}, there is none.")
    try:
        forward, metadata = _ENGINES[chosen](path, count)
    except Exception as error:  # each engine has exceptions of its own, that share no base
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise ModelError(f"A network file in ONNX is wanted, {path} cannot be opened by {chosen}: {reason}") from error
    if RECIPE_KEY not in metadata:
        raise ModelError(f"A network file with a recipe inside is wanted, {path} has none.")
    try:
        recipe = recipe_from_json(metadata[RECIPE_KEY])
    except SettingsError as error:
        raise ModelError(f"{path}: {error}") from error
    return Network(recipe, chosen, forward)


def _chosen_engine(engine: str | None) -> str:
    installed = engine_names()
    if engine is None:
        return installed[0]
    if engine not in _ENGINES:
        raise SettingsError(f"An engine is wanted, one of {', '.join(_ENGINES)}; '{engine}' came.")
    if engine not in installed:
        raise MissingExtraError(f"The engine {engine} is wanted and not installed: pip install 'deepgray[fast]'.")
    return engine


def _onnxruntime(path: Path, threads: int) -> tuple[Forward, dict[str, str]]:
    import onnxruntime  # noqa: PLC0415 (slow to import)

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3  # errors only: its warnings are about placement on other devices
    options.enable_cpu_mem_arena = (
        False  # the arena keeps every peak; without it memory is given back, at the same speed
    )
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # waiting threads leave cores to others
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name

    def forward(inputs: Array) -> Array:
        logits: Array = session.run(None, {name: inputs})[0]
        return logits

    return forward, dict(session.get_modelmeta().custom_metadata_map)


def _openvino(path: Path, threads: int) -> tuple[Forward, dict[str, str]]:
    import openvino  # noqa: PLC0415 (slow to import)

    core = openvino.Core()
    model = core.read_model(str(path))
    settings = {
        "INFERENCE_NUM_THREADS": threads,
        "INFERENCE_PRECISION_HINT": "f32",  # else bfloat16 on processors that have it, and another answer
        "PERFORMANCE_HINT": "LATENCY",
    }
    compiled: dict[tuple[int, ...], openvino.CompiledModel] = {}

    def forward(inputs: Array) -> Array:
        if inputs.shape not in compiled:  # a fixed shape runs faster; only the last one is kept
            compiled.clear()
            model.reshape(list(inputs.shape))
            compiled[inputs.shape] = core.compile_model(model, "CPU", settings)
        logits: Array = compiled[inputs.shape]([inputs])[0]
        return logits

    has_recipe = model.has_rt_info(["framework", RECIPE_KEY])
    return forward, {RECIPE_KEY: str(model.get_rt_info(["framework", RECIPE_KEY]).value)} if has_recipe else {}


# The fastest first.
_ENGINES: dict[str, Callable[[Path, int], tuple[Forward, dict[str, str]]]] = {
    "openvino": _openvino,
    "onnxruntime": _onnxruntime,
}
