"""The built-in tasks (CONTRACT §4). Every Spore imports this, so nothing heavy is imported here."""

from jobs.tasks import articles, demo, django_tasks, llm, primes, text

__all__ = ["articles", "demo", "django_tasks", "llm", "primes", "text"]
