"""Results that are known already."""

#: What a subtask's row says instead of why it ran where it did.
FROM_CACHE = "from the cache"
