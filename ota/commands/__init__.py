"""The subcommands of `manage.py ota`, one module each."""
