"""One socket, spoken to in ASGI: who may look, what it may say, how it ends."""

import asyncio
import json
from contextlib import asynccontextmanager

import pytest
from asgiref.testing import ApplicationCommunicator
from django.contrib.auth import get_user_model
from django.db import OperationalError
from django.test import Client
from django.utils import timezone

from hive_site.live import consumer as module
from hive_site.live.consumer import LiveSocket
from hive_site.live.domain import protocol
from hive_site.live.hub import Hub
from hive_site.live.origins import OwnPages
from nodes.models import ApiKey
from nodes.roles import VIEWER, give_role
from nodes.services import create_api_key
from tests.hive_site.live.cast import PATIENCE, Library, Studio, until

pytestmark = pytest.mark.django_db(transaction=True)
HOST = (b"host", b"localhost:8000")
OWN, FOREIGN = (b"origin", b"http://localhost:8000"), (b"origin", b"https://evil.example")
#: Who has none, is no page of a site, is another site, another port of this host, or half of it.
NOT_OWN = (
    b"",
    b"null",
    FOREIGN[1],
    b"http://localhost:3000",
    b"http://localhost",
    b"localhost:8000",
)


@pytest.fixture
def library():
    return Library()


@pytest.fixture
def hub(library):
    return Hub(open_pictures=lambda last: Studio(), open_topic=library.open)


@pytest.fixture
def app(hub):
    return OwnPages(LiveSocket(hub, topics=["figures"]))


@pytest.fixture
def key():
    return bearer("read")


def bearer(*scopes):
    _, secret = create_api_key(name="watcher", scopes=list(scopes))
    return (b"authorization", f"Bearer {secret}".encode())


def cookie(client):
    return (b"cookie", f"sessionid={client.cookies['sessionid'].value}".encode())


def log_in(name="ana", role=VIEWER, **also):
    user = get_user_model().objects.create_user(name, **also)
    if role:
        give_role(user, role)
    client = Client()
    client.force_login(user)
    return user, client


class Socket:
    """A client that reads JSON, and waits long for it."""

    def __init__(self, app, path, headers):
        path, _, query = path.partition("?")
        extensions = {"websocket.http.response": {}}
        scope = {"type": "websocket", "path": path, "query_string": query.encode()}
        scope |= {"headers": [HOST, *headers], "extensions": extensions}
        self._peer = ApplicationCommunicator(app, scope)

    async def knock(self):
        """What the handshake is answered: 200 if it is taken."""
        await self._peer.send_input({"type": "websocket.connect"})
        answer = await self._peer.receive_output(PATIENCE)
        plain = {"websocket.accept": 200, "websocket.close": 403}
        return plain.get(answer["type"]) or answer["status"]

    async def send(self, text=None, data=None):
        await self._peer.send_input({"type": "websocket.receive", "text": text, "bytes": data})

    async def disconnect(self):
        await self._peer.send_input({"type": "websocket.disconnect", "code": 1000})
        await self._peer.wait(PATIENCE)

    async def read(self):
        return json.loads((await self._peer.receive_output(PATIENCE))["text"])

    async def read_topic(self, topic):
        while (message := await self.read()).get("topic") != topic:
            pass
        return message

    async def read_error(self):
        while "error" not in (message := await self.read()):
            pass
        return message["error"]

    async def read_end(self):
        while (output := await self._peer.receive_output(PATIENCE))["type"] != "websocket.close":
            pass
        return output["code"]


@asynccontextmanager
async def visiting(app, *headers, path="/ws/live/"):
    """A socket that was let in."""
    socket = Socket(app, path, headers)
    assert await socket.knock() == 200
    try:
        yield socket
    finally:
        await socket.disconnect()


async def knock(app, *headers, path="/ws/live/"):
    """What a handshake is answered."""
    socket = Socket(app, path, headers)
    status = await socket.knock()
    if status == 200:
        await socket.disconnect()
    return status


def test_a_person_is_greeted_by_name_and_told_what_it_asked_for(app):
    _, client = log_in()

    async def play():
        async with visiting(app, OWN, cookie(client), path="/ws/live/?watch=t&watch=u") as socket:
            return await socket.read(), await socket.read_topic("t"), await socket.read_topic("u")

    hello, t, _ = asyncio.run(play())
    assert hello == {"hello": {"user": "ana", "topics": ["figures"]}}
    assert (t["whole"], t["set"], t["gone"]) == (True, {"a": 1}, [])


def test_who_asks_for_nothing_watches_the_figures(app, key):
    async def play():
        async with visiting(app, key) as socket:
            return await socket.read_topic("figures")

    assert asyncio.run(play())["set"] == {"a": 1}


