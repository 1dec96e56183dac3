"""The manifests: valid to the letter, locked up, and at one with the rest of the project."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest
import yaml

from hive_site.commands.healthy import PARTS
from hive_site.configuration import PROJECT
from nodes.spore.leaving import STOP_PATIENCE_SECONDS
from tests.deploy.exported import find_unknown, read_exported
from tests.deploy.places import KUBERNETES, SERVICES, documents, is_read

#: The oldest and the newest that the manifests are for.
VERSIONS = ("1.29", "1.37")
FILES = sorted(KUBERNETES.rglob("*.yaml"))
MANIFESTS = [path for path in FILES if path.name != "kustomization.yaml"]
KUSTOMIZATIONS = [path for path in FILES if path.name == "kustomization.yaml"]
OBJECTS = [
    pytest.param(path, each, id=f"{path.parent.name}-{each['kind']}-{each['metadata']['name']}")
    for path in MANIFESTS
    for each in documents(path)
]
BUILT_IN = [param for param in OBJECTS if "keda.sh" not in param.values[1]["apiVersion"]]
WITH_PODS = [param for param in OBJECTS if "template" in param.values[1].get("spec", {})]
[SCALED] = [param.values[1] for param in OBJECTS if param.values[1]["kind"] == "ScaledObject"]


def find(kind: str, name: str) -> dict:
    [found] = [
        param.values[1]
        for param in OBJECTS
        if (param.values[1]["kind"], param.values[1]["metadata"]["name"]) == (kind, name)
    ]
    return found


def pod_of(workload: dict) -> dict:
    return workload["spec"]["template"]["spec"]


def containers(workload: dict) -> list[dict]:
    pod = pod_of(workload)
    return [*pod.get("initContainers", []), *pod["containers"]]


def properties(name: str) -> dict[str, str]:
    lines = (KUBERNETES / "base" / f"{name}.properties").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


@pytest.mark.parametrize(("path", "resource"), BUILT_IN)
def test_the_schema_of_kubernetes_holds_to_the_letter(path, resource):
    validate = pytest.importorskip("kubernetes_validate", reason="it brings the schemas")

    for version in VERSIONS:
        validate.validate(resource, version, strict=True)


def test_the_scaled_object_is_one_of_kedas():
    schema = json.loads((Path(__file__).parent / "schemas/keda-scaledobject.json").read_text())

    jsonschema.Draft202012Validator(schema).validate(SCALED["spec"])
    assert SCALED["apiVersion"] == "keda.sh/v1alpha1"


@pytest.mark.parametrize(("path", "workload"), WITH_PODS)
def test_pods_keep_to_the_restricted_standard(path, workload):
    pod = pod_of(workload)

    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["runAsUser"] > 0
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert not {"hostNetwork", "hostPID", "hostIPC"} & set(pod)
    assert not [volume for volume in pod["volumes"] if "hostPath" in volume]
    for container in containers(workload):
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }


@pytest.mark.parametrize(("path", "workload"), WITH_PODS)
def test_pods_get_no_account_and_no_variables_of_other_services(path, workload):
    # A Service called redis would set REDIS_PORT to tcp://…, which is a setting of the Hive.
    assert pod_of(workload)["automountServiceAccountToken"] is False
    assert pod_of(workload)["enableServiceLinks"] is False


@pytest.mark.parametrize(("path", "workload"), WITH_PODS)
def test_what_is_mounted_is_there_and_what_is_there_is_mounted(path, workload):
    claims = workload["spec"].get("volumeClaimTemplates", [])
    names = {each["metadata"]["name"] for each in claims}
    names |= {volume["name"] for volume in pod_of(workload)["volumes"]}
    mounted = {
        mount["name"] for each in containers(workload) for mount in each.get("volumeMounts", [])
    }

    assert mounted == names


@pytest.mark.parametrize(("path", "workload"), WITH_PODS)
def test_every_container_asks_for_what_it_needs_and_has_a_limit(path, workload):
    for container in containers(workload):
        assert set(container["resources"]["requests"]) == {"cpu", "memory"}
        assert "memory" in container["resources"]["limits"]


def test_what_is_generated_is_what_is_used():
    base = yaml.safe_load((KUBERNETES / "base" / "kustomization.yaml").read_text())
    made = {f"secret/{each['name']}" for each in base["secretGenerator"]}
    made |= {f"map/{each['name']}" for each in base["configMapGenerator"]}
    used = set()
    for param in WITH_PODS:
        workload = param.values[1]
        secrets = (volume.get("secret") for volume in pod_of(workload)["volumes"])
        used |= {f"secret/{secret['secretName']}" for secret in secrets if secret}
        used |= {
            f"map/{source['configMapRef']['name']}"
            for each in containers(workload)
            for source in each.get("envFrom", [])
        }

    assert made == used


def test_secrets_are_made_by_make_secrets(tmp_path):
    base = yaml.safe_load((KUBERNETES / "base" / "kustomization.yaml").read_text())
    files = {
        file.partition("=")[2] for secret in base["secretGenerator"] for file in secret["files"]
    }
    script = [str(PROJECT / "deploy/make_secrets.py"), "--owner-only"]

    subprocess.run([sys.executable, *script, "--out", str(tmp_path / "secrets")], check=True)

    assert all((tmp_path / file).read_text() for file in files)


def test_secrets_lie_where_the_settings_say():
    secrets = yaml.safe_load((KUBERNETES / "base" / "kustomization.yaml").read_text())[
        "secretGenerator"
    ]
    files = {
        f"/run/secrets/{secret['name']}/{file.partition('=')[0]}"
        for secret in secrets
        for file in secret["files"]
    }

    for name in ("nexus", "spore"):
        said = {k: v for k, v in properties(name).items() if k.endswith("_FILE")}
        assert set(said.values()) <= files
    for param in WITH_PODS:
        for container in containers(param.values[1]):
            for mount in container["volumeMounts"]:
                if mount["name"].endswith("-secret"):
                    secret = mount["name"].removesuffix("-secret")
                    assert mount["mountPath"] == f"/run/secrets/{secret}"


def test_every_setting_is_read_by_the_hive():
    known = [name for file in ("nexus", "spore") for name in properties(file)]

    assert [name for name in known if not is_read(name)] == []


def test_spores_get_no_secret_of_the_nexus():
    said = properties("spore")
    volumes = pod_of(find("Deployment", "spore"))["volumes"]

    assert not {"SECRET_KEY_FILE", "HIVE_FLEET_KEY_FILE", "DATABASE_URL_FILE"} & set(said)
    secrets = {volume["secret"]["secretName"] for volume in volumes if "secret" in volume}
    assert secrets == {"pool"}


def test_commands_are_those_of_docker_compose():
    foreman, spore = find("Deployment", "foreman"), find("Deployment", "spore")
    [runs] = pod_of(foreman)["containers"]
    [works] = pod_of(spore)["containers"]

    assert runs["command"] == SERVICES["foreman"]["command"]
    assert works["command"] == SERVICES["spore"]["command"][:3]
    assert (
        pod_of(find("Job", "migrate"))["containers"][0]["command"]
        == (SERVICES["migrate"]["command"])
    )
    assert "command" not in pod_of(find("Deployment", "nexus"))["containers"][0]


def test_pods_are_nodes_of_the_pool_whose_key_they_have():
    [spore] = pod_of(find("Deployment", "spore"))["containers"]
    base = yaml.safe_load((KUBERNETES / "base" / "kustomization.yaml").read_text())
    [pool] = [each for each in base["secretGenerator"] if each["name"] == "pool"]

    # Without a name it calls itself after its host, which is the pod.
    assert not [word for word in spore["args"] if word.startswith("--name")]
    assert "hostname" not in pod_of(find("Deployment", "spore"))
    assert pool["files"] == ["pool_key=secrets/pool_keys/spore"]
    assert "--label=pool=spore" in spore["args"]


def test_prometheus_may_ask_a_nexus_by_the_address_of_its_pod():
    [nexus] = pod_of(find("Deployment", "nexus"))["containers"]
    said = {each["name"]: each for each in nexus["env"]}

    # Variables are put in from left to right, and only those of this list.
    assert list(said) == ["ADDRESS", "HOSTS", "ALLOWED_HOSTS"]
    assert said["ALLOWED_HOSTS"]["value"] == "$(HOSTS),$(ADDRESS)"
    assert said["HOSTS"]["valueFrom"]["configMapKeyRef"]["key"] in properties("nexus")


@pytest.mark.parametrize("part", ["foreman", "spore"])
def test_probes_ask_with_a_command_there_is(part):
    [container] = pod_of(find("Deployment", part))["containers"]
    healthy = ["python", "manage.py", "hive", "healthy", part]

    assert part in PARTS
    assert container["livenessProbe"]["exec"]["command"] == healthy
    assert container["startupProbe"]["exec"]["command"] == healthy
    assert container["readinessProbe"]["exec"]["command"] == [*healthy, "--ready"]


def test_the_nexus_is_asked_under_a_name_it_answers_to():
    [nexus] = pod_of(find("Deployment", "nexus"))["containers"]
    probe = nexus["readinessProbe"]["httpGet"]

    [host] = probe["httpHeaders"]
    assert host["value"] in properties("nexus")["ALLOWED_HOSTS"].split(",")
    assert (probe["path"], nexus["livenessProbe"]["httpGet"]["path"]) == ("/readyz", "/livez")


def test_a_spore_is_given_longer_than_it_needs_to_leave():
    grace = pod_of(find("Deployment", "spore"))["terminationGracePeriodSeconds"]

    assert grace >= 2 * STOP_PATIENCE_SECONDS


def test_two_foremen_of_which_one_may_be_away():
    assert find("Deployment", "foreman")["spec"]["replicas"] == 2
    for name in ("nexus", "foreman"):
        assert find("PodDisruptionBudget", name)["spec"]["minAvailable"] == 1


def test_whatever_scales_spores_is_not_undone_by_the_next_apply():
    assert "replicas" not in find("Deployment", "spore")["spec"]
    assert SCALED["spec"]["scaleTargetRef"]["name"] == "spore"


def test_selectors_choose_pods_there_are():
    pods = {
        param.values[1]["spec"]["template"]["metadata"]["labels"]["app.kubernetes.io/name"]
        for param in WITH_PODS
    }
    text = "\n".join(path.read_text() for path in MANIFESTS)

    chosen = set(re.findall(r"app\.kubernetes\.io/name: (\w+)", text))
    for values in re.findall(r"operator: In, values: \[([^]]+)\]", text):
        chosen |= set(values.split(", "))
    assert chosen == pods


def test_what_keda_asks_for_is_exported(api, redis):
    [trigger] = SCALED["spec"]["triggers"]
    query = trigger["metadata"]["query"]

    asked = re.findall(r"max(?: by \(\w+\) )?\(hive_\w+\)", query)
    exported = read_exported(api, redis)
    assert [unknown for each in asked for unknown in find_unknown(each, exported)] == []
    assert len(asked) == query.count("hive_")
    assert not re.search(r"\bsum\(hive", query)  # of several Nexuses the greatest counts
    [spore] = pod_of(find("Deployment", "spore"))["containers"]
    assert f"--slots={trigger['metadata']['threshold']}" in spore["args"]


def test_files_that_are_listed_are_there():
    for path in KUSTOMIZATIONS:
        listed = yaml.safe_load(path.read_text())["resources"]
        assert all((path.parent / each).exists() for each in listed)
        there = {each.name for each in path.parent.glob("*.yaml")} - {"kustomization.yaml"}
        assert there <= set(listed)


@pytest.fixture(scope="module")
def kustomized(tmp_path_factory):
    """What `kubectl kustomize` makes of each directory, with secrets beside it."""
    kubectl = shutil.which("kubectl")
    if not kubectl:
        pytest.skip("no kubectl here")
    place = tmp_path_factory.mktemp("kubernetes")
    shutil.copytree(KUBERNETES, place / "k", ignore=shutil.ignore_patterns("secrets"))
    secrets = [str(PROJECT / "deploy/make_secrets.py"), "--out", str(place / "k/base/secrets")]
    subprocess.run([sys.executable, *secrets], check=True, stdout=subprocess.DEVNULL)

    def build(name: str) -> list[dict]:
        built = subprocess.run(
            [kubectl, "kustomize", str(Path(place / "k" / name))],
            capture_output=True,
            text=True,
            check=False,
        )
        assert built.returncode == 0, built.stderr
        assert "Warning" not in built.stderr
        return [each for each in yaml.safe_load_all(built.stdout) if each]

    return build


@pytest.mark.parametrize("name", ["base", "trial", "keda", "ingress"])
def test_kubectl_builds_it(kustomized, name):
    built = kustomized(name)

    assert built
    assert {each["metadata"].get("namespace", "hive") for each in built} == {"hive"}


def test_what_kubectl_builds_refers_to_what_it_makes(kustomized):
    built = kustomized("trial")
    made = {
        (each["kind"], each["metadata"]["name"])
        for each in built
        if each["kind"] in {"Secret", "ConfigMap", "PersistentVolumeClaim"}
    }
    used = set()
    for workload in (each for each in built if "template" in each.get("spec", {})):
        for volume in pod_of(workload)["volumes"]:
            if "secret" in volume:
                used.add(("Secret", volume["secret"]["secretName"]))
            if "persistentVolumeClaim" in volume:
                claim = volume["persistentVolumeClaim"]["claimName"]
                used.add(("PersistentVolumeClaim", claim))
        for container in containers(workload):
            for source in container.get("envFrom", []):
                used.add(("ConfigMap", source["configMapRef"]["name"]))

    assert used == made
    assert len({name for _, name in made}) == len(made)


def test_on_one_machine_any_storage_will_do(kustomized):
    modes = {
        name: each["spec"]["accessModes"]
        for name in ("base", "trial")
        for each in kustomized(name)
        if each["kind"] == "PersistentVolumeClaim"
    }

    assert modes == {"base": ["ReadWriteMany"], "trial": ["ReadWriteOnce"]}
