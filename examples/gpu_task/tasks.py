"""Work for a GPU. The Hive leases the device; what runs on it is up to the task."""

import os
import time
from importlib.util import find_spec
from typing import Any

from jobs import task


@task("gpu_task.multiply", timeout=120, gpu=1, gpu_memory_mb=1000)
def multiply(ctx: Any, item: int) -> dict[str, Any]:
    """Multiplies two matrices with `item` rows on the device, where there is a PyTorch for it."""
    told = {"gpus": ctx.gpus, "visible": os.environ["CUDA_VISIBLE_DEVICES"], "rows": item}
    if not find_spec("torch"):
        return {**told, "device": "leased, but there is no PyTorch here to use it", "seconds": None}
    import torch

    begun = time.perf_counter()
    # The first device is ours: CUDA_VISIBLE_DEVICES shows no other.
    matrix = torch.rand(item, item, device="cuda:0")
    trace = float((matrix @ matrix).trace())
    seconds = round(time.perf_counter() - begun, 3)
    return {**told, "device": torch.cuda.get_device_name(0), "seconds": seconds, "trace": trace}
