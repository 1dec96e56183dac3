"""Small programs that use a Hive. Each has its tasks, which Spores import, and a `run.py`."""
