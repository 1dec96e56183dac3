"""What templates of the admin write: plain names of what there is."""

from typing import Any

from django import template

from hive_site.admin_shelves import plain_name

register = template.Library()


@register.filter
def called(opts: Any) -> str:
    """What the rows of a model are called, by its `_meta`."""
    return plain_name(opts)
