"""Those who provide machines: each is opened only where a pool asks for it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from nodes.autoscaling.configuration import PoolSettings
from nodes.autoscaling.ports import Invitations, Provider

if TYPE_CHECKING:
    from nodes.autoscaling.providers.process import Recipe


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What providers need of the Foreman's machine: what starts a Spore there (of a pool's
    settings), where the homes of those lie, and what an operator's program may know."""

    recipe_of: "Mapping[str, Recipe]"
    folder: Path
    env: Mapping[str, str]
    #: For Spores on this machine, whose keys are made here.
    own: Invitations
    #: For all others.
    invitations: Invitations


def open_provider(settings: PoolSettings, around: Surroundings) -> Provider:
    """The provider of one pool. Raises `HiveError` for what it needs and is not there."""
    invitations = around.invitations
    match settings.provider:
        case "process":
            from nodes.autoscaling.providers.process import ProcessProvider

            return ProcessProvider(
                pool=settings.name,
                folder=around.folder / settings.name,
                recipe=around.recipe_of[settings.name],
                invitations=around.own,
            )
        case "command":
            from nodes.autoscaling.providers.command import CommandProvider

            return CommandProvider(settings, invitations=invitations, env=around.env)
        case "docker":
            from nodes.autoscaling.providers.docker import DockerProvider

            return DockerProvider(settings, invitations=invitations)
        case "aws":
            from nodes.autoscaling.providers.aws import AwsProvider

            return AwsProvider(settings, invitations=invitations)
    return _open_kubernetes(settings, invitations)


def _open_kubernetes(settings: PoolSettings, invitations: Invitations) -> Provider:
    from nodes.autoscaling.providers.kubernetes import DeploymentProvider, PodProvider

    if settings.options["deployment"]:
        return DeploymentProvider(settings)
    return PodProvider(settings, invitations=invitations)
