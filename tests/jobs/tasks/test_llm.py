"""The language model task against a small endpoint that speaks the OpenAI protocol."""

import json
import threading
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from jobs.outcomes import Fail, Retry
from jobs.tasks.llm import endpoint as endpoint_of
from jobs.tasks.llm import instruct
from tests.jobs.articles.site import PROSE, serve
from tests.jobs.tasks.doubles import FakeContext
from tests.security.server import Server


class Endpoint(BaseHTTPRequestHandler):
    """Says what it was asked; as busy or broken as its key tells it to be."""

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        key = self.headers.get("Authorization", "")
        status = {"Bearer busy": 429, "Bearer wrong": 401, "Bearer moved": 302}.get(key, 200)
        if self.path != "/v1/chat/completions":
            status = 404
        said = " | ".join(message["content"] for message in body["messages"])
        content = None if key == "Bearer mute" else f"{body['model']}: {said}"
        answer = {"choices": [{"message": {"content": content}}]}
        if status != 200:
            answer = {"error": {"message": "not with this key"}}
        self.send_response(status)
        self.send_header("Retry-After", "3")
        self.send_header("Location", "/v1/elsewhere")
        self.end_headers()
        self.wfile.write(json.dumps(answer).encode())

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture(scope="module")
def endpoint():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Endpoint)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}/v1"
    server.shutdown()
    server.server_close()


@pytest.fixture
def use(settings, endpoint):
    def choose(**changes) -> None:
        chosen = {"llm_url": endpoint, "llm_model": "bee-1", **changes}
        settings.HIVE = replace(settings.HIVE, **chosen)

    return choose


def test_the_model_gets_the_instruction_and_the_item(use):
    use()

    answer = instruct(FakeContext(), "honey", instruction="Translate.")

    assert answer == "bee-1: Translate. | honey"


def test_what_is_no_text_is_sent_as_json(use):
    use()

    assert instruct(FakeContext(), {"a": 1}, instruction="Sum.").endswith('| {"a": 1}')


def test_without_an_endpoint_the_variable_to_set_is_named(settings):
    settings.HIVE = replace(settings.HIVE, llm_url="")

    with pytest.raises(Fail, match="HIVE_LLM_URL"):
        instruct(FakeContext(), "x", instruction="y")


def test_a_busy_endpoint_is_asked_again_when_it_says(use):
    use(llm_key="busy")

    with pytest.raises(Retry) as caught:
        instruct(FakeContext(), "x", instruction="y")
    assert caught.value.after == 3


def test_a_refusal_fails_for_good_with_the_endpoints_own_words_and_without_the_key(use):
    use(llm_key="wrong")

    with pytest.raises(Fail, match="not with this key") as caught:
        instruct(FakeContext(), "x", instruction="y")
    assert "wrong" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "asked"),
    [
        ("http://h:1", "http://h:1/v1/chat/completions"),
        ("http://h:1/", "http://h:1/v1/chat/completions"),
        ("http://h/v1/", "http://h/v1/chat/completions"),
        ("https://h/api/v3", "https://h/api/v3/chat/completions"),
        ("https://h/v1/chat/completions", "https://h/v1/chat/completions"),
    ],
)
def test_the_base_url_may_be_written_in_several_ways(url, asked):
    assert endpoint_of(url) == asked


def test_a_url_is_fetched_and_its_text_is_sent(use):
    use(allow_private_addresses=True)

    with serve() as port:
        answer = instruct(FakeContext(), f"http://127.0.0.1:{port}/page", instruction="Sum up.")

    assert answer == f"bee-1: Sum up. | B & B\n\n{PROSE.strip()}"


def test_a_private_url_is_refused_though_the_endpoint_may_be_private(use):
    use(allow_private_addresses=False)

    with pytest.raises(Fail, match="not public"):
        instruct(FakeContext(), "http://127.0.0.1:1/", instruction="Sum up.")


def test_a_text_that_begins_with_a_url_is_a_text(use):
    use()

    assert instruct(FakeContext(), "http://b.example is nice", instruction="?").endswith("is nice")


def test_the_model_may_be_chosen_for_a_job(use):
    use()

    assert instruct(FakeContext(), "x", instruction="y", model="bee-2").startswith("bee-2: ")


@pytest.mark.parametrize("instruction", ["", "  ", None, 5])
def test_without_an_instruction_it_fails_for_good(use, instruction):
    use()

    with pytest.raises(Fail, match="instruction"):
        instruct(FakeContext(), "x", instruction=instruction)


def test_a_redirect_does_not_carry_the_key_away(use):
    use(llm_key="moved")

    with pytest.raises(Fail, match="302"):
        instruct(FakeContext(), "x", instruction="y")


def test_a_key_that_no_header_can_carry_is_not_shown(use):
    use(llm_key="top\nsecret")

    with pytest.raises(Fail, match="HIVE_LLM_KEY") as caught:
        instruct(FakeContext(), "x", instruction="y")
    assert "secret" not in str(caught.value)


def test_an_answer_without_text_may_be_tried_again(use):
    use(llm_key="mute")

    with pytest.raises(ValueError, match="no text"):
        instruct(FakeContext(), "x", instruction="y")


@pytest.mark.parametrize(("status", "kind"), [(401, Fail), (503, Retry)])
def test_an_endpoint_that_says_the_key_back_tells_nobody(use, status, kind):
    parrot = Server()
    parrot.answers = [(status, {})]
    parrot.body = b'{"error": {"message": "who is sk-secret?"}}'
    with parrot.open():
        use(llm_url=parrot.url, llm_key="sk-secret")

        with pytest.raises(kind, match=r"who is \*\*\*\?"):
            instruct(FakeContext(), "x", instruction="y")

    assert parrot.asked[0]["authorization"] == "Bearer sk-secret"
