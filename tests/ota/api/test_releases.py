import hashlib
import io

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from ota.domain.states import ReleaseState
from ota.models import Home, Release
from ota.services.publishing import publish
from ota.storage import package_path
from tests.conftest import client_with
from tests.ota.projects import package, sidecar

URL = "/api/v1/ota/releases/"


@pytest.fixture(autouse=True)
def own_environment(monkeypatch):
    """Nodes have what these packages need: pip is not asked."""
    monkeypatch.setattr("ota.wheelhouse.is_own_environment", lambda about: True)


def send(api, place, **fields):
    with place.open("rb") as file:
        return api.post(URL, {"package": file, **fields}, format="multipart")


def test_a_package_is_published(api, desk, tmp_path):
    place = package(tmp_path, "1.2.0")

    response = send(api, place)

    told = response.json()
    assert response.status_code == 201
    assert (told["version"], told["channel"], told["seq"]) == ("1.2.0", "dev", 1)
    assert told["sha256"] == hashlib.sha256(place.read_bytes()).hexdigest()
    assert (told["nodes"], told["wheels_missing"]) == (0, [])
    assert Release.objects.get().published_by == "key:test"


def test_the_same_bytes_again_are_the_same_release(api, desk, tmp_path):
    place = package(tmp_path)

    assert send(api, place).json() == send(api, place).json()


def test_the_same_key_publishes_once_however_the_form_is_parted(api, desk, tmp_path):
    place = package(tmp_path)
    api.credentials(**api._credentials, HTTP_IDEMPOTENCY_KEY="once")

    first, again = send(api, place), send(api, place)
    other = send(api, package(tmp_path, "7.0.0"))

    assert "Idempotency-Replayed" not in first.headers
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.json() == first.json()
    assert other.status_code == 422
    assert Release.objects.count() == 1


@pytest.mark.parametrize("as_file", [True, False])
def test_with_a_signature_it_is_a_stable_one(api, desk, tmp_path, as_file):
    place = package(tmp_path)
    signature = sidecar(place, 4)
    given = SimpleUploadedFile("x.json", signature) if as_file else signature.decode()

    told = send(api, place, signature=given).json()

    assert (told["channel"], told["seq"], told["signed_by"]) == ("stable", 4, ["release-key"])


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"channel": "beta"}, "/channel"),
        ({"channel": "stable"}, "/signature"),
        ({"signature": "nonsense"}, "/signature"),
        ({"surprise": "1"}, "/surprise"),
    ],
)
def test_a_form_that_makes_no_sense_names_the_field(api, desk, tmp_path, fields, pointer):
    response = send(api, package(tmp_path), **fields)

    assert response.status_code == 400
    assert response.json()["errors"][0]["pointer"] == pointer
    assert not Release.objects.exists()


def test_what_is_no_package_is_refused(api, desk):
    sent = {"package": SimpleUploadedFile("x.zip", b"PK nonsense")}

    response = api.post(URL, sent, format="multipart")

    assert (response.status_code, response.json()["errors"][0]["pointer"]) == (400, "/package")


@pytest.mark.parametrize("sent", [{}, {"package": "text"}])
def test_a_form_without_a_file_is_refused(api, desk, sent):
    response = api.post(URL, sent, format="multipart")

    assert (response.status_code, response.json()["errors"][0]["pointer"]) == (400, "/package")


@pytest.mark.parametrize("kind", ["application/json", "application/zip", ""])
def test_anything_but_a_form_is_refused(api, desk, kind):
    assert api.generic("POST", URL, b"{}", content_type=kind).status_code == 415


def test_another_package_of_the_version_is_a_conflict(api, desk, tmp_path):
    send(api, package(tmp_path))

    response = send(api, package(tmp_path, more__py=""))

    assert response.status_code == 409
    assert "build it under another version" in response.json()["detail"]


def test_publishing_takes_the_scope_ota(db, redis, desk, tmp_path):
    response = send(client_with("read", "control", "submit"), package(tmp_path))

    assert response.status_code == 403
    assert "'ota'" in response.json()["detail"]
    assert not Release.objects.exists()


def test_a_package_may_be_larger_than_other_bodies(api, desk, tmp_path, settings):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1000
    place = package(tmp_path)
    assert place.stat().st_size > 1000

    response = send(api, place)

    assert response.status_code == 201
    other = api.post("/api/v1/jobs/", {"task": "x" * 1000}, format="json")
    assert other.status_code == 413


def test_a_package_over_its_own_limit_is_refused_unread(api, desk, tmp_path, settings):
    settings.LARGE_BODIES = {URL: 100}
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 10

    response = send(api, package(tmp_path))

    assert (response.status_code, Release.objects.count()) == (413, 0)


def test_releases_are_listed_page_by_page_with_where_they_run(api, desk, tmp_path):
    rows = [publish(package(tmp_path, v), channel="dev", who="a") for v in ("1.0", "1.1", "1.2")]
    for number in (1, 2):
        Home.objects.create(node=f"spore-{number}", active=rows[1].sha256)

    first = api.get(URL, {"limit": 2}).json()
    second = api.get(first["next"]).json()

    assert [(r["version"], r["nodes"]) for r in first["results"]] == [("1.2", 0), ("1.1", 2)]
    assert [r["version"] for r in second["results"]] == ["1.0"]
    assert second["next"] is None


def test_a_release_is_compared_with_another(api, desk, tmp_path):
    publish(package(tmp_path / "a", "1.0", old__py=""), channel="dev", who="a")
    publish(package(tmp_path / "b", "1.1", new__py="", manage__py="#"), channel="dev", who="a")

    told = api.get(f"{URL}1.1/", {"against": "1.0"}).json()

    assert told["files"] == 8
    assert told["difference"] == {
        "against": "1.0",
        "added": ["new.py"],
        "removed": ["old.py"],
        "changed": ["manage.py"],
    }
    assert api.get(f"{URL}1.1/").json()["difference"] is None


def test_what_is_not_there_is_named(api, desk, tmp_path):
    publish(package(tmp_path), channel="dev", who="a")

    assert api.get(f"{URL}9.9/").status_code == 404
    against = api.get(f"{URL}1.0/", {"against": "9.9"})
    assert (against.status_code, against.json()["errors"][0]["pointer"]) == (400, "/against")


def test_a_release_whose_package_is_gone_is_still_told_of(api, desk, tmp_path):
    row = publish(package(tmp_path), channel="dev", who="a")
    Release.objects.update(state=ReleaseState.PURGED)
    package_path(row.sha256).unlink()

    assert api.get(f"{URL}1.0/").json()["state"] == "purged"
    assert api.get(f"{URL}1.0/", {"against": "1.0"}).status_code == 404


def test_staff_publish_with_the_permission_that_the_admin_asks_for(
    client, desk, tmp_path, django_user_model
):
    ann = django_user_model.objects.create_user("ann", is_staff=True)
    client.force_login(ann)

    refused = client.post(URL, {"package": io.BytesIO(package(tmp_path).read_bytes())})

    assert refused.status_code == 403
    assert not Release.objects.exists()
