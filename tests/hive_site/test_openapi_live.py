"""The API does what its document says, whatever is asked of it (schemathesis).

For each operation: requests that fit the document, half of them about things that are there, and
requests that do not. No 5xx, no status, header or shape that the document does not know, and
nothing taken that it forbids.
"""

import json
from datetime import timedelta

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections
from django.utils import timezone
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.core.parameters import ParameterLocation
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)

from hive_site.commands.openapi import draw_document
from jobs.api import views
from jobs.models import Attempt, Delivery, Job, Subtask
from jobs.services import submit_job
from nodes.api import broadcasts
from nodes.models import Acknowledgement, Broadcast, Node
from nodes.services import create_api_key
from ota.services.publishing import publish
from tests.ota.projects import package

EXAMPLES = 12
#: What makes a body that fits the document one that fits this Hive, field by field.
KNOWN = {"task": "demo.echo", "reduce": "text.merge_counts", "queue": "background"}
KNOWN |= {"webhook": "https://example.org/", "depends_on": [], "nodes": ["spore-1"]}
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    negative_data_rejection,
    unsupported_method,
]
DOCUMENT = schemathesis.openapi.from_dict(json.loads(draw_document()))
DOCUMENT.app = get_wsgi_application()
OPERATIONS = {found.ok().label: found.ok() for found in DOCUMENT.get_all_operations()}


@pytest.fixture(autouse=True)
def one_connection():
    """A request leaves the test's database open, as under Django's own test client."""
    signals = (request_started, request_finished)
    for signal in signals:
        signal.disconnect(close_old_connections)
    yield
    for signal in signals:
        signal.connect(close_old_connections)


@pytest.fixture
def there(desk, redis, monkeypatch, tmp_path):
    """Something of everything; nobody really waits. Returns what paths may name."""
    monkeypatch.setattr(views, "wait_for_jobs", lambda jobs, timeout: True)
    monkeypatch.setattr(broadcasts, "await_answers", lambda row, seconds: True)
    error = json.dumps({"type": "E", "message": "m", "traceback": "t"})
    open_, ended = (submit_job(task="demo.echo", items=[1, None]) for _ in range(2))
    told = submit_job(task="demo.echo", items=[], webhook="https://example.org/")
    Job.objects.filter(pk=ended.pk).update(state="failed", failed=2, error=error)
    rows = Subtask.objects.filter(job=ended)
    rows.update(state="quarantined", error=error, node="spore-1", finished_at=timezone.now())
    Attempt.objects.create(id=7, subtask=rows[0], number=1, outcome="crashed", error=error)
    Node.objects.create(name="spore-1", last_seen=timezone.now() - timedelta(days=1))
    Node.objects.create(name="spore-2", state="lost", gpus=[{"index": 0, "name": "g"}])
    called = Broadcast.objects.create(id="bc_1", command="PING", nodes=["spore-1", "spore-2"])
    Acknowledgement.objects.create(broadcast=called, node="spore-1", ok=True, at=timezone.now())
    monkeypatch.setattr("ota.wheelhouse.is_own_environment", lambda about: True)
    release = publish(package(tmp_path), channel="dev", who="ann")
    return {
        "job_id": [open_.pk, ended.pk, told.pk],
        "name": ["spore-1", "spore-2", "background", "high_priority"],
        "index": [0, 1, 2],
        "broadcast_id": ["bc_1"],
        "delivery_id": [Delivery.objects.get().pk],
        "version": [release.version],
        "sha256": [release.sha256],
    }


@pytest.fixture
def key(db):
    return create_api_key(name="test", scopes=["submit", "read", "control", "ota"])[1]


def is_wrong(case, operation, *, path_is_replaced):
    """Whether what is asked must be refused, for its body, its path or its parameters.

    Parameters that nobody knows are ignored, as everywhere on the web; headers are our own.
    """
    wrong = {where for where, part in case.meta.components.items() if part.mode.is_negative}
    odd = set(case.query or {}) - {parameter.name for parameter in operation.query}
    return (
        ParameterLocation.BODY in wrong
        or (ParameterLocation.PATH in wrong and not path_is_replaced)
        or (ParameterLocation.QUERY in wrong and bool(case.query) and not odd)
    )


@pytest.mark.parametrize("mode", GenerationMode, ids=str)
@pytest.mark.parametrize("label", OPERATIONS)
def test_an_operation_keeps_its_word(label, mode, there, key):
    operation = OPERATIONS[label]
    names = [name for name in there if f"{{{name}}}" in operation.path]
    known = st.fixed_dictionaries({name: st.sampled_from(there[name]) for name in names})

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(operation.as_strategy(generation_mode=mode), known, st.booleans())
    def ask(case, found, about_what_is_there):
        if about_what_is_there:
            case.path_parameters = {**case.path_parameters, **found}
            if mode is GenerationMode.POSITIVE and isinstance(case.body, dict):
                case.body = {k: v and KNOWN.get(k, v) for k, v in case.body.items()}
        checks = list(CHECKS)
        if not is_wrong(case, operation, path_is_replaced=about_what_is_there):
            checks.remove(negative_data_rejection)
        case.call_and_validate(headers={"Authorization": f"Bearer {key}"}, checks=checks)

    ask()
