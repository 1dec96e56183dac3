"""What processes say of themselves: events of ours and lines of libraries, in one form."""

import json
import logging
import logging.config
import re
import subprocess
import sys

import pytest
import structlog
from structlog.contextvars import bound_contextvars

from hive_site.kernel import redaction
from hive_site.kernel.redaction import HIDDEN, conceal
from hive_site.kernel.subject import set_subject
from hive_site.logs import MOST_CHARS, build_formatter, logging_config, wrap
from hive_site.logs import add_subject as subjects

STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


class Kept(logging.Handler):
    def __init__(self, form: str) -> None:
        super().__init__()
        self.setFormatter(build_formatter("nexus", form=form))
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


def listen(form: str):
    """A logger of ours, a library's, and what both say."""
    kept = Kept(form)
    names = ("test.hive", "test.library")
    for name in names:
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [kept], False
        logger.setLevel(logging.DEBUG)
    ours = structlog.wrap_logger(
        logging.getLogger(names[0]),
        processors=[structlog.contextvars.merge_contextvars, subjects, wrap],
        wrapper_class=structlog.stdlib.BoundLogger,
    )
    return ours, logging.getLogger(names[1]), kept.lines


@pytest.fixture(autouse=True)
def alone(monkeypatch):
    monkeypatch.setattr(redaction, "_known", ())
    yield
    set_subject(dict)


def test_an_event_is_one_object_of_json():
    log, _, lines = listen("json")

    log.info("node.reclaimed", node="gpu-1", subtasks=12, reason='all "gone"')

    told = json.loads(lines[0])
    assert STAMP.fullmatch(told.pop("timestamp"))
    assert told == {
        **{"level": "info", "process": "nexus", "event": "node.reclaimed"},
        **{"node": "gpu-1", "subtasks": 12, "reason": 'all "gone"'},
    }
    assert lines[0].startswith('{"timestamp": ')


def test_an_event_is_one_line_for_people():
    log, _, lines = listen("line")

    log.warning("node.reclaimed", node="gpu-1", reason="all gone")

    when, said = lines[0].split(" nexus ")
    assert re.fullmatch(r"[-\d]{10} [:\d]{8},\d{3}", when)
    assert said == 'WARNING event=node.reclaimed node=gpu-1 reason="all gone"'


@pytest.mark.parametrize("form", ["line", "json"])
def test_libraries_say_it_in_the_same_form(form):
    _, library, lines = listen(form)

    library.warning("pool %s is full", "a=b")

    if form == "json":
        told = json.loads(lines[0])
        assert (told["event"], told["logger"]) == ("pool a=b is full", "test.library")
    else:
        assert lines[0].endswith('WARNING event="pool a=b is full" logger=test.library')


@pytest.mark.parametrize("form", ["line", "json"])
def test_a_traceback_stays_in_its_line(form):
    log, library, lines = listen(form)

    for logger in (log, library):
        try:
            raise ValueError("broken")
        except ValueError:
            logger.exception("it.broke")

    assert len(lines) == 2
    for line in lines:
        assert "\n" not in line
        assert "Traceback (most recent call last)" in line
        assert "ValueError: broken" in line
    if form == "json":
        assert "\n" in json.loads(lines[0])["exception"]


def test_whoever_listens_otherwise_reads_text_and_has_the_exception():
    records: list[logging.LogRecord] = []
    log, _, _ = listen("json")
    handler = logging.Handler()
    handler.emit = records.append
    logging.getLogger("test.hive").addHandler(handler)

    try:
        raise KeyError("bee")
    except KeyError:
        log.exception("it.broke", node="a b")

    assert records[0].getMessage() == 'event=it.broke node="a b"'
    assert records[0].exc_info[0] is KeyError


def test_what_the_process_works_on_is_said_without_asking():
    log, library, lines = listen("json")
    set_subject(lambda: {"job": "job_1", "subtask": 7})

    with bound_contextvars(request="r-1"):
        log.info("cache.full")
        library.info("hello")
        log.info("other", job="job_2")

    told = [json.loads(line) for line in lines]
    assert [(t["job"], t["subtask"], t["request"]) for t in told] == [
        ("job_1", 7, "r-1"),
        ("job_1", 7, "r-1"),
        ("job_2", 7, "r-1"),
    ]


