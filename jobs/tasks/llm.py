"""Instructions for a language model behind any OpenAI-compatible endpoint."""

import json
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from jobs.outcomes import Fail, Retry
from jobs.registry import task
from jobs.spore.context import Context
from jobs.tasks.items import string

ANSWER_SECONDS = 120.0
#: How much of a fetched article is sent: about 5,000 tokens.
ARTICLE_CHARS = 20_000
REASON_CHARS = 500
AGAIN = (408, 425, 429)


@task("llm.instruct", timeout=180)
def instruct(
    ctx: Context,
    item: Any,
    *,
    instruction: str = "",
    model: str | None = None,
    temperature: float = 0.0,
    max_tokens: int | None = None,
) -> str:
    """What the model of HIVE_LLM_URL answers to the instruction about the item.

    A URL is fetched first and its text taken; what is no text is sent as JSON.
    """
    from django.conf import settings

    hive = settings.HIVE
    if not hive.llm_url:
        raise Fail("no endpoint: set HIVE_LLM_URL (and HIVE_LLM_MODEL, HIVE_LLM_KEY) on the Spores")
    if not string(instruction, what="instruction").strip():
        raise Fail("no instruction: give instruction=, what the model is to do with each item")
    wish = {
        "model": model or hive.llm_model or "default",
        "temperature": temperature,
        "messages": [
            {"role": "system", "content": instruction},
            {"role": "user", "content": _content(item)},
        ],
    }
    if max_tokens is not None:
        wish["max_tokens"] = max_tokens
    return _answer(_ask(endpoint(hive.llm_url), hive.llm_key.strip(), wish))


def endpoint(url: str) -> str:
    """Where to send chats, of a base URL such as `http://host:8080/v1`.

    A bare host gets `/v1`; a URL that names the whole path is taken as it is.
    """
    base = url.rstrip("/").removesuffix("/chat/completions")
    if not urlsplit(base).path:
        base += "/v1"
    return base + "/chat/completions"


def _content(item: Any) -> str:
    if isinstance(item, str) and _is_url(item):
        from jobs.articles.extraction import read_article
        from jobs.articles.fetching import fetch

        article = read_article(fetch(item))
        return f"{article.title}\n\n{article.text[:ARTICLE_CHARS]}"
    return item if isinstance(item, str) else json.dumps(item, ensure_ascii=False)


def _is_url(text: str) -> bool:
    """Whether a text is a URL, rather than one that begins with it."""
    return text.startswith(("http://", "https://")) and len(text.split()) == 1


def _ask(url: str, key: str, wish: dict[str, Any]) -> Any:
    """The JSON that the endpoint answers.

    The operator chose the endpoint, so it may lie in a private network. Redirects are not
    followed: they would carry the key to somebody else.
    """
    import urllib3

    from jobs.web.retry_after import read_retry_after

    if not (key.isascii() and key.isprintable()):
        raise Fail("HIVE_LLM_KEY holds characters that no header can carry")
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    with urllib3.PoolManager(retries=False, timeout=ANSWER_SECONDS) as pool:
        answer = pool.request("POST", url, json=wish, headers=headers)
    if answer.status in AGAIN or answer.status >= 500:
        after = read_retry_after(answer.headers.get("Retry-After"), now=datetime.now(UTC))
        raise Retry(
            f"the endpoint answered {answer.status}: {_reason(answer.data, key)}", after=after
        )
    if answer.status != 200:
        raise Fail(f"the endpoint answered {answer.status}: {_reason(answer.data, key)}")
    return answer.json()


def _reason(body: bytes, key: str) -> str:
    """The endpoint's own words, as OpenAI-compatible ones say them, or what there is.

    Not our key, should it say that back: everybody who may read sees why a subtask failed.
    """
    text = body.decode("utf-8", "replace")
    with suppress(ValueError, KeyError, TypeError):
        text = str(json.loads(text)["error"]["message"])
    return (text.replace(key, "***") if key else text)[:REASON_CHARS]


def _answer(document: Any) -> str:
    try:
        content = document["choices"][0]["message"]["content"]
    except (KeyError, IndexError, TypeError):
        content = None
    if not isinstance(content, str):
        raise ValueError("the endpoint's answer holds no text at choices[0].message.content")
    return content
