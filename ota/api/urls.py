from django.urls import path

from ota.api import downloads, releases

urlpatterns = [
    path("releases/", releases.ReleaseListView.as_view()),
    path("releases/<str:version>/", releases.ReleaseView.as_view()),
    path("packages/<str:sha256>/", downloads.PackageView.as_view()),
    path("wheels/", downloads.WheelListView.as_view()),
    path("wheels/<str:name>/", downloads.WheelView.as_view()),
]
