"""What agents say to the tools and are told by them; each field with the words they read."""

from typing import Annotated, Any

from pydantic import BaseModel, Field

#: Longer waiting is asked for again: clients and proxies give up on silent calls.
LONGEST_WAIT_SECONDS = 300

JobId = Annotated[str, Field(description="id of a job, like job_01KY…", pattern=r"^job_\w+$")]
TaskName = Annotated[str, Field(description="name of a task; list_tasks has them", min_length=1)]
Priority = Annotated[int, Field(ge=0, le=10, description="10 goes first")]
Wait = Annotated[
    float,
    Field(
        ge=0,
        le=LONGEST_WAIT_SECONDS,
        description="seconds to wait for the end; then you get what is there, and the work goes on",
    ),
]
Queue = Annotated[str, Field(description="high_priority or background")]
Options = Annotated[
    dict[str, Any],
    Field(description="more fields of a job: timeout, retries, requires, on_error, deadline, …"),
]


class Call(BaseModel, extra="forbid"):
    """One call of a task."""

    task: TaskName
    item: Any = Field(None, description="its item, any JSON")


class Task(BaseModel):
    """A task that can be run."""

    name: str
    summary: str = Field(description="what it does with an item")
    options: dict[str, Any] = Field(description="its defaults: timeout, retries, gpu, …")


class Tasks(BaseModel):
    """The tasks that there are."""

    tasks: list[Task]


class Error(BaseModel):
    """Why there is no result."""

    type: str
    message: str
    traceback: str = Field("", description="its end")


class Result(BaseModel):
    """What came of one item."""

    index: int = Field(description="place of the item, from 0")
    state: str = Field(description="succeeded, failed, cancelled, quarantined, or not ended yet")
    result: Any = None
    truncated: bool = Field(False, description="the result is only the beginning of its JSON text")
    error: Error | None = None
    node: str | None = Field(None, description="the machine that ran it")
    attempts: int = 0


class Results(BaseModel):
    """A page of results in item order."""

    job_id: str
    state: str = Field(description="of the job")
    results: list[Result]
    next_cursor: str | None = Field(None, description="for job_results, if there are more")
    hint: str = Field("", description="how to get what is missing here")


class Summary(BaseModel):
    """How many items there are and what became of them."""

    total: int
    completed: int
    failed: int
    pending: int
    success_rate: float = Field(description="of all items, 0 to 1")


class Status(BaseModel):
    """A job."""

    job_id: str
    task: str
    state: str
    summary: Summary
    result: Any = Field(None, description="of the reduction, or of the only item")
    truncated: bool = Field(False, description="the result is only the beginning of its JSON text")
    error: Error | None = None
    created_at: str | None = None
    finished_at: str | None = None
    hint: str = ""


class Mapped(BaseModel):
    """What came of running a task for many items."""

    job_id: str
    state: str
    summary: Summary
    reduced: Any = Field(None, description="what the reduction made of the results")
    truncated: bool = Field(False, description="`reduced` is only the beginning of its JSON text")
    error: Error | None = None
    results: list[Result]
    next_cursor: str | None = None
    hint: str = ""


class Executed(BaseModel):
    """What came of several calls, in their order."""

    job_ids: list[str] = Field(description="one job for each task")
    summary: Summary
    results: list[Result]
    hint: str = ""


class Cluster(BaseModel, extra="allow"):
    """The machines and how busy they are."""

    nodes_online: int
    nodes_total: int
    active_subtasks: int
    slots: int
    avg_cpu: float = Field(description="0 to 1")
    avg_memory: float = Field(description="0 to 1")
    queues: dict[str, Any] = {}
    foreman: dict[str, Any] = {}
    nodes: list[dict[str, Any]] = []
