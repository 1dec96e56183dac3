"""The operator's view of releases: what there is, and a form that takes packages in."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import Count, IntegerField, OuterRef, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse

from hive_site.kernel.errors import HiveError, Invalid, NotFound
from nodes.admin_actions import VerbActions
from nodes.admin_pages import STATE, LargeTableAdmin
from ota import catalogue
from ota.domain.states import Channel
from ota.models import Home, Release
from ota.services.publishing import publish
from ota.sidecar import MAX_BYTES
from ota.verbs import RELEASE_VERBS
from ota.wheelhouse import gather_for

#: While somebody waits for the page.
PIP_SECONDS = 60.0
ANY_CHANNEL = ("", "stable with a signature, else dev")


class PackageForm(forms.ModelForm):
    """A package to publish. What is wrong with it is said at its field."""

    package = forms.FileField(help_text="what `ota build` made")
    signature = forms.FileField(required=False, help_text="what `ota sign` made beside it")
    channel = forms.ChoiceField(
        choices=[ANY_CHANNEL, *((str(word), str(word)) for word in Channel)], required=False
    )
    #: Who sends it; each request has a form of its own.
    who = ""

    class Meta:
        model = Release
        fields = ("channel",)

    def clean(self) -> dict[str, Any]:
        """Publish: whether a package will do is known when it is published."""
        given: dict[str, Any] = super().clean() or self.cleaned_data
        if not self.errors:
            try:
                self.instance = self._publish(given)
            except Invalid as fact:
                self.add_error(fact.field if fact.field in self.fields else None, str(fact))
            except HiveError as fact:
                self.add_error("package", str(fact))
        return given

    def _publish(self, given: dict[str, Any]) -> Release:
        signature = given["signature"].read(MAX_BYTES + 1) if given["signature"] else None
        channel = given["channel"] or (Channel.STABLE if signature else Channel.DEV)
        file = given["package"].file
        return publish(file, channel=channel, signature=signature, who=self.who)

    def _post_clean(self) -> None:
        """Nothing of the form goes into the row, which is complete."""


@admin.register(Release)
class ReleaseAdmin(VerbActions, LargeTableAdmin):
    """Versions of the code that Spores run."""

    form = PackageForm
    change_form_template = "ota/release.html"
    list_display = ("version", "channel", "seq", STATE, "mib", "signers", "nodes", "created_at")
    list_filter = ("channel", "state")
    search_fields = ("version", "sha256__startswith")
    search_help_text = "a part of a version, or the beginning of a SHA-256"
    ordering = ("-id",)
    verbs = RELEASE_VERBS
    adding = "Upload a release"
    verb_key = "version"
    fieldsets = (
        (None, {"fields": ("version", "channel", "seq", "state", "nodes")}),
        ("Package", {"fields": ("sha256", "size", "unpacked_size", "file_count", "environment")}),
        ("Trust", {"fields": ("target", "signers", "published_by", "created_at")}),
    )
    add_fieldsets = ((None, {"fields": ("package", "signature", "channel")}),)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Release]:
        """Each with the number of nodes that run it."""
        homes = Home.objects.filter(active=OuterRef("sha256")).order_by().values("active")
        counts = homes.annotate(count=Count("*")).values("count")
        return (
            super()
            .get_queryset(request)
            .annotate(running=Subquery(counts, output_field=IntegerField()))
        )

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """The form, or all that is known."""
        return self.fieldsets if obj else self.add_fieldsets

    def get_form(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> Any:
        """A form that knows who sends it."""
        if obj is not None:
            return super().get_form(request, obj, **kwargs)
        return type("PackageForm", (PackageForm,), {"who": request.user.get_username()})

    def has_change_permission(self, request: HttpRequest, obj: Release | None = None) -> bool:
        """A release is not changed; the action needs the permission."""
        return obj is None and super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Release | None = None) -> bool:
        """`ota prune` forgets packages; what was released stays on record."""
        return False

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Packages are looked through without a transaction: nobody else could write meanwhile."""
        if object_id is None:
            response = self._changeform_view(request, object_id, form_url, extra_context)  # type: ignore[attr-defined]
        else:
            context = {**(extra_context or {}), **self._details(request, object_id)}
            response = super().changeform_view(request, object_id, form_url, context)
        return response  # type: ignore[no-any-return]

    def save_model(self, request: HttpRequest, obj: Release, form: Any, change: bool) -> None:
        """It is published already; what nodes will need beside it is fetched."""
        gathered = gather_for(obj, seconds=PIP_SECONDS)
        if gathered.missing:
            names = ", ".join(gathered.missing)
            way = "`ota publish FILE.zip --wheels DIR` brings them"
            messages.warning(request, f"Nodes will need what is not here: {names}; {way}.")

    def _details(self, request: HttpRequest, object_id: str) -> dict[str, Any]:
        """What the page of a release shows beside its row."""
        row = self.get_object(request, object_id)
        if row is None:
            return {}
        others = Release.objects.exclude(pk=row.pk).values_list("version", flat=True)[:100]
        details: dict[str, Any] = {"others": list(others), "trouble": ""}
        try:
            details["about"] = catalogue.read_release_file(row)
            if against := request.GET.get("against"):
                details["against"] = against
                other = catalogue.find_release(against)
                details["difference"] = catalogue.compare_releases(other, row)
        except NotFound as fact:
            details["trouble"] = str(fact)
        return details

    @admin.display(description="MiB")
    def mib(self, release: Release) -> str:
        """The size of the package."""
        return f"{release.size / 1024**2:.1f}"

    @admin.display(description="signed by")
    def signers(self, release: Release) -> str:
        """The beginnings of the ids of the keys."""
        return ", ".join(key[:12] for key in release.signed_by)

    @admin.display(description="runs on")
    def nodes(self, release: Release) -> int:
        """How many nodes."""
        return getattr(release, "running", None) or 0
