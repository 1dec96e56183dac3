"""Backups of a whole Hive, and the way back."""
