"""The language model task against a small endpoint that speaks the OpenAI protocol."""

import json
import threading
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from jobs.outcomes import Fail, Retry
from jobs.tasks.llm import instruct
from tests.jobs.tasks.doubles import FakeContext


class Endpoint(BaseHTTPRequestHandler):
    """Says what it was asked; as busy or broken as its key tells it to be."""

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        key = self.headers.get("Authorization", "")
        status = {"Bearer busy": 429, "Bearer wrong": 401}.get(key, 200)
        if self.path != "/v1/chat/completions":
            status = 404
        said = " | ".join(message["content"] for message in body["messages"])
        answer = {"choices": [{"message": {"content": f"{body['model']}: {said}"}}]}
        if status != 200:
            answer = {"error": {"message": "not with this key"}}
        self.send_response(status)
        self.send_header("Retry-After", "3")
        self.end_headers()
        self.wfile.write(json.dumps(answer).encode())

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture(scope="module")
def endpoint():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Endpoint)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}/v1"
    server.shutdown()
    server.server_close()


@pytest.fixture
def use(settings, endpoint):
    def choose(**changes: str) -> None:
        settings.HIVE = replace(settings.HIVE, llm_url=endpoint, llm_model="bee-1", **changes)

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
