from bench.contenders import Setting
from bench.hive import tuned
from bench.world import own_environment
from hive_site.stack.processes import Recipe

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
FOREMAN = Recipe(name="foreman", argv=["python"], env={"PATH": "/usr/bin"})


def test_a_run_never_sees_the_redis_the_database_or_the_keys_of_another_hive():
    env = own_environment(SOMEBODYS, database_url="")

    assert set(env) & set(SOMEBODYS) == {"PATH"}
    assert env["HIVE_TASK_MODULES"] == "bench.tasks"


def test_a_borrowed_database_is_the_only_one_that_a_run_knows():
    env = own_environment(SOMEBODYS, database_url="postgres://team@db/hive_bench_1")

    assert env["DATABASE_URL"] == "postgres://team@db/hive_bench_1"
    assert "DATABASE_URL_FILE" not in env


def test_a_setting_may_send_every_item_alone():
    foreman = tuned(FOREMAN, Setting(bundle_seconds=0))

    assert foreman.env == {"PATH": "/usr/bin", "HIVE_BUNDLE_SECONDS": "0"}


def test_the_usual_setting_leaves_the_foreman_as_it_comes():
    assert tuned(FOREMAN, Setting()) is FOREMAN
