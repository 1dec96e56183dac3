import json
import socket
import ssl
import threading
import time
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from hive_site.commands.checkups.nexus import check_answer, check_date, check_nexus
from hive_site.stack.redis_server import free_port
from tests.certificates import Authority


@pytest.fixture
def site():
    """Starts a server that answers with a status and a date; it ends with the test."""
    servers = []

    def start(status, *, behind=0.0, certificate=None):
        class Answers(BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response_only(status)
                self.send_header("Date", formatdate(time.time() - behind, usegmt=True))
                self.end_headers()
                self.wfile.write(json.dumps({}).encode())

            def log_message(self, *args):
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
        if certificate:
            context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            context.load_cert_chain(*certificate)
            server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return f"http{'s' * bool(certificate)}://127.0.0.1:{server.server_address[1]}"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def test_a_nexus_that_is_ready_and_on_time_is_fine(site):
    assert [each.verdict for each in check_nexus(site(200), needed=True)] == ["ok", "ok"]


def test_an_authority_of_ones_own_may_vouch_for_it(site, tmp_path):
    authority = Authority(tmp_path)
    url = site(200, certificate=authority.vouch_for("127.0.0.1"))

    [stranger] = check_nexus(url, needed=True)
    known, _ = check_nexus(url, needed=True, ca_file=str(authority.ca_file))

    assert (stranger.verdict, known.verdict) == ("bad", "ok")
    assert "certificate" in stranger.found.lower()


def test_a_clock_that_differs_is_told(site):
    _, clock = check_nexus(site(200, behind=60), needed=True)

    assert clock.verdict == "warn"
    assert clock.found.startswith(("+59", "+60"))
    assert "NTP" in clock.mend


@pytest.mark.parametrize(
    ("status", "verdict", "word"),
    [(503, "bad", "database"), (400, "bad", "ALLOWED_HOSTS"), (404, "warn", "HIVE_NEXUS_URL")],
)
def test_what_is_wrong_with_it_is_told(status, verdict, word):
    finding = check_answer("http://hive.example", status)

    assert finding.verdict == verdict
    assert word in finding.found + finding.mend


@pytest.mark.parametrize(("needed", "verdict"), [(False, "ok"), (True, "bad")])
def test_none_here_is_fine_unless_this_machine_works_only_with_one(needed, verdict):
    [finding] = check_nexus(f"http://127.0.0.1:{free_port()}", needed=needed)

    assert finding.verdict == verdict


def hang_up(server):
    server.accept()[0].close()


@pytest.mark.parametrize(("needed", "verdict"), [(False, "warn"), (True, "bad")])
def test_a_stranger_that_has_its_port_is_told(needed, verdict):
    with socket.create_server(("127.0.0.1", 0)) as other:
        url = f"https://127.0.0.1:{other.getsockname()[1]}"
        threading.Thread(target=hang_up, args=(other,), daemon=True).start()
        [finding] = check_nexus(url, needed=needed)

    assert finding.verdict == verdict
    assert "not as a Nexus" in finding.found


def test_a_name_that_leads_nowhere_is_told():
    [finding] = check_nexus("http://nexus.invalid:8000", needed=False)

    assert (finding.verdict, finding.name) == ("warn", "Nexus")
    assert "object at 0x" not in finding.found


@pytest.mark.parametrize("date", ["yesterday", "", "Mon, 99 Jan 2026 00:00:00 GMT"])
def test_a_date_that_is_none_is_no_fault_of_ours(date):
    assert check_date(date, here=0.0).verdict == "warn"
