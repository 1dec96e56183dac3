"""The Hive for agents: tools over the Model Context Protocol, on top of the REST API."""
