from django.urls import path

from ota.api import downloads, nodes, releases, rollouts, sync, trust
from ota.domain.verbs import VERBS

urlpatterns = [
    path("sync/", sync.SyncView.as_view()),
    path("root/", trust.RootView.as_view()),
    path("metadata/", trust.MetadataView.as_view()),
    path("packages/<str:sha256>/", downloads.PackageView.as_view()),
    path("wheels/", downloads.WheelListView.as_view()),
    path("wheels/<str:name>/", downloads.WheelView.as_view()),
    path("nodes/", nodes.HomeListView.as_view()),
    path("releases/", releases.ReleaseListView.as_view()),
    path("releases/<str:version>/", releases.ReleaseView.as_view()),
    path("rollouts/", rollouts.RolloutListView.as_view()),
    path("rollouts/<str:rollout_id>/", rollouts.RolloutView.as_view()),
    *(
        path(f"rollouts/<str:rollout_id>/{verb}/", rollouts.RolloutVerbView.as_view(verb=verb))
        for verb in VERBS
    ),
]
