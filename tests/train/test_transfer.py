"""Weights carried into a network with other inputs and outputs: what is copied, adapted, new, and refused."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="torch (extra train) is not installed")

from drawing_networks import recipe_of  # noqa: E402
from rich.console import Console  # noqa: E402

from deepgray.errors import ModelError, SettingsError  # noqa: E402
from deepgray.train.export import export  # noqa: E402
from deepgray.train.networks import UNet  # noqa: E402
from deepgray.train.transfer import (  # noqa: E402
    ADAPTED,
    LOADED,
    NEW,
    Checkpoint,
    Ends,
    Transfer,
    carry,
    hold,
    origins,
    read_checkpoint,
    table,
)

torch.set_num_threads(1)
MERGED = ("red nucleus", "nigra and subthalamic nucleus")
SPLIT = ("red nucleus", "substantia nigra", "subthalamic nucleus")
IMAGE = torch.linspace(-1, 1, 8**3).reshape(1, 1, 8, 8, 8)


def network_of(inputs: int, outputs: int, widths: tuple[int, ...] = (4, 6), seed: int = 0) -> UNet:
    torch.manual_seed(seed)
    return UNet(inputs, 1 + outputs, widths).eval()


def ends_of(network: UNet, inputs: tuple[str, ...], outputs: tuple[str, ...]) -> Ends:
    return Ends("encoder.0.0.0", tuple(f"heads.{n}" for n in range(len(network.heads))), inputs, outputs)


def checkpoint_of(network: UNet, inputs: tuple[str, ...], outputs: tuple[str, ...]) -> Checkpoint:
    return Checkpoint(network.state_dict(), inputs, outputs, "old.pt")


def carried(
    old: UNet, new: UNet, outputs: tuple[tuple[str, ...], tuple[str, ...]], inputs: tuple[str, ...] = ("image",)
) -> Transfer:
    return carry(new, checkpoint_of(old, ("image",), outputs[0]), ends_of(new, inputs, outputs[1]))


def probabilities(network: UNet, image: torch.Tensor) -> list[torch.Tensor]:
    with torch.no_grad():
        return [scale.softmax(1)[0] for scale in network.all_scales(image)]


def test_the_same_network_comes_over_whole() -> None:
    old, new = network_of(1, 2), network_of(1, 2, seed=1)
    done = carried(old, new, (MERGED, MERGED))
    assert {row.how for row in done.rows} == {LOADED}
    assert torch.equal(old(IMAGE), new(IMAGE))


def test_a_split_class_is_at_first_as_likely_as_the_merged_one() -> None:
    old, new = network_of(1, 2, (4, 6, 8)), network_of(1, 3, (4, 6, 8), seed=1)
    done = carried(old, new, (MERGED, SPLIT))
    assert [r.layer for r in done.rows if r.how == ADAPTED] == ["heads.0", "heads.1"]  # that of deep supervision too
    for before, after in zip(probabilities(old, IMAGE), probabilities(new, IMAGE), strict=True):
        torch.testing.assert_close(after[:2], before[:2])
        torch.testing.assert_close(after[2] + after[3], before[2])
        torch.testing.assert_close(after[2], after[3])


def test_classes_follow_their_names_not_their_places() -> None:
    old, new = network_of(1, 2), network_of(1, 2, seed=1)
    carried(old, new, (("caudate", "putamen"), ("putamen", "caudate")))
    before, after = probabilities(old, IMAGE)[0], probabilities(new, IMAGE)[0]
    torch.testing.assert_close(after, before[[0, 2, 1]])


def test_parts_become_one_with_their_mean() -> None:
    old, new = network_of(1, 2), network_of(1, 1, seed=1)
    carried(old, new, (("substantia nigra", "subthalamic nucleus"), ("nigra and subthalamic nucleus",)))
    weight, bias = old.heads[0].weight, old.heads[0].bias
    torch.testing.assert_close(new.heads[0].weight[1], (weight[1] + weight[2]) / 2)
    torch.testing.assert_close(new.heads[0].bias[1], (bias[1] + bias[2]) / 2 + math.log(2))


def test_a_class_that_was_never_seen_begins_anew() -> None:
    old, new = network_of(1, 1), network_of(1, 2, seed=1)
    random = new.heads[0].weight[2].clone()
    done = carried(old, new, (("red nucleus",), ("red nucleus", "dentate nucleus")))
    assert torch.equal(new.heads[0].weight[2], random)
    assert next(r.note for r in done.rows if r.layer == "heads.0") == (
        "copied: background, red nucleus; new: dentate nucleus"
    )


def test_a_new_input_changes_nothing_at_first() -> None:
    old, new = network_of(1, 2), network_of(2, 2, seed=1)
    done = carried(old, new, (MERGED, MERGED), ("image", "caudate"))
    assert next(r.note for r in done.rows if r.how == ADAPTED) == "copied: image; from zero: caudate"
    with_mask = torch.cat([IMAGE, torch.ones_like(IMAGE)], dim=1)
    torch.testing.assert_close(new(with_mask), old(IMAGE))


def test_layers_of_another_width_are_new_and_the_table_says_why() -> None:
    old, new = network_of(1, 2, (4, 6, 8)), network_of(1, 2, (4, 6, 10), seed=1)
    done = carried(old, new, (MERGED, MERGED))
    deep = next(r for r in done.rows if (r.layer, r.how) == ("encoder.2", NEW))
    assert "10×6×3×3×3 wanted, 8×6×3×3×3 in the checkpoint" in deep.note
    assert torch.equal(new.encoder[0][0][0].weight, old.encoder[0][0][0].weight)
    console = Console(width=120)
    with console.capture() as seen:
        console.print(table(done))
    assert "encoder.2" in seen.get()


def test_a_checkpoint_that_fits_nothing_is_refused() -> None:
    with pytest.raises(ModelError, match=r"layers that fit is wanted, old.pt has none"):
        carried(network_of(1, 2, (4, 6)), network_of(1, 2, (5, 7)), (MERGED, MERGED))


def test_who_begins_with_what() -> None:
    assert origins(SPLIT, MERGED, {}) == {
        "red nucleus": ("red nucleus",),
        "substantia nigra": ("nigra and subthalamic nucleus",),
        "subthalamic nucleus": ("nigra and subthalamic nucleus",),
    }
    assert origins(("anterior caudate", "thalamus"), ("caudate", "putamen"), {}) == {
        "anterior caudate": ("caudate",), "thalamus": (),
    }  # fmt: skip
    sided = tuple(f"{side} nigra and subthalamic nucleus" for side in ("left", "right"))
    assert origins(("right subthalamic nucleus",), sided, {}) == {
        "right subthalamic nucleus": ("right nigra and subthalamic nucleus",)
    }
    assert origins(("dentate nucleus",), ("caudate",), {"dentate nucleus": "caudate"}) == {
        "dentate nucleus": ("caudate",)
    }


@pytest.mark.parametrize(("new", "old"), [("lentil", "caudate"), ("putamen", "lentil")])
def test_a_class_that_is_not_there_is_refused(new: str, old: str) -> None:
    with pytest.raises(SettingsError, match=r"lentil came"):
        origins(("putamen",), ("caudate",), {new: old})


def test_what_is_held_does_not_learn() -> None:
    old, new = network_of(1, 2), network_of(1, 3, seed=1)
    done = carried(old, new, (MERGED, SPLIT))
    assert set(done.free) == {"heads.0.weight", "heads.0.bias"}
    hold(new, done.free)
    assert {n for n, p in new.named_parameters() if p.requires_grad} == set(done.free)
    hold(new, ())
    assert all(p.requires_grad for p in new.parameters())


def test_both_checkpoints_of_a_run_are_read(tmp_path: Path) -> None:
    network, recipe = network_of(1, 4), recipe_of("striatum-outline")
    best = {"weights": network.state_dict(), "recipe": recipe.to_json()}
    torch.save(best, tmp_path / "best.pt")
    torch.save({"average": network.state_dict(), "network": {}}, tmp_path / "last.pt")
    for name in ("best.pt", "last.pt"):
        found = read_checkpoint(tmp_path / name)
        assert found.outputs == recipe.outputs
        assert torch.equal(found.weights["heads.0.bias"], network.heads[0].bias)


def test_a_network_file_gives_the_weights_it_was_made_of(tmp_path: Path) -> None:
    network, recipe = network_of(1, 4, (4, 8, 12)), recipe_of("striatum-outline")
    for parameter in network.parameters():  # as after training: no two are alike, so that the file keeps each
        torch.nn.init.normal_(parameter, std=0.2)
    kept = {"weights": network.state_dict(), "widths": (4, 8, 12), "patch": 1, "recipe": recipe.to_json()}
    torch.save(kept, tmp_path / "best.pt")
    export(tmp_path / "best.pt", tmp_path / "network.onnx")
    found = read_checkpoint(tmp_path / "network.onnx")
    assert (found.inputs, found.outputs) == (recipe.inputs, recipe.outputs)
    other = network_of(1, 4, (4, 8, 12), seed=1)
    done = carry(other, found, ends_of(other, recipe.inputs, recipe.outputs))
    # Of the output layers the file has the finest alone.
    assert {row.layer: row.how for row in done.rows if row.how != LOADED} == {"heads.0": NEW}
    with torch.no_grad():
        assert torch.allclose(network(IMAGE), other(IMAGE), atol=0.02)


@pytest.mark.parametrize("content", [b"", b"no network"])
def test_another_file_is_refused_as_a_network(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "network.onnx").write_bytes(content)
    with pytest.raises(ModelError, match=r"A network file of deepgray is wanted"):
        read_checkpoint(tmp_path / "network.onnx")


@pytest.mark.parametrize("content", [b"", b"no checkpoint"])
def test_another_file_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "best.pt").write_bytes(content)
    with pytest.raises(ModelError, match=r"A checkpoint of deepgray"):
        read_checkpoint(tmp_path / "best.pt")
