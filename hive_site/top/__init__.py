"""`hive top`: the cluster on a terminal."""
