"""The subcommands of `manage.py ota`, a module each."""
