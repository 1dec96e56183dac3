"""Thumbnails of images. Bytes travel as Base64 in JSON; large ones by reference."""

import base64
import io
from typing import Any

from jobs import Fail, task


@task("thumbnails.shrink", timeout=60, memory_mb=200, version="1")
def shrink(ctx: Any, item: dict[str, str], *, size: int = 128) -> dict[str, Any]:
    """A small JPEG of an image, upright, `size` pixels at most on either side."""
    try:
        from PIL import Image, ImageOps, UnidentifiedImageError
    except ImportError:
        requirements = "examples/thumbnails/requirements.txt"
        raise Fail(f"{ctx.node} has no Pillow: pip install -r {requirements}") from None
    try:
        image = Image.open(io.BytesIO(base64.b64decode(item["data"])))
        upright = ImageOps.exif_transpose(image).convert("RGB")
    except (UnidentifiedImageError, Image.DecompressionBombError, OSError, SyntaxError) as error:
        raise Fail(f"{item['name']}: {error}") from error
    upright.thumbnail((size, size))
    out = io.BytesIO()
    upright.save(out, "JPEG", quality=85)
    width, height = upright.size
    data = base64.b64encode(out.getvalue()).decode()
    return {"name": item["name"], "width": width, "height": height, "data": data}
