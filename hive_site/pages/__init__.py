"""The pages that people look at: whole from the server, then live through `/ws/live/`."""
