"""Every provider, before something that speaks as what it drives."""

import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from nodes.autoscaling.configuration import PoolSettings, read_pools
from nodes.autoscaling.invitations import NodeKeys
from nodes.autoscaling.ports import Provider
from nodes.autoscaling.providers import Surroundings, open_provider
from nodes.autoscaling.providers.process import Start
from tests.nodes.autoscaling.providers.cluster import Cluster
from tests.nodes.autoscaling.providers.engine import Engine
from tests.nodes.autoscaling.providers.stub import Stub
from tests.nodes.cast import FLEET_KEY

HERE = Path(__file__).parent
#: It is found by its arguments, as a Spore is, and is as quick to end.
STAND_IN = "import signal, time; signal.signal(15, lambda *_: exit()); time.sleep(60)"
TEMPLATE = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"labels": {"team": "lab"}},
    "spec": {"containers": [{"name": "spore", "image": "hive:1"}]},
}


@dataclass
class Ground:
    """What a provider stands on. `open` makes a new one, as a new leader does."""

    settings: Callable[[str], PoolSettings]
    folder: Path
    #: Whether machines have the names that they are started with.
    names_itself: bool = False

    def open(self, pool: str = "cpu") -> Provider:
        settings, keys = self.settings(pool), NodeKeys(FLEET_KEY)

        def start(node: str, home: Path) -> Start:
            flags = ["rqworker", "--name", node, "--home", str(home)]
            return Start([sys.executable, "-c", STAND_IN, *flags], dict(os.environ))

        around = Surroundings({pool: start}, self.folder, dict(os.environ), keys, keys)
        return open_provider(settings, around)


def settings_of(provider: str, options: str = "") -> Callable[[str], PoolSettings]:
    def read(pool: str) -> PoolSettings:
        head = f'[pools.{pool}]\nprovider = "{provider}"\nmax = 9\nslots = 2\n'
        return read_pools(f"{head}[pools.{pool}.{provider}]\n{options}")[0]

    return read


@pytest.fixture
def process(tmp_path: Path) -> Iterator[Ground]:
    ground = Ground(settings_of("process"), tmp_path)
    yield ground
    ground.open().close()


@pytest.fixture
def command(tmp_path: Path) -> Ground:
    script = HERE / "programs.py"
    lines = [
        f"{verb} = {[sys.executable, str(script), verb, str(tmp_path)]}"
        for verb in ("list", "start", "stop")
    ]
    return Ground(settings_of("command", "\n".join([*lines, "timeout_seconds = 10"])), tmp_path)


@pytest.fixture
def engine() -> Engine:
    return Engine()


@pytest.fixture
def docker(tmp_path: Path, engine: Engine) -> Iterator[Ground]:
    pytest.importorskip("docker")
    stub = Stub(engine.answer, socket=tmp_path / "docker.sock")
    options = f'image = "hive:1"\nhost = "{stub.url}"\nenvironment = {{REDIS_URL = "redis://r"}}'
    yield Ground(settings_of("docker", options), tmp_path)
    stub.close()


@pytest.fixture
def cluster() -> Cluster:
    return Cluster()


@pytest.fixture
def kubeconfig(tmp_path: Path, cluster: Cluster, monkeypatch) -> Iterator[Path]:
    """A cluster that `kubectl` would reach, too."""
    pytest.importorskip("kubernetes")
    stub = Stub(cluster.answer)
    named = {"name": "lab"}
    path = tmp_path / "kubeconfig"
    config = {
        **{"apiVersion": "v1", "kind": "Config", "current-context": "lab"},
        "clusters": [{**named, "cluster": {"server": stub.url}}],
        "users": [{**named, "user": {}}],
        "contexts": [{**named, "context": {"cluster": "lab", "user": "lab"}}],
    }
    path.write_text(yaml.safe_dump(config))
    monkeypatch.setenv("KUBECONFIG", str(path))
    monkeypatch.setattr("kubernetes.config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION", str(path))
    yield path
    stub.close()


@pytest.fixture
def pods(tmp_path: Path, kubeconfig: Path) -> Ground:
    template = tmp_path / "spore.yaml"
    template.write_text(yaml.safe_dump(TEMPLATE))
    options = f'namespace = "lab"\ntemplate = "{template}"'
    return Ground(settings_of("kubernetes", options), tmp_path)


@pytest.fixture
def deployment(tmp_path: Path, kubeconfig: Path) -> Ground:
    options = 'namespace = "lab"\ndeployment = "spores"'
    return Ground(settings_of("kubernetes", options), tmp_path, names_itself=True)


@pytest.fixture
def aws(tmp_path: Path, monkeypatch) -> Iterator[Ground]:
    moto = pytest.importorskip("moto")
    import boto3

    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with moto.mock_aws():
        ec2 = boto3.client("ec2", region_name="eu-central-1")
        image = ec2.describe_images()["Images"][0]["ImageId"]
        ec2.create_launch_template(
            LaunchTemplateName="spore",
            LaunchTemplateData={"ImageId": image, "InstanceType": "t3.micro"},
        )
        groups = boto3.client("autoscaling", region_name="eu-central-1")
        for pool in ("cpu", "other"):
            groups.create_auto_scaling_group(
                AutoScalingGroupName=pool,
                LaunchTemplate={"LaunchTemplateName": "spore"},
                MinSize=0,
                MaxSize=9,
                AvailabilityZones=["eu-central-1a"],
            )

        def settings(pool: str) -> PoolSettings:
            options = f'group = "{pool}"\nregion = "eu-central-1"\ntoken_path = "/hive/join"'
            return settings_of("aws", options)(pool)

        yield Ground(settings, tmp_path, names_itself=True)


@pytest.fixture(params=["process", "command", "docker", "pods", "deployment", "aws"])
def ground(request: pytest.FixtureRequest) -> Ground:
    """Each of them in turn."""
    found: Ground = request.getfixturevalue(request.param)
    return found
