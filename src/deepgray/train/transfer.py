"""A new network begins with the weights of another: what fits is loaded, its two ends are adapted, the rest is new.

Layers are matched by name and shape. The first layer is adapted by the names of the inputs: a shared input keeps its
weights, a new one begins at zero, so that the network answers at first as if it were not there. Output layers, those of
deep supervision too, are adapted by the names of the outputs: see ``origins``. Convolutions do not know the voxel size,
so any is fine.
"""

from __future__ import annotations

import math
import pickle
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

import onnx
import torch
from google.protobuf.message import DecodeError
from onnx import numpy_helper
from rich.table import Table
from torch import Tensor, nn

from deepgray.anatomy import HEMISPHERES, STRUCTURES
from deepgray.engine import RECIPE_KEY
from deepgray.errors import ModelError, SettingsError
from deepgray.recipe import recipe_from_json

LOADED, ADAPTED, NEW = "loaded", "adapted", "new"
# Ends the name of a weight that a network file stores as float16.
HALVED = ".half"


@dataclass(frozen=True)
class Ends:
    """What goes into a network and comes out of it, and the layers that know it.

    Attributes:
        first: Name of the convolution that sees the inputs.
        heads: Names of the convolutions that give the outputs.
        inputs: Names of the input channels.
        outputs: Names of the output channels after the background.
    """

    first: str
    heads: tuple[str, ...]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """Weights to begin with.

    Attributes:
        weights: Tensors by name.
        inputs: Names of the input channels.
        outputs: Names of the output channels after the background.
        where: Where it came from, for messages.
    """

    weights: Mapping[str, Tensor]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    where: str


@dataclass(frozen=True)
class Row:
    """One line of the table of a transfer.

    Attributes:
        layer: Part of the network.
        how: ``loaded``, ``adapted`` or ``new``.
        tensors: How many of its tensors.
        note: What came from where, or why not.
    """

    layer: str
    how: str
    tensors: int
    note: str


@dataclass(frozen=True)
class Transfer:
    """What a transfer did.

    Attributes:
        rows: The table.
        free: Names of the parameters that learn from the first step on: output layers, and what was adapted or is new.
    """

    rows: tuple[Row, ...]
    free: tuple[str, ...]


