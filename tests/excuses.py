"""Why a shell block of the documents is not run by the tests, by what is in it.

Whatever is not excused here is run (tests/test_docs.py).
"""

import re

#: The first that fits counts.
EXCUSES: tuple[tuple[str, str], ...] = (
    (r"\bdocker\b|\bhive stack\b", "needs a Docker engine; tests/deploy checks the files"),
    (r"\bkubectl\b|\bkustomize\b|\bhelm\b", "needs a Kubernetes cluster"),
    (r"\bsystemctl\b|\bjournalctl\b|\bsystemd-\w+", "needs systemd, and root"),
    (r"\bapt(-get)? |\bbrew |\buseradd\b|\bsudo\b|\binstall -[dmo]", "changes the machine"),
    (r"\bssh\b|\bscp\b|\brsync\b|\bhive join\b", "needs a second machine"),
    (r"\baws \b|\bgcloud\b", "needs an account in a cloud"),
    (r"\bpsql\b|\bpg_\w+|\bcreatedb\b|DATABASE_URL=postgres", "needs PostgreSQL"),
    (r"\bopenssl\b|\bredis-server\b|\bredis-cli\b|\bvalkey-", "needs a Redis beside the Hive's"),
    (r"\bpip (install|download)\b|python3? -m venv\b", "needs a package index; CI does it first"),
    (r"\bgit clone\b", "needs the network"),
    (r"\bmake (demo|up)\b|\bhive (up|demo)\b", "stays, or is the stack: tests/end_to_end runs it"),
    (r"\bmake (test|check|static|chaos|bench|simulate|screenshots|lock|audit|clean)\b", "CI's own"),
    (r"\bmake (openapi|reference)\b", "writes into the project; tests/docs holds what it writes"),
    (r"\bpython -m (bench|docs)\b", "takes minutes of a quiet machine"),
    (r"\bmanage\.py (rqworker|foreman)\b", "stays until a signal; tests/end_to_end runs it"),
    (r"\bhive mcp\b|\bhive top\b", "stays until a signal; tests/end_to_end runs it"),
    (r"\bota (keys|build|sign|publish|rollout|rollback|pause|resume|promote|abort|status|prune)\b",
     "changes every Spore of the Hive; tests/end_to_end/test_updates.py runs it"),
    (r"\bhive (backup|restore)\b", "replaces the Hive that is tested; tests/hive_site runs it"),
    (r"\bexamples/\w+/run\.py", "tests/examples runs it"),
    (r"-F package=@", "uploads a release; tests/ota/api does it"),
    (r"\buvicorn\b", "stays until a signal; tests/end_to_end runs it"),
    (r"\bhive (healthy|revoke|invite)\b", "is about one process or machine of yours"),
    (r"\bhive autoscale\b|HIVE_AUTOSCALE", "needs pools of machines"),
    (r"\bgpu-\d|PASSWORD", "a machine or a password of yours stands in it"),
    (r"HIVE_LLM_URL|llm\.instruct", "needs a language model"),
    (r"\.example\b|example\.org", "an address of yours"),
    (r"…", "something of yours stands where … is"),
)  # fmt: skip


def excuse(text: str) -> str:
    """Why a block is not run; empty if nothing keeps it from being run."""
    return next((why for sign, why in EXCUSES if re.search(sign, text)), "")
