"""The most that numbers about tasks and jobs may be."""

MAX_TIMEOUT_SECONDS = MAX_CACHE_SECONDS = 30 * 24 * 3600.0
MAX_DELAY_SECONDS = 10 * 365 * 24 * 3600.0
MAX_REST_SECONDS = 365 * 24 * 3600.0
MAX_RETRIES = 1000
