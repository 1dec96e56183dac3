from hive_site.stack.nursery import rest_before


def test_each_death_in_a_row_earns_a_longer_rest_up_to_half_a_minute():
    rests = [rest_before(restart) for restart in range(1, 9)]

    assert rests == [0.5, 1, 2, 4, 8, 16, 30, 30]


def test_a_rest_stays_bounded_however_often_a_child_dies():
    assert rest_before(10_000) == 30
