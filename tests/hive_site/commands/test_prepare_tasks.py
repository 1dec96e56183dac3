import pytest

from hive_site.commands.prepare import import_tasks
from hive_site.kernel.errors import Invalid


@pytest.mark.parametrize(
    ("code", "complaint"),
    [
        ("def f(:", "HIVE_TASK_MODULES='broken_bees': SyntaxError: "),
        ("import no_such_thing", "ModuleNotFoundError: No module named 'no_such_thing'; mend it"),
        ("1 / 0", "ZeroDivisionError: division by zero; mend it"),
    ],
)
def test_a_task_module_that_breaks_stops_the_start_by_its_name(
    tmp_path, monkeypatch, code, complaint
):
    (tmp_path / "broken_bees.py").write_text(code)
    monkeypatch.syspath_prepend(tmp_path)

    with pytest.raises(Invalid) as refusal:
        import_tasks(["json", "broken_bees"])

    assert complaint in str(refusal.value)
