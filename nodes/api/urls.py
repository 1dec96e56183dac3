from django.urls import path

from nodes.api import broadcasts, history, joining, views

urlpatterns = [
    path("nodes/", views.NodeListView.as_view()),
    path("nodes/<str:name>/", views.NodeView.as_view()),
    path("nodes/<str:name>/revoke/", joining.RevokeView.as_view()),
    *(
        path(f"nodes/<str:name>/{verb}/", views.NodeVerbView.as_view(verb=verb))
        for verb in views.VERBS
    ),
    path("broadcasts/", broadcasts.BroadcastListView.as_view()),
    path("broadcasts/<str:broadcast_id>/", broadcasts.BroadcastView.as_view()),
    path("cluster/", views.ClusterView.as_view()),
    path("series/", history.SeriesView.as_view()),
]
