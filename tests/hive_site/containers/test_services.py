import json

import pytest

from hive_site.containers.services import Container, are_well, read_containers

SPORE = {"Name": "hive-spore-1", "Service": "spore", "State": "running", "Health": "healthy"}
DONE = {"Name": "hive-migrate-1", "Service": "migrate", "State": "exited", "ExitCode": 0}
BOTH = [
    Container("hive-migrate-1", "migrate", "exited"),
    Container("hive-spore-1", "spore", "running", "healthy"),
]


def test_docker_compose_prints_an_object_a_line():
    text = "\n".join(map(json.dumps, [{**SPORE, "Labels": "a=b,c=d"}, {**DONE, "Health": ""}]))

    assert read_containers(text) == BOTH


def test_older_ones_print_a_list():
    assert read_containers(json.dumps([SPORE, DONE])) == BOTH
    assert read_containers("[]") == read_containers("\n") == []


def test_podman_has_names_of_its_own_for_everything():
    label = "com.docker.compose.service"
    spore = {"Names": ["hive-spore-1"], "Labels": {label: "spore"}, "State": "running"}
    done = {"Names": ["hive-migrate-1"], "Labels": {label: "migrate"}, "State": "exited"}

    read = read_containers(json.dumps([{**spore, "Status": "Up 2 minutes (healthy)"}, done]))

    assert read == BOTH


@pytest.mark.parametrize(
    ("container", "well"),
    [
        (Container("a", "spore", "running", "healthy"), True),
        (Container("a", "redis", "running"), True),
        (Container("a", "spore", "running", "starting"), False),
        (Container("a", "spore", "running", "unhealthy"), False),
        (Container("a", "spore", "exited", exit_code=0), False),
        (Container("a", "spore", "restarting"), False),
        (Container("a", "migrate", "exited", exit_code=0), True),
        (Container("a", "migrate", "exited", exit_code=1), False),
        (Container("a", "migrate", "running"), True),
    ],
)
def test_whoever_works_or_did_its_work_is_well(container, well):
    assert container.is_well is well


def test_where_nothing_runs_nothing_is_well():
    assert not are_well([])
    assert are_well(BOTH)
    assert not are_well([*BOTH, Container("a", "spore", "dead")])


@pytest.mark.parametrize("text", ["no such service", '"x"', "{]"])
def test_what_is_no_json_is_refused(text):
    with pytest.raises((ValueError, AttributeError)):
        read_containers(text)
