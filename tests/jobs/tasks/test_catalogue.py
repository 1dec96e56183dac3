"""The built-in tasks are there, and knowing them costs a Spore nothing."""

import subprocess
import sys
from subprocess import PIPE

import jobs.tasks  # noqa: F401 registers them
from hive_site.configuration import PROJECT
from jobs.registry import registry

BUILT_IN = """demo.echo demo.sleep demo.whoami demo.fail demo.flaky demo.crash demo.spin
demo.allocate demo.stream demo.payload math.count_primes text.word_count text.merge_counts
articles.summarise articles.digest llm.instruct django.task"""
#: redis-py looks whether there is a cryptography; the part that weighs is below it.
HEAVY = ["trafilatura", "lxml", "urllib3", "cryptography.hazmat", "django_tasks"]


def test_every_task_of_the_contract_is_registered_and_says_what_it_gives():
    for name in BUILT_IN.split():
        assert registry.get(name).summary, name


def test_importing_the_tasks_imports_nothing_heavy():
    code = f"import sys, jobs.tasks; print([m for m in {HEAVY} if m in sys.modules])"

    ran = subprocess.run([sys.executable, "-c", code], cwd=PROJECT, stdout=PIPE, check=True)

    assert ran.stdout.strip() == b"[]"
