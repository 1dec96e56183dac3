import pytest
from django.contrib.auth.models import Permission, User
from django.core.files.uploadedfile import SimpleUploadedFile

from ota.domain.states import ReleaseState
from ota.models import Home, Release
from ota.services.publishing import publish
from ota.storage import package_path
from tests.ota.projects import package, sidecar

URL = "/admin/ota/release/"


@pytest.fixture(autouse=True)
def own_environment(monkeypatch):
    """Nodes have what these packages need: pip is not asked."""
    monkeypatch.setattr("ota.wheelhouse.is_own_environment", lambda about: True)


def send(client, place, **fields):
    with place.open("rb") as file:
        return client.post(f"{URL}add/", {"package": file, **fields}, follow=True)


def errors(response) -> dict[str, list[str]]:
    return response.context["adminform"].form.errors


def user_with(client, *permissions: str):
    user = User.objects.create_user("ann", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    client.force_login(user)
    return client


def test_a_package_is_uploaded_and_listed(admin_client, desk, tmp_path):
    page = send(admin_client, package(tmp_path, "1.2.0")).content.decode()

    row = Release.objects.get()
    assert (row.version, row.channel, row.published_by) == ("1.2.0", "dev", "admin")
    assert "was added successfully" in page


def test_with_a_signature_it_is_a_stable_one(admin_client, desk, tmp_path):
    place = package(tmp_path)

    send(admin_client, place, signature=SimpleUploadedFile("s.json", sidecar(place, 9)))

    assert (Release.objects.get().channel, Release.objects.get().seq) == ("stable", 9)


def test_the_list_says_where_a_release_runs_and_who_signed(admin_client, desk, tmp_path):
    row = publish(package(tmp_path), channel="dev", who="ann")
    for number in range(7):
        Home.objects.create(node=f"spore-{number}", active=row.sha256)

    page = admin_client.get(URL).content.decode()

    assert '<td class="field-nodes">7</td>' in page
    assert "dev-key" in page


@pytest.mark.parametrize(
    ("fields", "field", "told"),
    [
        ({"channel": "stable"}, "signature", "takes an operator's signature"),
        ({"channel": "beta"}, "channel", "valid choice"),
    ],
)
def test_what_is_wrong_is_said_at_its_field(admin_client, desk, tmp_path, fields, field, told):
    response = send(admin_client, package(tmp_path), **fields)

    assert told in errors(response)[field][0]
    assert not Release.objects.exists()


def test_what_is_no_package_is_said_at_the_package(admin_client, desk, tmp_path):
    place = tmp_path / "x.zip"
    place.write_bytes(b"PK nonsense")

    assert "no package to publish" in errors(send(admin_client, place))["package"][0]


def test_a_signature_that_does_not_hold_is_said_at_the_signature(admin_client, desk, tmp_path):
    place = package(tmp_path)
    forged = SimpleUploadedFile("s.json", sidecar(place, 1, signatures="forged"))

    response = send(admin_client, place, signature=forged)

    assert "not signed with a key" in errors(response)["signature"][0]


def test_a_version_that_is_taken_is_said_at_the_package(admin_client, desk, tmp_path):
    send(admin_client, package(tmp_path))

    response = send(admin_client, package(tmp_path, more__py=""))

    assert "another version" in errors(response)["package"][0]


def test_a_release_shows_what_it_says_and_what_differs(admin_client, desk, tmp_path):
    publish(package(tmp_path / "a", "1.0"), channel="dev", who="a")
    row = publish(package(tmp_path / "b", "1.1", new__py=""), channel="dev", who="a")

    page = admin_client.get(f"{URL}{row.pk}/change/", {"against": "1.0"}).content.decode()

    assert "What differs from 1.0" in page
    assert "1 added</th><td>new.py" in page
    assert "&gt;=3.11" in page
    assert row.target in page


@pytest.mark.parametrize("against", ["9.9", "1.0"])
def test_what_is_gone_is_said_on_the_page(admin_client, desk, tmp_path, against):
    row = publish(package(tmp_path), channel="dev", who="a")
    if against == "1.0":
        package_path(row.sha256).unlink()

    response = admin_client.get(f"{URL}{row.pk}/change/", {"against": against})

    assert response.status_code == 200
    assert 'class="errornote"' in response.content.decode()


def test_a_page_of_no_release_leads_back(admin_client, desk):
    assert admin_client.get(f"{URL}77/change/").status_code == 302


def yank(client, row) -> str:
    chosen = {"action": "yank", "_selected_action": [row.pk], "confirmed": "yes"}
    return client.post(URL, chosen, follow=True).content.decode()


def test_a_release_is_yanked_by_a_click(admin_client, desk, tmp_path):
    row = publish(package(tmp_path), channel="dev", who="a")

    assert "Yank: 1.0." in yank(admin_client, row)
    assert "1.0 is not published" in yank(admin_client, row)
    row.refresh_from_db()
    assert row.state == ReleaseState.YANKED


def test_nobody_deletes_or_changes_a_release(admin_client, desk, tmp_path):
    row = publish(package(tmp_path), channel="dev", who="a")

    assert admin_client.post(f"{URL}{row.pk}/delete/", {"post": "yes"}).status_code == 403
    assert admin_client.post(f"{URL}{row.pk}/change/", {"version": "2"}).status_code == 403
    assert "delete_selected" not in admin_client.get(URL).content.decode()


def test_each_action_takes_its_permission(client, desk, tmp_path):
    row = publish(package(tmp_path), channel="dev", who="a")
    viewer = user_with(client, "view_release")

    assert viewer.get(f"{URL}{row.pk}/change/").status_code == 200
    assert send(viewer, package(tmp_path, "1.1")).status_code == 403
    yank(viewer, row)
    row.refresh_from_db()
    assert (Release.objects.count(), row.state) == (1, ReleaseState.PUBLISHED)
