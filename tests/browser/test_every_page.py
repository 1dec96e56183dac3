"""What holds on every page: it can be read, light and dark, on a desk and on a phone."""

import pytest

from tests.end_to_end.releases import publish_note

PAGES = (
    *("/", "/?view=table", "/nodes/", "/nodes/spore-1/", "/jobs/", "/queues/", "/rollouts/"),
    *("/search/?q=spore", "/jobs/?state=cancelled", "/nodes/nobody/", "/rollouts/{rollout}/"),
    *(f"/jobs/{{job}}/?tab={tab}" for tab in ("grid", "timeline", "results", "errors")),
    *(f"/jobs/{{job}}/?tab={tab}" for tab in ("log", "input", "events")),
    *("/jobs/{job}/subtasks/1/", "/queues/background/pause/"),
    *("/admin/", "/admin/jobs/job/", "/admin/jobs/job/{job}/change/", "/admin/nodes/node/"),
    *("/admin/nodes/invite/", "/admin/nodes/invite/add/", "/admin/nodes/nodecredential/"),
)
LIKINGS = ("light", "dark")


@pytest.fixture(scope="module")
def pages(colony, tmp_path_factory):
    """Where there is something to see: a job with a result and an error, a rollout."""
    items = ["a plain text", "object"]
    job = colony.hive.submit("odd.result", items, retries=0)["id"]
    publish_note(colony, "1.1.0", tmp_path_factory.mktemp("release"))
    colony.manage("ota", "rollout", "1.1.0", "--strategy", "manual")
    [rollout] = colony.hive.request("GET", "ota/rollouts/")["results"]
    colony.hive.wait(job, 30)
    return [page.format(job=job, rollout=rollout["id"]) for page in PAGES]


def look(visitor, pages, find):
    """What `find` finds on each page that is not as it should be."""
    found = {}
    visitor.expect("404 (Not Found)")  # of the node that there is not
    for path in pages:
        visitor.open(path)
        visitor.rest()
        found[path] = find()
    return {path: problems for path, problems in found.items() if problems}


@pytest.mark.parametrize("liking", LIKINGS)
def test_every_text_stands_out(visitor, pages, liking):
    visitor.log_in("admin")
    getattr(visitor, liking)()

    assert look(visitor, pages, visitor.contrast_problems) == {}


@pytest.mark.parametrize("liking", LIKINGS)
def test_the_door_can_be_read(visitor, liking):
    getattr(visitor, liking)()

    assert look(visitor, ["/login/"], visitor.contrast_problems) == {}


@pytest.mark.parametrize("screen", ["phone", "desktop"])
def test_nothing_is_wider_than_the_screen(visitor, pages, screen):
    visitor.log_in("admin")
    getattr(visitor, screen)()

    assert look(visitor, pages, visitor.overflow) == {}
