"""Which devices compute in bfloat16."""

from collections.abc import Mapping
from typing import Any

import torch


def computes_in_bfloat16(device: torch.device) -> bool:
    """Whether it has instructions for that; emulation is slower than float32."""
    match device.type:
        case "cuda":
            return bool(torch.cuda.is_bf16_supported(including_emulation=False))
        case "cpu":
            capabilities: Mapping[str, Any] = getattr(torch.cpu, "get_capabilities", dict)()  # from PyTorch 2.12 on
            return any(capabilities.get(name, False) for name in ("avx512_bf16", "amx_bf16"))
        case _:
            return False
