"""From a checkpoint to a network file: ONNX with float16 weights, the recipe inside, and a generated card."""

from __future__ import annotations

import hashlib
import io
import pickle
import warnings
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import numpy_helper

from deepgray.engine import RECIPE_KEY
from deepgray.errors import ModelError
from deepgray.recipe import Recipe, recipe_from_json
from deepgray.train.networks import UNet

OPSET = 17
# Smaller tensors (biases, norms) stay float32: they weigh nothing and matter most.
SMALLEST_HALVED = 512


def export(checkpoint: Path, target: Path) -> str:
    """Write a network file.

    Args:
        checkpoint: ``best.pt`` of a run.
        target: The file to write.

    Returns:
        Its SHA-256.

    Raises:
        ModelError: The checkpoint cannot be read.
    """
    network, recipe = load_checkpoint(checkpoint)
    model = _to_onnx(network, recipe)
    _halve(model)
    entry = model.metadata_props.add()
    entry.key, entry.value = RECIPE_KEY, recipe.to_json()
    onnx.checker.check_model(model)
    partial = target.with_suffix(".partial")
    onnx.save(model, partial)
    partial.replace(target)
    return hashlib.sha256(target.read_bytes()).hexdigest()


def load_checkpoint(checkpoint: Path) -> tuple[UNet, Recipe]:
    """The averaged network of a run, ready to be used, and its recipe.

    Raises:
        ModelError: The file is missing or is no checkpoint.
    """
    try:
        kept = torch.load(checkpoint, weights_only=True)
        recipe = recipe_from_json(kept["recipe"])
        network = UNet(len(recipe.inputs), 1 + len(recipe.outputs), tuple(kept["widths"]), patch=kept["patch"])
        network.load_state_dict(kept["weights"])
    except (OSError, EOFError, KeyError, RuntimeError, TypeError, pickle.UnpicklingError) as error:
        raise ModelError(f"A checkpoint of deepgray is wanted, {checkpoint} cannot be read: {error}") from error
    return network.eval(), recipe


def _to_onnx(network: UNet, recipe: Recipe) -> onnx.ModelProto:
    side = network.patch * 2 ** (len(network.widths) - 1)
    example = torch.zeros(1, len(recipe.inputs), 2 * side, 2 * side, 2 * side)
    free = {2: "x", 3: "y", 4: "z"}
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the tracing exporter is marked deprecated; it needs no further package
        torch.onnx.export(
            network,
            (example,),
            buffer,  # type: ignore[arg-type]  # the tracing exporter writes to memory too; its types know paths only
            input_names=["image"],
            output_names=["logits"],
            dynamic_axes={"image": free, "logits": free},
            opset_version=OPSET,
            dynamo=False,
        )
    return onnx.load_from_string(buffer.getvalue())


def _halve(model: onnx.ModelProto) -> None:
    """Store large weights as float16 with a cast behind each; engines fold the cast when they load the file."""
    casts = []
    for tensor in model.graph.initializer:
        values = numpy_helper.to_array(tensor)
        if values.dtype != np.float32 or values.size < SMALLEST_HALVED:
            continue
        name = tensor.name
        tensor.CopyFrom(numpy_helper.from_array(values.astype(np.float16), f"{name}.half"))
        casts.append(onnx.helper.make_node("Cast", [f"{name}.half"], [name], to=onnx.TensorProto.FLOAT))
    nodes = [*casts, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
