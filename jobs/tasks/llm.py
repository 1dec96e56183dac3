"""Instructions for a language model behind any OpenAI-compatible endpoint."""

import json
from typing import Any

from jobs.outcomes import Fail, Retry
from jobs.registry import task
from jobs.spore.context import Context

ANSWER_SECONDS = 120.0
ARTICLE_CHARS = 20_000


@task("llm.instruct", timeout=180)
def instruct(
    ctx: Context, item: Any, *, instruction: str, model: str = "", temperature: float = 0.0
) -> str:
    """What the model of HIVE_LLM_URL answers to the instruction about the item.

    A URL is fetched first and its text taken; what is no text is sent as JSON.
    """
    from django.conf import settings

    hive = settings.HIVE
    if not hive.llm_url:
        raise Fail("no endpoint: set HIVE_LLM_URL (and HIVE_LLM_MODEL, HIVE_LLM_KEY) on the Spores")
    wish = {
        "model": model or hive.llm_model or "default",
        "temperature": temperature,
        "messages": [
            {"role": "system", "content": instruction},
            {"role": "user", "content": _content(item)},
        ],
    }
    return _answer(_ask(hive.llm_url, hive.llm_key, wish))


def _content(item: Any) -> str:
    if isinstance(item, str) and item.startswith(("http://", "https://")):
        from jobs.articles.extraction import read_article
        from jobs.articles.fetching import fetch

        article = read_article(fetch(item))
        return f"{article.title}\n\n{article.text[:ARTICLE_CHARS]}"
    return item if isinstance(item, str) else json.dumps(item, ensure_ascii=False)


def _ask(url: str, key: str, wish: dict[str, Any]) -> Any:
    """POST to `{url}/chat/completions` of the OpenAI API; the answer's JSON.

    The operator chose the endpoint, so it may lie in a private network.
    """
    import urllib3

    headers = {"Authorization": f"Bearer {key}"} if key else {}
    endpoint = url.rstrip("/").removesuffix("/chat/completions") + "/chat/completions"
    pool = urllib3.PoolManager(retries=False, timeout=ANSWER_SECONDS)
    answer = pool.request("POST", endpoint, json=wish, headers=headers)
    if answer.status == 429 or answer.status >= 500:
        after = answer.headers.get("Retry-After", "")
        wait = float(after) if after.isdecimal() else None
        raise Retry(f"the endpoint answered {answer.status}", after=wait)
    if answer.status != 200:
        raise Fail(
            f"the endpoint answered {answer.status}: {answer.data[:500].decode('utf-8', 'replace')}"
        )
    return answer.json()


def _answer(document: Any) -> str:
    try:
        return str(document["choices"][0]["message"]["content"])
    except (KeyError, IndexError, TypeError) as error:
        raise ValueError("the endpoint's answer holds no choices[0].message.content") from error
