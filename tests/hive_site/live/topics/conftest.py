from tests.jobs.conftest import redis, stage, unchecked_stage

__all__ = ["redis", "stage", "unchecked_stage"]
