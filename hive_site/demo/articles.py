"""Twenty real articles without the web: the long descriptions of installed packages.

Each page answers after a stated delay, as pages of the web do.
"""

import contextlib
import html
import re
import threading
import time
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.metadata import distributions
from types import TracebackType

DELAY_SECONDS = 0.5
FENCE = re.compile(r"```.*?```|~~~.*?~~~", re.DOTALL)
#: Badges, images, links, and the punctuation of Markdown and reStructuredText.
MARKUP = re.compile(r"!?\[([^\]]*)\]\([^)]*\)|<[^>]+>|`+|[*_]{2}|^\s*[.]{2} .*$", re.MULTILINE)
LIST = re.compile(r"\s*([-*+•]|\d+[.)])\s")
RULE = re.compile(r"^[=\-~^#*+`\s]+$")


@dataclass(frozen=True, slots=True)
class Article:
    """One page: where it lies on the server, its title, its paragraphs."""

    path: str
    title: str
    paragraphs: tuple[str, ...]

    def page(self) -> bytes:
        """The article as HTML."""
        body = "\n".join(f"<p>{html.escape(text)}</p>" for text in self.paragraphs)
        title = html.escape(self.title)
        return (
            f"<!doctype html><html lang=en><head><title>{title}</title></head>"
            f"<body><main><article><h1>{title}</h1>\n{body}\n</article></main></body></html>"
        ).encode()


def find_articles(count: int) -> list[Article]:
    """The `count` longest descriptions of installed packages, longest first."""
    found: dict[str, Article] = {}
    for package in distributions():
        name = package.metadata["Name"] or ""
        text = package.metadata.get_payload() or package.metadata["Description"] or ""
        paragraphs = _paragraphs(str(text))
        if name and len(paragraphs) >= 3:
            summary = package.metadata["Summary"] or ""
            title = f"{name}: {summary}" if summary else name
            found[name.lower()] = Article(f"/{name.lower()}", title, paragraphs)
    ranked = sorted(found.values(), key=lambda a: (-sum(map(len, a.paragraphs)), a.path))
    return ranked[:count]


def _paragraphs(text: str) -> tuple[str, ...]:
    blocks = re.split(r"\n\s*\n", FENCE.sub("", text))
    plain = (_plain(block) for block in blocks)
    return tuple(block for block in plain if len(block.split()) >= 8)[:60]


def _plain(block: str) -> str:
    """The block without its markup; empty for code, tables and lists, which are no prose."""
    if block.startswith(("    ", "\t", "|", ">>>")) or LIST.match(block):
        return ""
    lines = [line for line in block.splitlines() if not RULE.match(line)]
    return " ".join(MARKUP.sub(r"\1", "\n".join(lines)).split())


class ArticleServer:
    """Serves articles on a free loopback port, as a context manager."""

    def __init__(self, articles: list[Article], *, delay_seconds: float = DELAY_SECONDS) -> None:
        pages = {article.path: article.page() for article in articles}

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                page = pages.get(self.path)
                time.sleep(delay_seconds)
                self.send_response(200 if page else 404)
                self.send_header("Content-Type", "text/html; charset=utf-8")
                self.send_header("Content-Length", str(len(page or b"")))
                # A Spore that was killed hangs up in the middle.
                with contextlib.suppress(ConnectionError):
                    self.end_headers()
                    self.wfile.write(page or b"")

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        port = self._server.server_address[1]
        self.urls = [f"http://127.0.0.1:{port}{article.path}" for article in articles]

    def __enter__(self) -> "ArticleServer":
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
