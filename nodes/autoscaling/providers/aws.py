"""Instances of an Auto Scaling group of AWS, through boto3.

The group names its machines: the node of `i-0abc…` in the pool `cpu` is `cpu-i-0abc…`, which its
user data says. With a `token_path` what it needs to join lies in the Parameter Store, encrypted,
under that path and the instance's id, as soon as the group shows the instance.
"""

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from nodes.autoscaling.configuration import PoolSettings
from nodes.autoscaling.ports import Invitations, ProviderError
from nodes.autoscaling.providers.extras import require
from nodes.domain.scaling_machines import Instance

#: What a group says of an instance that is there to stay; all others are on their way out.
STAYS = ("Pending", "InService", "Standby", "EnteringStandby")
#: How terminating something that is gone is refused.
GONE = "not found"


class AwsProvider:
    """The group's instances. It must suspend no process; its own alarms should scale nothing."""

    def __init__(self, settings: PoolSettings, *, invitations: Invitations) -> None:
        self._settings, self._invitations = settings, invitations
        boto3 = require("boto3")
        botocore = require("botocore.exceptions")
        self._errors = (botocore.BotoCoreError, botocore.ClientError)
        seconds, region = settings.options["timeout_seconds"], settings.options["region"] or None
        config = require("botocore.config").Config(
            connect_timeout=seconds, read_timeout=seconds, retries={"max_attempts": 2}
        )
        with self._telling():
            self._groups = boto3.client("autoscaling", region_name=region, config=config)
            self._parameters = boto3.client("ssm", region_name=region, config=config)
        self._group = settings.options["group"]
        #: When instances were seen first: a group does not tell since when they run.
        self._seen: dict[str, float] = {}
        self._invited: set[str] = set()

    def list(self) -> list[Instance]:
        """See `Provider.list`. Instances that the group has not started yet are counted, too."""
        group = self._describe()
        rows = group["Instances"]
        now = time.time()
        self._seen = {row["InstanceId"]: self._seen.get(row["InstanceId"], now) for row in rows}
        found = [self._instance(row) for row in rows]
        self._protect([row for row in rows if row["LifecycleState"] == "InService"])
        for instance in found:
            if not instance.leaving:
                self._invite(instance)
        staying = sum(not instance.leaving for instance in found)
        coming = range(staying, group["DesiredCapacity"])
        pool = self._settings.name
        return found + [Instance(f"coming-{n}", f"{pool}-coming-{n}", now) for n in coming]

    def start(self, nodes: Sequence[str]) -> None:
        """See `Provider.start`."""
        wanted = self._describe()["DesiredCapacity"] + len(nodes)
        with self._telling():
            self._groups.set_desired_capacity(
                AutoScalingGroupName=self._group, DesiredCapacity=wanted, HonorCooldown=False
            )

    def stop(self, instance: Instance) -> None:
        """See `Provider.stop`."""
        here = [row["InstanceId"] for row in self._describe()["Instances"]]
        with self._telling(unless=GONE):
            if instance.id not in here:
                return
            self._groups.terminate_instance_in_auto_scaling_group(
                InstanceId=instance.id, ShouldDecrementDesiredCapacity=True
            )
        self._withdraw(instance)

    def close(self) -> None:
        """Machines outlive a Foreman."""

    def _describe(self) -> Mapping[str, Any]:
        with self._telling():
            answer = self._groups.describe_auto_scaling_groups(AutoScalingGroupNames=[self._group])
        if not answer["AutoScalingGroups"]:
            raise ProviderError(f"there is no Auto Scaling group {self._group!r} in this region")
        group: Mapping[str, Any] = answer["AutoScalingGroups"][0]
        return group

    def _instance(self, row: Mapping[str, Any]) -> Instance:
        id_ = row["InstanceId"]
        leaving = not row["LifecycleState"].startswith(STAYS)
        return Instance(id_, f"{self._settings.name}-{id_}", self._seen[id_], leaving)

    def _protect(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Which machine goes is decided here: nothing else may take one that works."""
        bare = [row["InstanceId"] for row in rows if not row["ProtectedFromScaleIn"]]
        if bare:
            with self._telling():
                self._groups.set_instance_protection(
                    AutoScalingGroupName=self._group, InstanceIds=bare, ProtectedFromScaleIn=True
                )

    def _invite(self, instance: Instance) -> None:
        path = self._settings.options["token_path"]
        if not path or instance.id in self._invited:
            return
        joins = self._invitations.make(pool=self._settings.name, node=instance.node)
        try:
            self._parameters.put_parameter(
                Name=f"{path}/{instance.id}", Value=json.dumps(joins), Type="SecureString"
            )
        except self._parameters.exceptions.ParameterAlreadyExists:
            pass  # an earlier leader's
        except self._errors as error:
            raise ProviderError(str(error)) from error
        self._invited.add(instance.id)

    def _withdraw(self, instance: Instance) -> None:
        path = self._settings.options["token_path"]
        if path:
            with self._telling(unless="ParameterNotFound"):
                self._parameters.delete_parameter(Name=f"{path}/{instance.id}")

    @contextmanager
    def _telling(self, *, unless: str = "") -> Iterator[None]:
        try:
            yield
        except self._errors as error:
            if not unless or unless not in str(error):
                raise ProviderError(str(error)) from error