def test_a_program_needs_no_origin_but_a_key_that_may_read(app, key):
    other = bearer("submit")
    nobody = (b"authorization", b"Bearer hive_none")
    basic = (b"authorization", b"Basic YTpi")

    async def play():
        return [await knock(app, *shown) for shown in ([key], [other], [nobody], [basic], [])]

    assert asyncio.run(play()) == [200, 403, 403, 403, 403]


def test_a_page_of_another_site_is_refused_with_the_best_of_cookies(app):
    _, client = log_in()

    async def play():
        return [await knock(app, origin, cookie(client)) for origin in (OWN, FOREIGN)]

    assert asyncio.run(play()) == [200, 403]


@pytest.mark.parametrize("hosts", [["localhost"], ["*"]])
@pytest.mark.parametrize("shown", [[], [(b"authorization", b"")]])
def test_a_page_of_this_site_is_one_of_its_host_and_port(hub, settings, hosts, shown):
    """Whatever hosts are allowed, and whatever a header is there that holds nothing."""
    settings.ALLOWED_HOSTS = hosts
    app, (_, client) = OwnPages(LiveSocket(hub, topics=[])), log_in()

    async def play():
        origins = [(b"origin", text) for text in NOT_OWN]
        refused = [await knock(app, origin, cookie(client), *shown) for origin in origins]
        return {*refused, await knock(app, cookie(client), *shown)}

    assert asyncio.run(play()) == {403}


def test_under_https_a_page_that_came_without_it_is_none_of_this_site(app, settings):
    settings.SESSION_COOKIE_SECURE = True
    _, client = log_in()

    async def play():
        safe = (b"origin", b"https://localhost:8000")
        return [await knock(app, origin, cookie(client)) for origin in (OWN, safe)]

    assert asyncio.run(play()) == [403, 200]


@pytest.mark.parametrize("trusted", ["https://hive.example", "https://*.example"])
def test_the_name_that_a_proxy_has_is_trusted_as_for_forms(hub, settings, trusted):
    settings.ALLOWED_HOSTS, settings.CSRF_TRUSTED_ORIGINS = ["hive.example"], [trusted]
    app, (_, client) = OwnPages(LiveSocket(hub, topics=[])), log_in()

    async def play():
        origins = (b"https://hive.example", b"http://hive.example", b"https://hive.example:1")
        return [await knock(app, (b"origin", text), cookie(client)) for text in origins]

    assert asyncio.run(play()) == [200, 403, 403]


def test_half_a_letter_in_a_name_ends_no_socket(app, key):
    async def play():
        async with visiting(app, key) as socket:
            await socket.send(json.dumps({"watch": {"job:\ud800": None}}))
            said = await socket.read_error()
            await socket.send(json.dumps({"watch": {"t": None}}))
            return said, await socket.read_topic("t")

    said, news = asyncio.run(play())
    assert "printable" in said
    assert news["whole"]


def test_a_bad_key_is_not_mended_by_a_cookie(app):
    _, client = log_in()

    async def play():
        return await knock(app, OWN, cookie(client), (b"authorization", b"Bearer none"))

    assert asyncio.run(play()) == 403


@pytest.mark.parametrize("who", [{"role": None}, {"is_active": False}])
def test_a_person_without_a_role_or_shut_out_is_refused(app, who):
    user, client = log_in(**{k: v for k, v in who.items() if k == "role"})
    user.is_active = who.get("is_active", True)
    user.save()

    assert asyncio.run(knock(app, OWN, cookie(client))) == 403


def test_nothing_else_is_behind_other_addresses(app, key):
    assert asyncio.run(knock(app, key, path="/ws/other/")) == 404


def test_watching_something_else_replaces_what_was_watched(app, key, hub):
    async def play():
        async with visiting(app, key, path="/ws/live/?watch=t") as socket:
            place = (await socket.read_topic("t"))["position"]
            await socket.send(json.dumps({"watch": {"u": None}}))
            await socket.read_topic("u")
            watched = {name for name, board in hub._boards.items() if board.viewers}
            await socket.send(json.dumps({"watch": {"u": place, "t": place}}))
            # Of `t` it knows everything; the place says nothing in the feed of `u`.
            return watched, await socket.read_topic("u")

    watched, again = asyncio.run(play())
    assert watched == {"u"}
    assert again["whole"]


@pytest.mark.parametrize(
    "text", ["no JSON", "{}", '{"watch": 1}', " " * protocol.MOST_BYTES + "{}"]
)
def test_what_is_no_command_is_answered_and_the_socket_stays(app, key, text):
    async def play():
        async with visiting(app, key) as socket:
            await socket.send(text)
            error = await socket.read_error()
            await socket.send(data=b"\0")
            binary = await socket.read_error()
            await socket.send(json.dumps({"watch": {"t": None}}))
            await socket.read_topic("t")
            return error, binary

    error, binary = asyncio.run(play())
    assert error
    assert "binary" in binary


