"""What tests of pages may ask for besides."""

from tests.ota.conftest import cluster

__all__ = ["cluster"]
