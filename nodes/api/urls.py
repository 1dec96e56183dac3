from django.urls import path

from nodes.api import views

urlpatterns = [
    path("nodes/", views.NodeListView.as_view()),
    path("nodes/<str:name>/", views.NodeView.as_view()),
    *(
        path(f"nodes/<str:name>/{verb}/", views.NodeVerbView.as_view(verb=verb))
        for verb in views.VERBS
    ),
    path("cluster/", views.ClusterView.as_view()),
]
