"""REST for rollouts: parse, one service, render."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from hive_site.kernel.errors import Invalid
from nodes.api.bodies import read_object
from nodes.api.cursors import CURSOR, LIMIT, following, read_cursor, read_limit
from nodes.api.problems import MEDIA_TYPE
from nodes.api.queries import IDEMPOTENCY, read_key
from nodes.api.shapes import PROBLEM, answers, page_of, takes
from ota import selectors
from ota.api.shapes import PLAN, ROLLOUT, ROLLOUT_ROW, ROLLOUT_WISH
from ota.services.once import Once, make_once
from ota.services.rollouts import create_rollout, move_rollout, preview_rollout

#: No address of a thing, and yet something may be in the way.
IN_THE_WAY = {(409, MEDIA_TYPE): PROBLEM}
FIELDS = ("release", "strategy", "selector", "start", "supersede", "dry_run")


@extend_schema(tags=["updates"])
class RolloutListView(APIView):
    """All rollouts."""

    scope = "ota"
    right = "ota.add_rollout"

    @extend_schema(
        operation_id="ota_rollouts_list",
        parameters=[CURSOR, LIMIT],
        responses=answers(page_of(ROLLOUT_ROW)),
    )
    def get(self, request: Request) -> Response:
        """Rollouts, the newest first, without their nodes."""
        limit = read_limit(request)
        rows = selectors.rollout_rows(before=read_cursor(request), limit=limit + 1)
        page = rows[:limit]
        more = following(request, page[-1]["id"]) if len(rows) > limit else None
        return Response({"results": page, "next": more})

    @extend_schema(
        operation_id="ota_rollouts_create",
        parameters=[IDEMPOTENCY],
        request=takes(ROLLOUT_WISH),
        responses={**answers(ROLLOUT, 201), **answers(PLAN, 200), **IN_THE_WAY},
    )
    def post(self, request: Request) -> Response:
        """Roll a release out; with `dry_run`, say whom it would touch."""
        key = read_key(request)
        body = read_object(request, fields=FIELDS)
        wish = {"release": body.get("release"), "selector": _read_selector(body)}
        wish["strategy"] = body.get("strategy", "fast")
        if _read_flag(body, "dry_run", default=False):
            return Response(selectors.plan_view(preview_rollout(**wish)))
        manner = {
            "begin": _read_flag(body, "start", default=True),
            "replace": _read_flag(body, "supersede", default=False),
        }
        who = request.user.get_username()
        once = Once(*key, caller=who) if key else None
        made, replayed = make_once(once, lambda: create_rollout(**wish, **manner, who=who).pk)
        headers = {"Location": request.build_absolute_uri(f"{request.path}{made}/")}
        if replayed:
            headers["Idempotency-Replayed"] = "true"
        return Response(selectors.rollout_view(made), status=201, headers=headers)


@extend_schema(tags=["updates"])
class RolloutView(APIView):
    """One rollout."""

    @extend_schema(operation_id="ota_rollouts_read", responses=answers(ROLLOUT))
    def get(self, request: Request, rollout_id: str) -> Response:
        """One rollout with its waves, its nodes and what happened."""
        return Response(selectors.rollout_view(rollout_id))


@extend_schema(tags=["updates"])
class RolloutVerbView(APIView):
    """Start, pause, resume, promote, abort or roll back a rollout."""

    scope = "ota"
    right = "ota.change_rollout"
    verb = "start"

    @extend_schema(request=None, responses=answers(ROLLOUT, 202))
    def post(self, request: Request, rollout_id: str) -> Response:
        """Start, pause, resume, promote (open a gate), abort or roll back. Twice is fine."""
        move_rollout(rollout_id=rollout_id, verb=self.verb, who=request.user.get_username())
        return Response(selectors.rollout_view(rollout_id), status=202)


def _read_flag(body: dict[str, Any], name: str, *, default: bool) -> bool:
    value = body.get(name, default)
    if not isinstance(value, bool):
        raise Invalid("give true or false", field=name)
    return value


def _read_selector(body: dict[str, Any]) -> dict[str, str]:
    selector = body.get("selector", {})
    if not isinstance(selector, dict):
        raise Invalid("give an object of names and texts", field="selector")
    return selector
