"""In which precision a network computes while it learns."""

from __future__ import annotations

import torch

# Vector units that multiply in bfloat16 only by converting each number: fifteen times slower than in float32.
_WITHOUT_BFLOAT16 = ("DEFAULT", "NO AVX", "AVX2")


def mixed_precision(device: torch.device) -> torch.autocast:
    """A context in which convolutions compute in bfloat16, where that is faster; in float32 elsewhere."""
    slow = device.type == "cpu" and torch.backends.cpu.get_cpu_capability() in _WITHOUT_BFLOAT16
    return torch.autocast(device.type, torch.bfloat16, enabled=not slow)
