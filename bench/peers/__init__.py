"""Other queues on the same work, each in an environment of its own, without the Hive."""
