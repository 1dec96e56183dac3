"""The subcommands of `manage.py hive`, one module each."""