def save_whole(what: object, path: Path) -> None:
    """Write what torch can load again: whole, or not at all. The folder is made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    torch.save(what, partial)
    partial.replace(path)


def read_checkpoint(path: Path) -> Checkpoint:
    """The averaged weights in ``best.pt`` or ``last.pt`` of a run, or those of a network file (.onnx).

    A network file has the finest output layer alone: those of deep supervision begin anew.

    Raises:
        ModelError: Missing, or no checkpoint; or a ``last.pt`` of an earlier version without ``best.pt`` beside it.
    """
    if path.suffix == ".onnx":
        return _read_network_file(path)
    try:
        kept = torch.load(path, weights_only=True, map_location="cpu")
        weights = kept["weights"] if "weights" in kept else kept["average"]
        if "recipe" not in kept:  # a last.pt of an earlier version
            kept = torch.load(path.with_name("best.pt"), weights_only=True, map_location="cpu")
        recipe = recipe_from_json(kept["recipe"])
    except (OSError, EOFError, KeyError, RuntimeError, TypeError, SettingsError, pickle.UnpicklingError) as error:
        reason = " ".join(str(error).split())[:200]
        raise ModelError(
            "A checkpoint of deepgray (best.pt or last.pt of a run), an .onnx file or a network's name is wanted,"
            f" {path} cannot be read: {reason}."
        ) from error
    return Checkpoint(weights, recipe.inputs, recipe.outputs, str(path))


def _read_network_file(path: Path) -> Checkpoint:
    try:
        model = onnx.load(path)
        recipe = recipe_from_json(next(entry.value for entry in model.metadata_props if entry.key == RECIPE_KEY))
    except (OSError, StopIteration, DecodeError, SettingsError) as error:
        raise ModelError(f"A network file of deepgray is wanted, {path} cannot be read.") from error
    arrays = {t.name.removesuffix(HALVED): numpy_helper.to_array(t) for t in model.graph.initializer}
    weights = {name: torch.tensor(array, dtype=torch.float32) for name, array in arrays.items()}
    return Checkpoint(weights, recipe.inputs, recipe.outputs, str(path))


def origins(new: tuple[str, ...], old: tuple[str, ...], classes: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    """Which outputs of a checkpoint each new output begins with.

    What ``classes`` says; else the output of the same name; else the merged structure it is a part of (``caudate`` for
    ``anterior caudate``, ``nigra and subthalamic nucleus`` for ``substantia nigra``); else the parts it is made of.

    Args:
        new: Outputs of the new network.
        old: Outputs of the checkpoint.
        classes: New output to old output, where a person says so.

    Returns:
        For every new output its origins; none where it begins anew.

    Raises:
        SettingsError: ``classes`` names an output that is not there.
    """
    for names, known, whose in ((classes.keys(), new, "new network"), (classes.values(), old, "checkpoint")):
        strange = sorted(set(names) - set(known))
        if strange:
            raise SettingsError(f"Outputs of the {whose} are wanted ({', '.join(known)}), {', '.join(strange)} came.")
    return {name: (classes[name],) if name in classes else _origins(name, old) for name in new}


def _origins(name: str, old: tuple[str, ...]) -> tuple[str, ...]:
    if name in old:
        return (name,)
    wholes = tuple(o for o in old if _is_part(name, o))
    return wholes[:1] or tuple(o for o in old if _is_part(o, name))


def _is_part(part: str, whole: str) -> bool:
    """By the table of structures, or by a name such as ``nigra and subthalamic nucleus``; on one side where named."""
    (side, part), (other, whole) = _sided(part), _sided(whole)
    if side != other:
        return False
    if any(s.name == part and s.parent == whole for s in STRUCTURES):
        return True
    pieces = whole.split(" and ")
    return len(pieces) > 1 and any(set(piece.split()) <= set(part.split()) for piece in pieces)


def _sided(name: str) -> tuple[str, str]:
    first, _, rest = name.partition(" ")
    return (first, rest) if first in tuple(HEMISPHERES) else ("", name)


def carry(network: nn.Module, checkpoint: Checkpoint, ends: Ends, classes: Mapping[str, str] | None = None) -> Transfer:
    """Bring a checkpoint's weights into a network, in place.

    Where one old output is divided among several new ones, each gets its weights and a bias lowered by the logarithm of
    their number, so that together they are as likely as it was. Where old outputs become one, it gets their mean, and a
    bias raised alike.

    Args:
        network: The new network; what is not carried stays as it is.
        checkpoint: Where the weights come from.
        ends: The new network's ends; the checkpoint's layers have the same names.
        classes: New output to old output, where a person says so; see ``origins``.

    Returns:
        What was loaded, adapted and is new.

    Raises:
        ModelError: No layer but the ends fits.
        SettingsError: ``classes`` names an output that is not there.
    """
    sources = origins(ends.outputs, checkpoint.outputs, classes or {})
    own = network.state_dict()
    notes = {name: _carried(name, tensor, checkpoint, ends, sources) for name, tensor in own.items()}
    if not any(
        how == LOADED and own[n].ndim > 2 and _layer(n) not in (ends.first, *ends.heads)
        for n, (how, _) in notes.items()
    ):
        raise ModelError(
            f"A checkpoint with layers that fit is wanted, {checkpoint.where} has none: of its"
            f" {len(checkpoint.weights)} tensors none but those at its ends has a name and a shape of the new network."
        )
    fast = {n for n, (how, _) in notes.items() if how != LOADED or _layer(n) in ends.heads}
    return Transfer(_rows(notes), tuple(n for n, _ in network.named_parameters() if n in fast))


def _carried(
    name: str, tensor: Tensor, checkpoint: Checkpoint, ends: Ends, sources: Mapping[str, tuple[str, ...]]
) -> tuple[str, str]:
    """Fill one tensor of the new network as far as the checkpoint goes; how, and a note."""
    old = checkpoint.weights.get(name)
    if old is None:
        return NEW, "not in the checkpoint"
    if _layer(name) in ends.heads and old.shape[1:] == tensor.shape[1:]:
        return _adapt_outputs(tensor, old, checkpoint.outputs, sources)
    if name == f"{ends.first}.weight" and _differs_in_channels(old, tensor):
        return _adapt_inputs(tensor, old, checkpoint.inputs, ends.inputs)
    if old.shape == tensor.shape:
        tensor.copy_(old)
        return LOADED, ""
    return NEW, f"{_size(tensor)} wanted, {_size(old)} in the checkpoint"


def _layer(name: str) -> str:
    return name.rpartition(".")[0]


def _size(tensor: Tensor) -> str:
    return "×".join(map(str, tensor.shape)) or "1"


def _differs_in_channels(old: Tensor, new: Tensor) -> bool:
    return old.ndim == new.ndim and old.shape[0] == new.shape[0] and old.shape[2:] == new.shape[2:]


def _adapt_inputs(new: Tensor, old: Tensor, had: tuple[str, ...], wanted: tuple[str, ...]) -> tuple[str, str]:
    """Fill the weights of a first layer, (channels out, inputs, …)."""
    if old.shape[1] != len(had):
        return NEW, f"{_size(new)} wanted, {_size(old)} in the checkpoint"
    new.zero_()
    for place, name in enumerate(wanted):
        if name in had:
            new[:, place] = old[:, had.index(name)]
    if had == wanted:
        return LOADED, ""
    kept, fresh = [n for n in wanted if n in had], [n for n in wanted if n not in had]
    dropped = [n for n in had if n not in wanted]
    parts = (("copied: ", kept), ("from zero: ", fresh), ("left out: ", dropped))
    return ADAPTED, "; ".join(words + ", ".join(names) for words, names in parts if names)


def _adapt_outputs(
    new: Tensor, old: Tensor, had: tuple[str, ...], sources: Mapping[str, tuple[str, ...]]
) -> tuple[str, str]:
    """Fill weights (outputs, channels, …) or biases (outputs,) of an output layer."""
    wanted = tuple(sources)
    new[0] = old[0]
    for place, name in enumerate(wanted, start=1):
        rows = [1 + had.index(origin) for origin in sources[name]]
        if not rows:
            continue
        new[place] = old[rows].mean(0)
        if new.ndim == 1:
            sharing = sum(1 for other in sources.values() if other == sources[name])
            new[place] += math.log(len(rows) / sharing)
    if had == wanted and all(origin == (name,) for name, origin in sources.items()):
        return LOADED, ""
    told = [f"{n} from {' and '.join(o)}" if o != (n,) else n for n, o in sources.items() if o]
    fresh = [n for n, o in sources.items() if not o]
    parts = (("copied: ", ["background", *told]), ("new: ", fresh))
    return ADAPTED, "; ".join(words + ", ".join(names) for words, names in parts if names)


def _rows(notes: Mapping[str, tuple[str, str]]) -> tuple[Row, ...]:
    """One row for each block of layers and each thing that befell it."""
    grouped: dict[tuple[str, str], list[str]] = {}
    for name, (how, note) in notes.items():
        block = ".".join(name.split(".")[:-1][:2])
        grouped.setdefault((block, how), []).append(note)
    return tuple(Row(block, how, len(told), _joined(told)) for (block, how), told in grouped.items())


def _joined(told: list[str]) -> str:
    seen = list(dict.fromkeys(note for note in told if note))
    return seen[0] + (f" (and {len(seen) - 1} more)" if len(seen) > 1 else "") if seen else ""


def table(transfer: Transfer) -> Table:
    """The table of a transfer, for a terminal."""
    made = Table("layer", "what", "tensors", "note", box=None, padding=(0, 2, 0, 0))
    for row in transfer.rows:
        made.add_row(row.layer, row.how, str(row.tensors), row.note)
    return made


def hold(network: nn.Module, free: Collection[str]) -> None:
    """Let only these parameters learn; all of them where ``free`` is empty."""
    for name, parameter in network.named_parameters():
        parameter.requires_grad_(not free or name in free)
