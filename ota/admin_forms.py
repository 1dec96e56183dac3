"""What an operator fills in to begin a rollout."""

from typing import Any

from django import forms

from ota.domain.states import ReleaseState, Strategy
from ota.models import Release


class RolloutForm(forms.Form):
    """A release, the way it goes, and to whom."""

    release = forms.ModelChoiceField(
        Release.objects.filter(state=ReleaseState.PUBLISHED), to_field_name="version"
    )
    strategy = forms.ChoiceField(
        choices=[(str(word), str(word)) for word in Strategy], initial=str(Strategy.FAST)
    )
    selector = forms.JSONField(
        required=False,
        initial=dict,
        widget=forms.TextInput(attrs={"class": "vTextField"}),
        help_text='labels that nodes must have, {"kind": "gpu"}; {} for all nodes',
    )
    supersede = forms.BooleanField(
        required=False, help_text="take over nodes that other rollouts have in hand"
    )
    draft = forms.BooleanField(required=False, help_text="do not start it yet")

    @property
    def wish(self) -> dict[str, Any]:
        """What is to be rolled out, to whom, and how."""
        given = self.cleaned_data
        selector = given["selector"] if given["selector"] is not None else {}
        return {
            "release": given["release"].version,
            "strategy": given["strategy"],
            "selector": selector,
        }

    @property
    def manner(self) -> dict[str, bool]:
        """Whether it begins at once, and at whose expense."""
        return {
            "begin": not self.cleaned_data["draft"],
            "replace": self.cleaned_data["supersede"],
        }
