import pytest

from hive_site.kernel.errors import Invalid
from nodes.api.problems import problem_handler


@pytest.mark.parametrize(
    ("field", "pointer"),
    [("task", "/task"), ("items.3", "/items/3"), ("a/b", "/a~1b"), ("a~b", "/a~0b")],
)
def test_a_pointer_leads_to_the_field_whatever_it_is_called(field, pointer):
    answer = problem_handler(Invalid("no", field=field), {})

    assert f'"pointer": "{pointer}"'.encode() in answer.content
