import sys

from bench.world import own_environment, rq_worker

SOMEBODYS = {
    "DATABASE_URL": "postgres://team@db/hive",
    "DATABASE_URL_FILE": "/run/secrets/db",
    "REDIS_URL": "redis://team:6379/0",
    "REDIS_PASSWORD_FILE": "/run/secrets/redis",
    "HIVE_DATA_DIR": "/srv/hive",
    "HIVE_FLEET_KEY": "secret",
    "HIVE_SPORE_DATABASE": "1",
    "SECRET_KEY": "secret",
    "DJANGO_SETTINGS_MODULE": "team.settings",
    "PATH": "/usr/bin",
}


def test_a_run_never_sees_the_redis_the_database_or_the_keys_of_another_hive():
    env = own_environment(SOMEBODYS, database_url="")

    assert set(env) & set(SOMEBODYS) == {"PATH"}
    assert env["HIVE_TASK_MODULES"] == "bench.tasks"


def test_a_borrowed_database_is_the_only_one_that_a_run_knows():
    env = own_environment(SOMEBODYS, database_url="postgres://team@db/hive_bench_1")

    assert env["DATABASE_URL"] == "postgres://team@db/hive_bench_1"
    assert "DATABASE_URL_FILE" not in env


def test_the_password_of_redis_is_not_in_the_command_line_of_a_worker():
    recipe = rq_worker("rq-1", {"PATH": "/usr/bin"}, "redis://:hush@127.0.0.1:1/1")

    assert "hush" not in " ".join(recipe.argv)
    assert recipe.env["RQ_REDIS_URL"] == "redis://:hush@127.0.0.1:1/1"
    assert recipe.argv[0].startswith(sys.prefix)
