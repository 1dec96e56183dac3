"""The Hive as containers: what `hive stack` knows of docker compose and its like."""
