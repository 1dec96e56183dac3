import pytest

from hive_site.kernel import errors

FACTS = [
    errors.Invalid,
    errors.NotFound,
    errors.Conflict,
    errors.TooLarge,
    errors.Unprocessable,
    errors.Unavailable,
    errors.Deposed,
]


@pytest.mark.parametrize("fact", FACTS)
def test_every_fact_can_be_caught_at_the_edge_and_reads_as_it_was_said(fact):
    with pytest.raises(errors.HiveError, match="spore-1 is lost"):
        raise fact("spore-1 is lost")


def test_what_is_invalid_may_name_its_field():
    assert errors.Invalid("give 1 or more", field="slots").field == "slots"
    assert errors.Invalid("give an object").field == ""


def test_what_is_too_large_is_invalid_too():
    fact = errors.TooLarge("over 100,000 items", field="items")

    assert isinstance(fact, errors.Invalid)
    assert fact.field == "items"
