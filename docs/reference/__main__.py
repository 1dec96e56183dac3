"""`python -m docs.reference`: write the reference of commands and endpoints anew."""

import os
import sys


def main() -> int:
    """0 once every page says what the code says."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "hive_site.settings")
    import django

    django.setup()
    from docs.reference.pages import draw_pages

    for path, text in draw_pages().items():
        path.write_text(text)
        sys.stdout.write(f"{path}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
