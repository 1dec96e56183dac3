"""Pictures of every page of a busy Hive, for the documents. Run by `make screenshots`."""
