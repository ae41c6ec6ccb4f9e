"""bfloat16 where a processor has matrix units for it, float32 elsewhere."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="torch (extra train) is not installed")

from deepgray.train.precision import memory_order, mixed_precision  # noqa: E402


@pytest.mark.parametrize(
    ("capabilities", "expected"),
    [
        ({}, torch.float32),
        ({"avx512_bf16": True, "amx_bf16": False}, torch.float32),
        ({"avx512_bf16": True, "amx_bf16": True}, torch.bfloat16),
    ],
)
def test_what_a_processor_computes_in(
    capabilities: dict[str, bool], expected: torch.dtype, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities, raising=False)
    layer = torch.nn.Linear(2, 2)
    with mixed_precision(torch.device("cpu")):
        assert layer(torch.zeros(1, 2)).dtype == expected
    beside = memory_order(torch.device("cpu")) == torch.channels_last_3d
    assert beside == (expected == torch.float32)
    assert memory_order(torch.device("cuda")) == torch.contiguous_format
