"""The 2.5-D network: shapes, gates, supervised outputs."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="torch (extra train) is not installed")

from deepgray.train.attention import OUTPUT_WEIGHTS, AttentionGate, AttentionUNet, supervised_loss  # noqa: E402
from deepgray.train.losses import dice_cross_entropy, shares  # noqa: E402

torch.set_num_threads(1)
WIDTHS = (4, 6, 8, 10, 12)


@pytest.mark.parametrize("attention", [True, False])
@pytest.mark.parametrize(("height", "width"), [(32, 32), (48, 32)])
def test_three_outputs_are_supervised_each_half_as_fine(attention: bool, height: int, width: int) -> None:  # noqa: FBT001
    network = AttentionUNet(4, WIDTHS, attention=attention).eval()
    outputs = network.all_scales(torch.rand(2, 3, height, width))
    assert [tuple(o.shape) for o in outputs] == [(2, 4, height // n, width // n) for n in (1, 2, 4)]
    assert len(outputs) == len(OUTPUT_WEIGHTS) == len(network.heads)
    assert tuple(network(torch.rand(1, 3, height, width)).shape) == (1, 4, height, width)


def test_the_image_goes_in_at_a_half_a_quarter_and_an_eighth() -> None:
    network = AttentionUNet(2, WIDTHS).eval()
    seen: list[tuple[int, ...]] = []
    for branch in network.scaled:
        branch.register_forward_hook(lambda _, inputs, __: seen.append(tuple(inputs[0].shape)))
    network(torch.rand(1, 3, 32, 32))
    assert seen == [(1, 3, 16, 16), (1, 3, 8, 8), (1, 3, 4, 4)]


def test_gates_let_through_between_nothing_and_all() -> None:
    torch.manual_seed(0)
    gate = AttentionGate(4, 6)
    skip, coarse = 5 * torch.randn(2, 4, 16, 16), 5 * torch.randn(2, 6, 8, 8)
    passed = gate.coefficients(skip, coarse).detach()
    assert passed.shape == (2, 1, 16, 16)
    assert 0 <= float(passed.min()) < float(passed.max()) <= 1
    assert gate(skip, coarse).shape == skip.shape


def test_a_closed_gate_hides_the_skip_connection() -> None:
    gate = AttentionGate(4, 6).eval()
    torch.nn.init.constant_(gate.score.bias, -60.0)
    coarse = torch.randn(1, 6, 8, 8)
    one, other = gate(torch.randn(1, 4, 16, 16), coarse), gate(torch.randn(1, 4, 16, 16), coarse)
    torch.testing.assert_close(one, other)


def test_without_attention_there_is_no_gate() -> None:
    with_gates, without = AttentionUNet(2, WIDTHS), AttentionUNet(2, WIDTHS, attention=False)
    assert len(with_gates.gates) == 4
    assert len(without.gates) == 0
    names = {n for n in with_gates.state_dict() if not n.startswith("gates.")}
    assert names == set(without.state_dict())


def test_outputs_weigh_six_three_and_one_tenth() -> None:
    target = torch.zeros(1, 8, 8, dtype=torch.long)
    target[0, 2:6, 2:6] = 1
    outputs = [torch.randn(1, 2, 8 // n, 8 // n) for n in (1, 2, 4)]
    wanted = 0.0
    for weight, step, output in zip((0.6, 0.3, 0.1), (1, 2, 4), outputs, strict=True):
        truth = shares(target[:, ::step, ::step], 2)[..., None]
        wanted += weight * float(dice_cross_entropy(output[..., None], truth))
    assert float(supervised_loss(outputs, target)) == pytest.approx(wanted, rel=1e-5)
