"""`hive openapi`: the document that describes the REST API."""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from hive_site.kernel.errors import HiveError, Invalid

HELP = "print the OpenAPI document of the REST API"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Where to."""
    parser.add_argument("--out", metavar="FILE", help="write it there instead")


def run(options: dict[str, Any]) -> int:
    """Print it, or write it."""
    text = draw_document()
    if not options["out"]:
        sys.stdout.write(text)
        return 0
    try:
        Path(options["out"]).write_text(text)
    except OSError as error:
        raise Invalid(f"--out {options['out']}: {error.strerror}", field="out") from error
    return 0


def draw_document() -> str:
    """The document as JSON text. Raises `HiveError` if some view is not described as it should."""
    from drf_spectacular.drainage import GENERATOR_STATS
    from drf_spectacular.generators import SchemaGenerator
    from drf_spectacular.validation import validate_schema

    GENERATOR_STATS.reset()
    with GENERATOR_STATS.silence():
        document = SchemaGenerator().get_schema(request=None, public=True)
    validate_schema(document)
    wrong = [*GENERATOR_STATS._error_cache, *GENERATOR_STATS._warn_cache]
    if wrong:
        raise HiveError(f"the API is not wholly described: {'; '.join(wrong)}")
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"
