"""What is asked of engines, clusters and clouds, and how their refusals are told."""

import json
import sys

import pytest

from hive_site.kernel.envelope import node_key
from hive_site.kernel.errors import HiveError
from nodes.autoscaling.ports import ProviderError
from tests.nodes.autoscaling.providers.cluster import COST
from tests.nodes.autoscaling.providers.conftest import Ground, settings_of
from tests.nodes.cast import FLEET_KEY

KEY = node_key(FLEET_KEY, "cpu-1").hex()


def test_a_container_runs_a_spore_of_the_pool_with_its_own_key(docker, engine):
    docker.open().start(["cpu-1"])

    [container] = engine.containers.values()
    config, host = container["Config"], container["HostConfig"]
    assert config["Labels"] == {"hive.cluster": "hive", "hive.pool": "cpu", "hive.node": "cpu-1"}
    assert f"HIVE_NODE_KEY={KEY}" in config["Env"]
    assert "REDIS_URL=redis://r" in config["Env"]
    assert config["Cmd"] == [
        *("python", "manage.py", "rqworker", "--name", "cpu-1", "--slots", "2"),
        *("--label", "pool=cpu", "--home", "/var/lib/hive"),
    ]
    assert (host["AutoRemove"], host["Init"], host["CapDrop"]) == (True, True, ["ALL"])
    assert container["State"]["Status"] == "running"


def test_an_engine_that_refuses_is_told_in_its_words(docker, engine):
    engine.broken = True

    with pytest.raises(ProviderError, match="the engine is on fire"):
        docker.open().list()


def test_an_engine_that_is_away_is_told_when_it_is_asked_and_not_before(tmp_path):
    pytest.importorskip("docker")
    options = f'image = "hive:1"\nhost = "unix://{tmp_path}/none.sock"'
    provider = Ground(settings_of("docker", options), tmp_path).open()

    with pytest.raises(ProviderError, match="No such file"):
        provider.list()


def test_a_pod_is_made_after_the_template_and_its_secret_goes_with_it(pods, cluster):
    provider = pods.open()

    provider.start(["cpu-1"])

    pod, secret = cluster.pods["cpu-1"], cluster.secrets["cpu-1"]
    [spore] = pod["spec"]["containers"]
    assert pod["metadata"]["labels"] == {
        **{"team": "lab", "hive.cluster": "hive", "hive.pool": "cpu"}
    }
    assert spore["envFrom"] == [{"secretRef": {"name": "cpu-1"}}]
    assert spore["args"][:5] == ["python", "manage.py", "rqworker", "--name", "cpu-1"]
    assert secret["stringData"] == {"HIVE_NODE_NAME": "cpu-1", "HIVE_NODE_KEY": KEY}
    assert KEY not in json.dumps(pod)
    provider.stop(provider.list()[0])
    assert (cluster.pods, cluster.secrets) == ({}, {})


def test_a_cluster_that_forbids_it_is_told_in_its_words(pods, cluster):
    cluster.broken = True

    with pytest.raises(ProviderError, match="403 pods is forbidden"):
        pods.open().list()


def test_pods_that_ended_are_no_machines(pods, cluster):
    provider = pods.open()
    provider.start(["cpu-1", "cpu-2"])

    cluster.pods["cpu-1"]["status"]["phase"] = "Failed"

    assert [instance.node for instance in provider.list()] == ["cpu-2"]


def test_replicas_without_a_pod_count_as_coming(deployment, cluster):
    cluster.replicas = 2

    assert [each.id for each in deployment.open().list()] == ["coming-0", "coming-1"]


def test_the_pod_that_shall_go_is_the_cheapest_to_delete(deployment, cluster):
    provider = deployment.open()
    provider.start(["a", "b", "c"])
    victim = provider.list()[1]
    cluster._reconcile = lambda: None

    provider.stop(victim)

    assert cluster.pods[victim.node]["metadata"]["annotations"] == {COST: "-1000"}
    assert cluster.replicas == 2


def test_pods_that_derive_their_keys_from_their_pool_s_are_known_by_the_names_they_give_themselves(
    tmp_path, kubeconfig, cluster
):
    options = 'namespace = "lab"\ndeployment = "spores"\npool_key = "spore"'
    provider = Ground(settings_of("kubernetes", options), tmp_path, names_itself=True).open()
    provider.start(["a", "b"])

    [one, two] = provider.list()

    assert {one.node, two.node} == {f"spore--{pod}" for pod in cluster.pods}
    provider.stop(one)
    assert [instance.node for instance in provider.list()] == [two.node]


@pytest.mark.parametrize("text", [None, "kind: Deployment", "kind: Pod\nspec: {}", "{", "- 1"])
def test_a_template_that_is_no_pod_is_told_before_anything_is_asked(tmp_path, text):
    pytest.importorskip("kubernetes")
    path = tmp_path / "pod.yaml"
    if text is not None:
        path.write_text(text)
    settings = settings_of("kubernetes", f'template = "{path}"')

    with pytest.raises(HiveError, match=r"kubernetes\.template = "):
        Ground(settings, tmp_path).open()


def test_a_group_s_instances_are_protected_and_given_what_they_need_to_join(aws):
    import boto3

    provider = aws.open()
    provider.start(["", ""])

    [one, _] = provider.list()

    groups = boto3.client("autoscaling", region_name="eu-central-1")
    [group] = groups.describe_auto_scaling_groups(AutoScalingGroupNames=["cpu"])[
        "AutoScalingGroups"
    ]
    assert all(row["ProtectedFromScaleIn"] for row in group["Instances"])
    parameters = boto3.client("ssm", region_name="eu-central-1")
    name = f"/hive/join/{one.id}"
    found = parameters.get_parameter(Name=name, WithDecryption=True)["Parameter"]
    assert found["Type"] == "SecureString"
    assert one.node == f"cpu-{one.id}"
    assert json.loads(found["Value"]) == {
        "HIVE_NODE_NAME": one.node,
        "HIVE_NODE_KEY": node_key(FLEET_KEY, one.node).hex(),
    }
    provider.stop(one)
    with pytest.raises(parameters.exceptions.ParameterNotFound):
        parameters.get_parameter(Name=name)


def test_the_desired_capacity_goes_down_with_the_instance(aws):
    import boto3

    provider = aws.open()
    provider.start(["", "", ""])

    provider.stop(provider.list()[0])

    groups = boto3.client("autoscaling", region_name="eu-central-1")
    [group] = groups.describe_auto_scaling_groups(AutoScalingGroupNames=["cpu"])[
        "AutoScalingGroups"
    ]
    assert group["DesiredCapacity"] == 2


def test_a_group_that_is_not_there_is_told(aws):
    with pytest.raises(ProviderError, match="there is no Auto Scaling group 'none'"):
        aws.open("none").list()


@pytest.mark.parametrize(
    ("provider", "options", "package"),
    [
        ("docker", 'image = "hive:1"', "docker"),
        ("kubernetes", 'deployment = "spores"', "kubernetes"),
        ("aws", 'group = "spores"', "boto3"),
    ],
)
def test_a_package_that_is_missing_is_named(monkeypatch, tmp_path, provider, options, package):
    monkeypatch.setitem(sys.modules, package, None)

    with pytest.raises(HiveError, match=f"needs the package {package}: pip install {package}"):
        Ground(settings_of(provider, options), tmp_path).open()
