import pytest
from django.contrib.auth.models import Permission

from nodes import wire
from nodes.models import ApiKey, LoginLink, Node
from nodes.services import create_api_key, find_api_key

pytestmark = pytest.mark.django_db
NODES, KEYS = "/admin/nodes/node/", "/admin/nodes/apikey/"


@pytest.fixture
def node(redis):
    return Node.objects.create(name="spore-1", cpu=0.25, memory=0.5, own_labels={"site": "lab"})


@pytest.fixture
def staff(client, django_user_model):
    """Logs a member of staff in who has these permissions only."""

    def log_in(*codenames: str):
        user = django_user_model.objects.create_user("ann", is_staff=True)
        user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
        client.force_login(user)
        return client

    return log_in


def change(client, node, **fields):
    form = {"wanted_slots": "", "set_labels": "{}", **fields}
    return client.post(f"{NODES}{node.pk}/change/", form)


def act(client, action: str, *rows):
    path = f"/admin/nodes/{rows[0]._meta.model_name}/"
    chosen = {"action": action, "_selected_action": [row.pk for row in rows]}
    return client.post(path, {**chosen, "confirmed": "yes"}, follow=True)


def test_the_list_shows_loads_in_percent_and_is_searched_by_name(admin_client, node):
    Node.objects.create(name="other")

    page = admin_client.get(f"{NODES}?q=spore").content.decode()

    assert "25% / 50%" in page
    assert "spore-1" in page
    assert ">other<" not in page


@pytest.mark.parametrize(
    ("action", "intent"), [("drain", "drain"), ("cordon", "cordon"), ("resume", "work")]
)
def test_actions_say_what_nodes_shall_do_and_wake_the_foreman(
    admin_client, node, redis, action, intent, django_capture_on_commit_callbacks
):
    other = Node.objects.create(name="other", intent="drain" if intent == "work" else "work")

    with django_capture_on_commit_callbacks(execute=True):
        page = act(admin_client, action, node, other).content.decode()

    assert set(Node.objects.values_list("intent", flat=True)) == {intent}
    assert f"{action.capitalize()}: other, spore-1." in page
    assert redis.xlen(wire.INBOX) == 2


def test_nodes_are_neither_added_nor_deleted_in_bulk(admin_client, node):
    Node.objects.update(state="lost")
    chosen = {"action": "delete_selected", "_selected_action": [node.pk], "post": "yes"}

    admin_client.post(NODES, chosen)

    assert admin_client.get(f"{NODES}add/").status_code == 403
    assert Node.objects.exists()


def test_only_a_lost_node_is_deleted_and_the_foreman_is_told(
    admin_client, node, redis, django_capture_on_commit_callbacks
):
    path = f"{NODES}{node.pk}/delete/"
    early = admin_client.post(path, {"post": "yes"}).status_code
    kept = Node.objects.exists()
    Node.objects.update(state="lost")
    with django_capture_on_commit_callbacks(execute=True):
        admin_client.post(path, {"post": "yes"})

    assert (early, kept, Node.objects.exists()) == (403, True, False)
    assert redis.xlen(wire.INBOX) == 1


def test_an_operator_sets_slots_and_labels_and_nothing_else(admin_client, node):
    change(admin_client, node, wanted_slots="7", set_labels='{"rack": "2"}', name="x", cpu="1")

    node.refresh_from_db()
    assert (node.wanted_slots, node.set_labels) == (7, {"rack": "2"})
    assert (node.name, node.cpu) == ("spore-1", 0.25)


def test_what_was_set_can_be_taken_back(admin_client, node):
    Node.objects.update(wanted_slots=7, set_labels={"rack": "2"})

    change(admin_client, node, wanted_slots="", set_labels="")

    node.refresh_from_db()
    assert (node.wanted_slots, node.set_labels) == (None, {})


@pytest.mark.parametrize(
    "wrong",
    [
        {"wanted_slots": "0"},
        {"wanted_slots": "257"},
        {"set_labels": '["rack"]'},
        {"set_labels": '{"rack": 2}'},
    ],
)
def test_what_makes_no_sense_is_said_beside_the_field(admin_client, node, wrong):
    answer = change(admin_client, node, **wrong)

    assert answer.status_code == 200
    assert answer.context["adminform"].form.errors.keys() == wrong.keys()
    assert Node.objects.get().set_labels == {}


def test_who_may_only_look_finds_no_actions(staff, node):
    viewer = staff("view_node", "view_apikey")

    page = viewer.get(NODES).content.decode()
    act(viewer, "drain", node)

    assert "spore-1" in page
    assert "Drain" not in page
    assert change(viewer, node, wanted_slots="7").status_code == 403
    assert Node.objects.get().intent == "work"


def test_who_may_change_nodes_may_drain_them(staff, node):
    act(staff("view_node", "change_node"), "drain", node)

    assert Node.objects.get().intent == "drain"


def test_without_any_permission_there_is_no_page(staff, node):
    nobody = staff()

    assert {nobody.get(path).status_code for path in (NODES, KEYS)} == {403}


def test_the_secret_of_a_new_key_is_shown_on_one_page_only(admin_client, redis, admin_user):
    form = {"name": "ci", "scopes": ["read", "ota"], "expires_at_0": "", "expires_at_1": ""}

    page = admin_client.post(f"{KEYS}add/", form, follow=True).content.decode()
    again = admin_client.get(KEYS).content.decode()

    secret = page.partition("The key is ")[2].split()[0]
    key = find_api_key(secret)
    assert (key.name, key.scopes, key.owner) == ("ci", ["read", "ota"], admin_user)
    assert secret not in again
    assert ApiKey.objects.count() == 1


def test_a_key_without_scopes_is_not_made(admin_client, redis):
    admin_client.post(f"{KEYS}add/", {"name": "ci", "expires_at_0": "", "expires_at_1": ""})

    assert not ApiKey.objects.exists()


def test_a_key_is_revoked_and_shows_it(admin_client, redis):
    key, secret = create_api_key(name="ci", scopes=["read"])

    before = admin_client.get(KEYS).content.decode()
    page = act(admin_client, "revoke", key).content.decode()

    assert ">live<" in before
    assert ">revoked<" in page
    assert "Revoke: ci (" in page
    assert find_api_key(secret) is None


def test_a_key_is_never_changed(admin_client, redis):
    key, _ = create_api_key(name="ci", scopes=["read"])

    form = {"name": "x", "scopes": ["control"], "expires_at_0": "", "expires_at_1": ""}
    answer = admin_client.post(f"{KEYS}{key.pk}/change/", form)

    assert answer.status_code == 403
    assert list(ApiKey.objects.values_list("name", "scopes")) == [("ci", ["read"])]


def test_who_may_not_delete_keys_may_not_revoke_them(staff, redis):
    key, secret = create_api_key(name="ci", scopes=["read"])

    act(staff("view_apikey", "change_apikey", "add_apikey"), "revoke", key)

    assert find_api_key(secret) == key


def test_what_the_foreman_keeps_is_read_only(admin_client, redis, admin_user):
    link = LoginLink.objects.create(digest="d" * 64, user=admin_user, expires_at="2099-01-01T00Z")
    page = f"/admin/nodes/loginlink/{link.pk}/"

    shown = admin_client.get(f"{page}change/").content.decode()

    assert "d" * 64 not in shown
    for path in (f"{page}delete/", "/admin/nodes/loginlink/add/", "/admin/nodes/lease/add/"):
        assert admin_client.post(path, {"post": "yes"}).status_code == 403
    assert LoginLink.objects.exists()
