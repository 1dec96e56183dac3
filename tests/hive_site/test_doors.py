"""Who is let through which door: each address, each method, each role and each kind of key.

A new address without a rule fails here.
"""

import re

import pytest
from django.contrib import admin

from hive_site.pages import job_verbs, nodes, queues, rollout
from tests.hive_site.doors import address, people, programs, routes, who_is_let_through

pytestmark = pytest.mark.usefixtures("db", "redis", "nexus_data")
ROOT = {"root"}
ADMINS = {"admin", *ROOT}
OPERATORS = {"operator", *ADMINS}
VIEWERS = {"viewer", *OPERATORS}
LOOKERS = {"staff", *VIEWERS}
PEOPLE = {"nobody", "stranger", "shut out", *LOOKERS}
LIVE_KEYS = {f"key {scope}" for scope in ("submit", "read", "control", "ota", "pickle")}
EVERYBODY = {*PEOPLE, *LIVE_KEYS, "key revoked", "key expired"}
READERS, SUBMITTERS = LOOKERS | {"key read"}, OPERATORS | {"key submit"}
CONTROLLERS, UPDATERS = OPERATORS | {"key control"}, OPERATORS | {"key ota"}

LOOK, OPEN = {"GET": LOOKERS}, {"GET": EVERYBODY, "POST": EVERYBODY}
PAGES = {
    "": LOOK,
    "nodes/": LOOK,
    "nodes/<str:name>/": LOOK,
    "jobs/": LOOK,
    "jobs/<str:job_id>/": LOOK,
    "jobs/<str:job_id>/results.ndjson": LOOK,
    "jobs/<str:job_id>/subtasks/<int:index>/": LOOK,
    "jobs/<str:job_id>/subtasks/<int:index>/release/": {"POST": OPERATORS},
    "queues/": LOOK,
    "rollouts/": LOOK,
    "rollouts/<str:rollout_id>/": LOOK,
    "search/": LOOK,
    "metrics": {"GET": READERS},
    "login/": OPEN,
    "login/<str:token>/": {},  # a token that is none leads back to the login
    "favicon.ico": OPEN,
    "livez": OPEN,
    "readyz": OPEN,
}
#: No verb of any kind is called "none": those that are, are tried below.
VERBS = {
    f"{kind}/<str:id_>/<slug:verb>/": {"GET": PEOPLE - {"nobody", "shut out"}}
    for kind in ("nodes", "jobs", "queues", "rollouts")
}
VERBS = {route: {**rule, "POST": rule["GET"]} for route, rule in VERBS.items()}
#: Beyond reading: what an address takes, by how it begins and by its method.
REST_WRITES = [
    (r"jobs/<str:job_id>/", "DELETE", ADMINS | {"key submit"}),
    (r"jobs/", "POST", SUBMITTERS),
    (r"jobs/(<str:job_id>/)?(cancel|retry|pause|resume)/", "POST", SUBMITTERS),
    (r"jobs/<str:job_id>/subtasks/<int:index>/release/", "POST", SUBMITTERS),
    (r"deliveries/<str:delivery_id>/retry/", "POST", SUBMITTERS),
    (r"workflows/(<str:workflow>/cancel/)?", "POST", SUBMITTERS),
    (r"schedules/(<str:name>/run/)?", "POST", SUBMITTERS),
    (r"schedules/<str:name>/", "PATCH|DELETE", SUBMITTERS),
    (r"tasks/<str:name>/limits/", "PATCH|DELETE", CONTROLLERS),
    (r"queues/<str:name>/(pause|resume)/", "POST", CONTROLLERS),
    (r"nodes/<str:name>/", "PATCH|DELETE", CONTROLLERS),
    (r"nodes/<str:name>/(drain|cordon|resume|revoke)/", "POST", CONTROLLERS),
    (r"broadcasts/", "POST", CONTROLLERS),
    (r"blobs/<str:sha256>/", "PUT", ROOT),
    (r"ota/releases/", "POST", ADMINS | {"key ota"}),
    (r"ota/rollouts/(<str:rollout_id>/\w+/)?", "POST", UPDATERS),
]
#: What nothing is read from.
REST_VERBS = re.compile(
    r"(.*/)?(cancel|retry|pause|resume|release|run|drain|cordon|revoke|workflows)/"
    r"|ota/(sync|root|rollouts/<str:rollout_id>/\w+)/"
)
#: Whoever joins is nobody yet: a token is its key, and who vouches for the Nexus is no secret.
JOINING = {"nodes/join/": {}, "nodes/join/ca/": {"GET": EVERYBODY}}
#: Who may add, change and delete rows in the admin; who has a role sees them.
NOBODY: set[str] = set()
TABLES = {
    "admin.logentry": (NOBODY, NOBODY, NOBODY),
    "auth.user": (ADMINS, ADMINS, ADMINS),
    "auth.group": (ADMINS, ADMINS, ADMINS),
    "nodes.node": (NOBODY, OPERATORS, OPERATORS),
    "nodes.apikey": (ADMINS, ADMINS, ADMINS),  # to change a list; no row is changed
    "nodes.invite": (ADMINS, ADMINS, NOBODY),
    "jobs.job": (OPERATORS, OPERATORS, NOBODY),
    "jobs.queue": (NOBODY, OPERATORS, NOBODY),
    "jobs.schedule": (OPERATORS, OPERATORS, OPERATORS),
    "jobs.tasklimit": (OPERATORS, OPERATORS, OPERATORS),
    "jobs.remotetask": (NOBODY, NOBODY, ADMINS),
    "ota.release": (ADMINS, ADMINS, NOBODY),
    "ota.rollout": (OPERATORS, NOBODY, NOBODY),
    **dict.fromkeys(
        (
            *("nodes.lease", "nodes.reportcursor", "nodes.loginlink", "nodes.broadcast"),
            "nodes.nodecredential",
            *("jobs.subtask", "jobs.attempt", "jobs.edge", "jobs.idempotencykey"),
            *("jobs.delivery", "ota.home", "ota.otaevent"),
        ),
        (NOBODY, NOBODY, NOBODY),
    ),
}
SEEN_BY = {"admin.logentry": OPERATORS, "auth.user": ADMINS, "auth.group": ADMINS}
ADMIN_LOGIN = "admin/login/"
#: The admin's own pages, open to who may enter.
ADMIN_PAGES = {
    "admin/": ("GET", "POST"),
    "admin/password_change/": ("GET", "POST"),
    "admin/jsi18n/": ("GET",),
    "admin/r/<path:content_type_id>/<path:object_id>/": ("GET", "POST"),
}
#: Django's: by patterns, with nothing behind them, or the way out.
OTHERS = re.compile(r"admin/(\^.*|\(\?P.*|autocomplete/|password_change/done/)|(admin/)?logout/")
ROUTES = [route for route in dict.fromkeys(routes()) if not OTHERS.fullmatch(route)]
METHODS = {True: ("GET", "POST", "PATCH", "DELETE"), False: ("GET", "POST")}


