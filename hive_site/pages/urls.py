"""Where the pages are."""

from django.urls import path

from hive_site.pages import job_subtask, jobs, nodes, overview, queues, rollout, rollouts
from hive_site.pages.search import search
from hive_site.pages.verbs import VerbView

urlpatterns = [
    path("", overview.overview, name="overview"),
    path("nodes/", nodes.node_list, name="nodes"),
    path("nodes/<str:name>/", nodes.node, name="node"),
    path("jobs/", jobs.job_list, name="jobs"),
    path("jobs/<str:job_id>/", jobs.job, name="job"),
    path("jobs/<str:job_id>/results.ndjson", jobs.results, name="results"),
    path("jobs/<str:job_id>/subtasks/<int:index>/", job_subtask.subtask, name="subtask"),
    path("jobs/<str:job_id>/subtasks/<int:index>/release/", job_subtask.release, name="release"),
    path("queues/", queues.queue_list, name="queues"),
    path("rollouts/", rollouts.rollout_list, name="rollouts"),
    path("rollouts/<str:rollout_id>/", rollout.rollout, name="rollout"),
    path("search/", search, name="search"),
    *(
        path(
            f"{kind.at}/<str:id_>/<slug:verb>/",
            VerbView.as_view(kind=kind),
            name=f"{kind.name}-verb",
        )
        for kind in (nodes.KIND, jobs.KIND, queues.KIND, rollout.KIND)
    ),
]
