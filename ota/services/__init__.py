"""The verbs of updates over the air."""
