"""From a checkpoint to a network file: ONNX with float16 weights, the recipe inside, and a generated card."""

from __future__ import annotations

import hashlib
import io
import math
import pickle
import warnings
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import numpy_helper

from deepgray.engine import RECIPE_KEY
from deepgray.errors import ModelError, SettingsError
from deepgray.recipe import Recipe, recipe_from_json
from deepgray.train.networks import OutlineNetwork, network_of
from deepgray.train.transfer import HALVED, save_whole

OPSET = 17
# Smaller tensors (biases, norms) stay float32: they weigh nothing and matter most.
SMALLEST_HALVED = 512
SHARES_WITHIN = 1e-6


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


def load_checkpoint(checkpoint: Path) -> tuple[OutlineNetwork, Recipe]:
    """The averaged network of a run, ready to be used, and its recipe.

    Raises:
        ModelError: The file is missing or is no checkpoint.
    """
    try:
        kept = torch.load(checkpoint, weights_only=True)
        recipe = recipe_from_json(kept["recipe"])
        network = network_of(recipe, tuple(kept["widths"]), patch=kept["patch"])
        network.load_state_dict(kept["weights"])
    except (OSError, EOFError, KeyError, RuntimeError, TypeError, pickle.UnpicklingError) as error:
        raise ModelError(f"A checkpoint of deepgray is wanted, {checkpoint} cannot be read: {error}") from error
    return network.eval(), recipe


def blend_checkpoints(shares: Mapping[Path, float], target: Path, *, border_logit: float) -> None:
    """Write the mean of several checkpoints' weights as one.

    Networks that went on from the same weights lie near enough for their mean to be a network, often one that
    generalises better than each (Wortsman 2022, arXiv:2203.05482).

    Args:
        shares: ``best.pt`` of each run and its share; they add up to one.
        target: The checkpoint to write; it says of no score and no step.
        border_logit: Of the recipe, because each network may draw its borders elsewhere.

    Raises:
        ModelError: A checkpoint cannot be read, or two differ in shape, inputs or outputs.
        SettingsError: The shares do not add up to one.
    """
    if abs(sum(shares.values()) - 1) > SHARES_WITHIN:
        raise SettingsError(f"Shares that add up to 1 are wanted, {', '.join(f'{s:g}' for s in shares.values())} came.")
    networks = [load_checkpoint(path) for path in shares]
    first, recipe = networks[0]
    for path, (network, other) in zip(shares, networks, strict=True):
        alike = (network.widths, network.patch, other.inputs, other.outputs)
        if alike != (first.widths, first.patch, recipe.inputs, recipe.outputs):
            raise ModelError(f"Checkpoints of one shape, with the same inputs and outputs, are wanted; {path} differs.")
    states = [network.state_dict() for network, _ in networks]
    mean = {
        name: sum((share * state[name] for share, state in zip(shares.values(), states, strict=True)), torch.zeros(()))
        for name in states[0]
    }
    kept = {"weights": mean, "widths": first.widths, "patch": first.patch}
    told = {"recipe": replace(recipe, border_logit=border_logit).to_json(), "score": math.nan, "step": 0}
    save_whole({**kept, **told}, target)


def _to_onnx(network: OutlineNetwork, recipe: Recipe) -> onnx.ModelProto:
    side = network.patch * 2 ** (len(network.widths) - 1)
    shape = recipe.seen.shape if recipe.is_wide else (2 * side, 2 * side, 2 * side)
    example = torch.zeros(1, len(recipe.inputs), *shape)
    free = {} if recipe.is_wide else {2: "x", 3: "y", 4: "z"}
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
        name, halved = tensor.name, tensor.name + HALVED
        tensor.CopyFrom(numpy_helper.from_array(values.astype(np.float16), halved))
        casts.append(onnx.helper.make_node("Cast", [halved], [name], to=onnx.TensorProto.FLOAT))
    nodes = [*casts, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
