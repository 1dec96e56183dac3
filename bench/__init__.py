"""Figures of the Hive as ratios to RQ's own worker, taken in the same run on the same machine."""
