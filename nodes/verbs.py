"""What people do, on the pages and in the admin: its permission, a word of warning, the act."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from django.utils import timezone

from nodes import joining, services
from nodes.answers import await_answers, broadcast_view
from nodes.broadcasts import send_broadcast
from nodes.domain.commands import Command
from nodes.domain.states import PRESENT, Intent
from nodes.invitations import withdraw
from nodes.joining_models import Invite
from nodes.models import ApiKey, Node
from nodes.picture import glimpse

#: Nodes that are well answer within a tenth of this.
WAIT_SECONDS = 1.0
CHANGE = "nodes.change_node"


@dataclass(frozen=True, slots=True)
class Verb:
    """Something that can be done to one kind of thing.

    `act` does it to the thing of that id, for the user of that name; `together` to many at once,
    where that is another thing, and says what came of it. `touches` says what it would touch, in
    figures. With `asks`, people are asked before it is done; with `harmless`, though it takes
    nothing away; with `ends`, the thing is no more afterwards.
    """

    label: str
    meaning: str
    permission: str
    act: Callable[[str, str], object]
    done: str
    asks: bool = False
    harmless: bool = False
    ends: bool = False
    touches: Callable[[Sequence[Any]], str] = lambda things: ""
    together: Callable[[Sequence[str], str], str] | None = None


def tell(count: int, one: str, many: str = "") -> str:
    """A number with its word: "1 node", "1,204 subtasks"."""
    return f"{count:,} {one if count == 1 else many or f'{one}s'}"


def running_on(nodes: Sequence[Node]) -> str:
    """What runs on nodes just now, and how much of the cluster they are."""
    picture = glimpse().current(time.time())
    if not picture:
        return "What runs there is not known: no Foreman leads just now."
    names = {node.name for node in nodes}
    rows = [row for row in picture["nodes"] if row["name"] in names]
    running = sum(map(_subtasks_on, rows))
    slots, every = _slots_of(rows), _slots_of(picture["nodes"])
    runs = tell(running, "subtask runs", "subtasks run")
    return f"{runs} there now, on {tell(len(names), 'node')} with {slots:,} of {every:,} slots."


def _slots_of(rows: Sequence[Mapping[str, Any]]) -> int:
    return sum(row["slots"] for row in rows if row["state"] in PRESENT)


def _subtasks_on(row: Mapping[str, Any]) -> int:
    """What a node has in hand: to the subtask while somebody looks closely, else busy slots."""
    return sum(work["items"] for work in row.get("work", ())) or int(row["running"])


def last_use(keys: Sequence[ApiKey]) -> str:
    """How many keys still work, and when one of them was used last."""
    live = [key for key in keys if not key.revoked_at]
    used = max((key.last_used_at for key in live if key.last_used_at), default=None)
    last = f"last used {used:%Y-%m-%d %H:%M} UTC" if used else "never used"
    return f"{tell(len(live), 'key works', 'keys work')}, {last}."


def _want(intent: Intent, name: str, who: str) -> object:
    return services.set_intent(name=name, intent=intent)


def _call(command: Command, names: Sequence[str], who: str) -> str:
    """Call out to nodes; who answered."""
    broadcast, _ = send_broadcast(command=command, nodes=list(names), submitted_by=who)
    await_answers(broadcast, seconds=WAIT_SECONDS)
    answers = broadcast_view(broadcast)["acknowledgements"]
    heard = ", ".join(sorted(name for name, said in answers.items() if said)) or "nobody"
    silent = ", ".join(sorted(name for name, said in answers.items() if not said))
    return f"{command}: {heard} answered" + (f"; nothing from {silent}." if silent else ".")


def _call_one(command: Command, name: str, who: str) -> str:
    return _call(command, [name], who)


NODE_VERBS: Mapping[str, Verb] = {
    "drain": Verb(
        "Drain",
        "What runs there comes to its end; nothing new is started.",
        CHANGE,
        partial(_want, Intent.DRAIN),
        "is being drained",
        asks=True,
        touches=running_on,
    ),
    "cordon": Verb(
        "Cordon",
        "Nothing new is started there.",
        CHANGE,
        partial(_want, Intent.CORDON),
        "is cordoned",
    ),
    "resume": Verb(
        "Resume", "It takes work again.", CHANGE, partial(_want, Intent.WORK), "takes work again"
    ),
    "revoke": Verb(
        "Revoke",
        "Its keys are worth nothing any more: Redis and Nexus refuse it, its work runs elsewhere."
        " It cannot be taken back; the machine would have to be invited anew.",
        "nodes.delete_node",
        lambda name, who: joining.revoke(name, who=who, now=timezone.now()),
        "was revoked",
        asks=True,
        touches=running_on,
    ),
    "forget": Verb(
        "Forget",
        "Its record is deleted. Only lost nodes can be forgotten; one that lives joins again.",
        "nodes.delete_node",
        lambda name, who: services.forget_node(name=name),
        "was forgotten",
        asks=True,
        ends=True,
    ),
}
CALLS: Mapping[str, Verb] = {
    "ping": Verb(
        "Ping",
        "Asks for a sign of life.",
        "nodes.add_broadcast",
        partial(_call_one, Command.PING),
        "was asked for a sign of life",
        together=partial(_call, Command.PING),
    ),
    "shut_down": Verb(
        "Shut down",
        "What runs there is ended in bounded time, then the Spores. They start again only by hand.",
        "nodes.add_broadcast",
        partial(_call_one, Command.SHUTDOWN),
        "is told to shut down",
        asks=True,
        touches=running_on,
        together=partial(_call, Command.SHUTDOWN),
    ),
}
INVITE_VERBS: Mapping[str, Verb] = {
    "withdraw": Verb(
        "Withdraw",
        "Nobody joins with it any more. Who did already stays.",
        "nodes.delete_invite",
        lambda pk, who: withdraw(Invite.objects.filter(pk=pk), now=timezone.now()),
        "was withdrawn",
        asks=True,
    ),
}
KEY_VERBS: Mapping[str, Verb] = {
    "revoke": Verb(
        "Revoke",
        "Whoever uses it is refused from the next request on. It cannot be taken back.",
        "nodes.delete_apikey",
        lambda pk, who: services.revoke_api_keys(ApiKey.objects.filter(pk=pk)),
        "was revoked",
        asks=True,
        touches=last_use,
    ),
}