def test_too_many_topics_in_the_address_are_answered(app, key):
    path = "/ws/live/?" + "&".join(f"watch=t{n}" for n in range(21))

    async def play():
        async with visiting(app, key, path=path) as socket:
            return await socket.read_error()

    assert asyncio.run(play()) == "21 topics; watch at most 20"


def test_an_unknown_topic_is_answered_and_the_socket_stays(app, key):
    async def play():
        async with visiting(app, key, path="/ws/live/?watch=none&watch=t") as socket:
            answer = await socket.read_topic("none")
            await socket.read_topic("t")
            return answer

    assert asyncio.run(play()) == {
        "topic": "none",
        "error": "not_found",
        "detail": "there is no topic 'none'",
    }


def revoke_key(name):
    ApiKey.objects.update(revoked_at=timezone.now())


def test_a_revoked_key_closes_the_socket_at_the_next_command(app, key):
    async def play():
        async with visiting(app, key) as socket:
            await socket.read_topic("figures")
            await asyncio.to_thread(revoke_key, "watcher")
            await socket.send(json.dumps({"watch": {}}))
            return await socket.read_end()

    assert asyncio.run(play()) == 4401


def test_who_says_nothing_is_looked_at_again_all_the_same(app, monkeypatch):
    monkeypatch.setattr(module, "LOOK_AGAIN_SECONDS", 0.01)
    _, client = log_in()

    async def play():
        async with visiting(app, OWN, cookie(client)) as socket:
            await socket.read_topic("figures")
            await asyncio.to_thread(client.logout)
            return await socket.read_end()

    assert asyncio.run(play()) == 4401


def test_while_the_database_is_away_nobody_is_let_in_and_nobody_put_out(app, key, monkeypatch):
    monkeypatch.setattr(module, "LOOK_AGAIN_SECONDS", 0.01)

    def away(shown):
        raise OperationalError("away")

    async def play():
        async with visiting(app, key) as socket:
            await socket.read_topic("figures")
            monkeypatch.setattr(module, "admit", away)
            answer = await knock(app, key)
            await socket.send(json.dumps({"watch": {"t": None}}))
            await socket.read_topic("t")
            return answer

    assert asyncio.run(play()) == 503


def test_one_viewer_too_many_is_told_to_come_back(library, key):
    hub = Hub(open_pictures=lambda last: Studio(), open_topic=library.open, most_viewers=1)
    app = LiveSocket(hub, topics=[])

    async def play():
        async with visiting(app, key):
            full = await knock(app, key)
        await until(lambda: not len(hub))
        return full, await knock(app, key)

    assert asyncio.run(play()) == (503, 200)


def test_a_process_that_ends_says_so(app, key, hub):
    async def play():
        async with visiting(app, key) as socket:
            await socket.read_topic("figures")
            hub.close()
            return await socket.read_end()

    assert asyncio.run(play()) == 1012


def test_who_is_gone_leaves_nothing_behind(app, key, hub):
    async def play():
        async with visiting(app, key) as socket:
            await socket.read_topic("figures")
        return len(hub), [name for name, board in hub._boards.items() if board.viewers]

    assert asyncio.run(play()) == (0, [])


def test_one_text_is_under_way_at_a_time(hub, key, library):
    """A connection that takes nothing gets one text, and later the newest."""
    sent, taken = [], asyncio.Event()

    async def send(message):
        sent.append(message)
        if '"topic":"t"' in message.get("text", ""):
            await taken.wait()

    async def play():
        heard = asyncio.Queue()
        heard.put_nowait({"type": "websocket.connect"})
        scope = {"path": "/ws/live/", "headers": [key], "query_string": b"watch=t"}
        app = LiveSocket(hub, topics=[])
        serving = asyncio.create_task(app(scope, heard.get, send))
        topic = library["t"]
        await until(lambda: '"topic":"t"' in str(sent[-1:]))
        stuck = len(sent)
        for n in range(2, 9):
            looks = topic.looks
            topic.write(a=n)
            await until(lambda seen=looks: topic.looks > seen)
        assert len(sent) == stuck
        taken.set()
        await until(lambda: '"a":8' in str(sent))
        heard.put_nowait({"type": "websocket.disconnect", "code": 1000})
        await serving

    asyncio.run(play())
    assert [text for text in map(str, sent) if '"a":' in text and '"a":1' not in text] == [
        text for text in map(str, sent) if '"a":8' in text
    ]
