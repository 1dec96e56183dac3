from django.urls import path

from jobs.api import deliveries, graphs, schedules, shelves, streams, views
from jobs.api.blobs import BlobView

urlpatterns = [
    path("jobs/", views.JobListView.as_view()),
    # Before the jobs themselves: no job is called like a verb.
    path("jobs/cancel/", graphs.CancelJobsView.as_view()),
    path("jobs/retry/", graphs.RetryJobsView.as_view()),
    path("jobs/<str:job_id>/", views.JobView.as_view()),
    *(
        path(f"jobs/<str:job_id>/{verb}/", views.JobVerbView.as_view(verb=verb))
        for verb in views.JobVerbView.VERBS
    ),
    path("jobs/<str:job_id>/results/", views.ResultsView.as_view()),
    path("jobs/<str:job_id>/subtasks/", views.SubtaskListView.as_view()),
    path("jobs/<str:job_id>/subtasks/<int:index>/", views.SubtaskView.as_view()),
    path("jobs/<str:job_id>/subtasks/<int:index>/release/", views.SubtaskReleaseView.as_view()),
    path("jobs/<str:job_id>/subtasks/<int:index>/log/", streams.LogView.as_view()),
    path("jobs/<str:job_id>/events/", streams.EventsView.as_view()),
    path("jobs/<str:job_id>/grid/", streams.GridView.as_view()),
    path("blobs/<str:sha256>/", BlobView.as_view()),
    path("deliveries/", deliveries.DeliveryListView.as_view()),
    path("deliveries/<str:delivery_id>/", deliveries.DeliveryView.as_view()),
    path("deliveries/<str:delivery_id>/retry/", deliveries.DeliveryRetryView.as_view()),
    path("workflows/", graphs.WorkflowListView.as_view()),
    path("workflows/<str:workflow>/", graphs.WorkflowView.as_view()),
    path("workflows/<str:workflow>/cancel/", graphs.WorkflowCancelView.as_view()),
    path("tasks/", shelves.TaskListView.as_view()),
    path("tasks/<str:name>/limits/", shelves.TaskLimitsView.as_view()),
    path("schedules/", schedules.ScheduleListView.as_view()),
    path("schedules/<str:name>/", schedules.ScheduleView.as_view()),
    path("schedules/<str:name>/run/", schedules.ScheduleRunView.as_view()),
    path("queues/", shelves.QueueListView.as_view()),
    path("queues/<str:name>/", shelves.QueueView.as_view()),
    *(
        path(f"queues/<str:name>/{verb}/", shelves.QueueVerbView.as_view(verb=verb))
        for verb in shelves.QueueVerbView.VERBS
    ),
]
