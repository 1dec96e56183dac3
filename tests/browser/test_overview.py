"""The cluster in one look."""

import time

#: How soon people are promised to see that a Spore is gone.
PROMISED_SECONDS = 10.0


def test_every_spore_is_there(visitor):
    visitor.log_in("viewer")

    visitor.sees("3 online")
    visitor.click("as a table")

    for name in ("spore-1", "spore-2", "spore-3"):
        visitor.sees(name)


def test_a_job_that_was_done_is_there(visitor, hive):
    hive.map("text.word_count", ["to bee or not to bee"])

    visitor.log_in("viewer")

    visitor.sees("text.word_count")
    visitor.sees("succeeded")


def test_a_killed_spore_is_shown_as_lost_and_found_again(visitor, colony):
    visitor.log_in("operator")
    visitor.is_told("live")

    with visitor.stays():
        killed_at = time.monotonic()
        colony.kill("spore-2")
        visitor.sees("1 lost", within=killed_at + PROMISED_SECONDS - time.monotonic())
        visitor.sees("spore-2 is lost")
        visitor.is_told("live")
        colony.heal()
        visitor.sees("3 online")
        visitor.sees_no("spore-2 is lost")
