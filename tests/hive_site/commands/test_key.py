import pytest

from hive_site.commands.key import read_scopes
from hive_site.kernel.errors import Invalid
from nodes.services import create_api_key


def test_scopes_may_be_written_with_spaces_and_count_once():
    assert read_scopes(" submit, read ,submit") == ["submit", "read"]


@pytest.mark.parametrize("text", ["", ",", "admin", "submit,admin"])
def test_what_is_no_scope_is_refused(text):
    with pytest.raises(Invalid, match="give some of submit,read,control,ota"):
        read_scopes(text)


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["", "  "])
def test_a_key_without_a_name_is_refused(name):
    with pytest.raises(Invalid, match="give a name"):
        create_api_key(name=name, scopes=["read"])