def place_of(route: str) -> str:
    """What doors are tried together."""
    depth = 2 if route.startswith("admin/") else 3 if route.startswith("api/") else 0
    return "/".join(route.split("/")[:depth])


def rule_of(route: str) -> dict[str, set[str]]:
    """Who is let through by method; nobody by others. Raises `KeyError` where there is no rule."""
    if route.startswith("api/v1/"):
        return rest_rule(route.removeprefix("api/v1/"))
    if route.startswith("admin/"):
        return admin_rule(route)
    return {**PAGES, **VERBS}[route]


def rest_rule(route: str) -> dict[str, set[str]]:
    if route in JOINING:
        return JOINING[route]
    rule = {} if REST_VERBS.fullmatch(route) else {"GET": READERS}
    for pattern, methods, callers in REST_WRITES:
        if re.fullmatch(pattern, route):
            rule |= dict.fromkeys(methods.split("|"), callers)
    return rule


def admin_rule(route: str) -> dict[str, set[str]]:
    if route == ADMIN_LOGIN:
        return {"GET": EVERYBODY, "POST": EVERYBODY}
    if route in ADMIN_PAGES:
        return dict.fromkeys(ADMIN_PAGES[route], LOOKERS)
    _, app, model, rest = route.split("/", 3)
    add, change, delete = TABLES[f"{app}.{model}"]
    see = SEEN_BY.get(f"{app}.{model}", VIEWERS)
    by_page = {
        "": (see, see),
        "add/": (add, add),
        "<path:object_id>/change/": (see, change),
        "<path:object_id>/delete/": (delete, delete),
        "<id>/password/": (change, change),
        # There is no such row: back to the home page of the admin.
        "<path:object_id>/history/": (LOOKERS, LOOKERS),
        "<path:object_id>/": (LOOKERS, LOOKERS),
    }
    return dict(zip(("GET", "POST"), by_page[rest], strict=True))


PLACES = sorted({place_of(route) for route in ROUTES})


@pytest.mark.parametrize("place", PLACES)
def test_a_door_lets_through_whom_its_rule_names_and_nobody_else(place):
    callers = people() | programs()
    wrong = {}
    for route in [route for route in ROUTES if place_of(route) == place]:
        rule = rule_of(route)
        for method in sorted({*METHODS[place.startswith("api/")], *rule}):
            let_in = who_is_let_through(callers, method, address(route))
            if let_in != rule.get(method, set()):
                wrong[method, route] = let_in ^ rule.get(method, set())

    assert not wrong


KINDS = (nodes.KIND, job_verbs.KIND, queues.KIND, rollout.KIND)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_verbs_are_for_operators(kind):
    callers = people() | programs()

    for path in [f"/{kind.at}/none/{verb}/" for verb in kind.verbs]:
        assert who_is_let_through(callers, "GET", path) == OPERATORS, path
        assert who_is_let_through(callers, "POST", path) == OPERATORS, path


def test_every_table_of_the_admin_has_a_rule():
    assert {model._meta.label_lower for model in admin.site._registry} == set(TABLES)


def test_nobody_unknown_is_told_what_there_is():
    nobody = people()["nobody"]

    shut = [r for r in ROUTES if r.startswith("api/") and rule_of(r).get("GET") != EVERYBODY]
    codes = {nobody.get(address(route)).status_code for route in shut}

    assert codes == {401, 302}  # whether anything is there or not; a page leads to the login
