"""bfloat16 where a processor multiplies in it, float32 where it would have to convert each number."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="torch (extra train) is not installed")

from deepgray.train.precision import memory_order, mixed_precision  # noqa: E402


@pytest.mark.parametrize(
    ("capability", "expected"),
    [("AVX2", torch.float32), ("DEFAULT", torch.float32), ("AVX512", torch.bfloat16)],
)
def test_what_a_processor_computes_in(capability: str, expected: torch.dtype, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: capability)
    layer = torch.nn.Linear(2, 2)
    with mixed_precision(torch.device("cpu")):
        assert layer(torch.zeros(1, 2)).dtype == expected
    beside = memory_order(torch.device("cpu")) == torch.channels_last_3d
    assert beside == (expected == torch.float32)
    assert memory_order(torch.device("cuda")) == torch.contiguous_format