@pytest.mark.parametrize("form", ["line", "json"])
def test_secrets_are_not_said(form):
    log, library, lines = listen(form)
    conceal("correct horse battery")

    log.error("redis.away", error="redis://:p4ssw0rd@host", api_key="hive_x", of={"token": "abc"})
    library.error("Bearer %s", "abcdefghijkl")
    try:
        raise OSError("correct horse battery")
    except OSError:
        log.exception("it.broke", tried=["correct horse battery"])

    for secret in ("p4ssw0rd", "hive_x", "abc", "correct horse"):
        assert secret not in "".join(lines), secret
    assert HIDDEN in lines[0]


@pytest.mark.parametrize("form", ["line", "json"])
def test_a_line_has_an_end(form):
    log, _, lines = listen(form)
    deep: dict[str, object] = {}
    deep["self"] = deep

    log.info("much", text="x" * 10**6, rows=list(range(10**5)), deep=deep)

    assert len(lines[0]) < 4 * MOST_CHARS
    assert f"{10**6 - MOST_CHARS} characters" in lines[0]
    assert f"and {10**5 - 100} more" in lines[0].replace("\\u2026", "…")


class Mute:
    def __str__(self):
        raise RuntimeError


ODD = [float("nan"), float("inf"), "\ud800", b"\xff", object(), {1: 2}, Mute(), [Mute()]]


@pytest.mark.parametrize("value", ODD, ids=lambda value: type(value).__name__)
def test_any_value_can_be_said(value):
    log, _, lines = listen("json")

    log.info("odd", value=value, **{"odd name\n": 1})

    told = json.loads(lines[0], parse_constant=pytest.fail)
    assert told["odd_name_"] == 1


def test_a_terminal_is_told_nothing_but_text():
    log, library, lines = listen("line")

    log.info("said", text="\x1b[2Jgone\r\nFAKE 2026 nexus ERROR event=forged\u2028x")
    library.info("a\nb\x00")

    for line in lines:
        assert line.isprintable(), line


def test_more_is_said_by_us_and_not_by_libraries():
    config = logging_config("nexus", level="debug")

    assert config["loggers"]["jobs"] == {"level": "DEBUG"}
    assert config["root"]["level"] == logging.INFO
    less = logging_config("nexus", level="error")
    assert (less["root"]["level"], "jobs" in less["loggers"]) == (logging.ERROR, False)


def test_what_servers_say_comes_out_like_all_else(monkeypatch, capsys):
    """In a process of its own: it is Python's logging that is configured."""
    script = """
import logging.config, sys
from hive_site.logs import logging_config
noise = logging.StreamHandler(sys.stdout)
for name in ("uvicorn", "uvicorn.error", "django"):
    logging.getLogger(name).addHandler(noise)
    logging.getLogger(name).propagate = False
logging.config.dictConfig(logging_config("nexus", form="json"))
logging.getLogger("uvicorn.error").error("boom")
logging.getLogger("uvicorn.error").error("ASGI callable returned without completing handshake.")
logging.getLogger("django.request").warning("Not Found: %s", "/x")
"""
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    told = [json.loads(line) for line in ran.stderr.splitlines()]
    assert [(t["event"], t["logger"]) for t in told] == [
        ("boom", "uvicorn.error"),
        ("Not Found: /x", "django.request"),
    ]
    assert ran.stdout == ""


def test_what_is_said_of_small_files_is_for_nobody_who_reads_a_log():
    """In a process of its own: pytest collects warnings."""
    script = """
import logging.config, warnings
from hive_site.logs import FOR_PROGRAMMERS, logging_config
logging.config.dictConfig(logging_config("nexus"))
for module, message in FOR_PROGRAMMERS.items():
    warnings.warn_explicit(f"{message}and more", UserWarning, f"{module}.py", 1, module=module)
warnings.warn_explicit("something else", UserWarning, "other.py", 1, module="other")
"""
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert ran.stderr.count("Warning") == 1
    assert "something else" in ran.stderr


def test_what_nobody_caught_is_an_event_too():
    script = """
import logging.config, threading
from hive_site.logs import log_crashes, logging_config
logging.config.dictConfig(logging_config("foreman", form="json"))
log_crashes()

def break_():
    raise OSError("a thread")

thread = threading.Thread(target=break_, name="courier")
thread.start()
thread.join()
raise ValueError("password=hunter22")
"""
    ran = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )

    thread, process = map(json.loads, ran.stderr.splitlines())
    assert (thread["event"], thread["thread"]) == ("thread.broke", "courier")
    assert (process["event"], process["level"]) == ("process.broke", "critical")
    assert "ValueError" in process["exception"]
    assert "hunter22" not in ran.stderr
    assert ran.returncode == 1
