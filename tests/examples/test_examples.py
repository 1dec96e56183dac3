"""Every example does what its README says, on real Spores."""

import csv
import subprocess
import sys

import pytest

from tests.end_to_end.colony import clean_environment
from tests.end_to_end.guests import guest, with_gpus
from tests.examples.conftest import EXAMPLES, NAMES

pytestmark = pytest.mark.processes


def told(done):
    """What a program said, if it went well."""
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("name", NAMES)
def test_help_is_there_and_the_readme_tells_of_it(name):
    done = subprocess.run(
        [sys.executable, EXAMPLES / name / "run.py", "--help"],
        capture_output=True,
        text=True,
        check=False,
    )

    assert "--nexus URL" in told(done)
    assert f"examples/{name}/run.py" in (EXAMPLES / name / "README.md").read_text()
    assert f"({name}/README.md)" in (EXAMPLES / "README.md").read_text()


def test_without_a_hive_the_way_out_is_told(tmp_path):
    done = subprocess.run(
        [sys.executable, EXAMPLES / "agent" / "run.py"],
        env=clean_environment(),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 1
    assert "start one with `hive up`, or set HIVE_NEXUS_URL" in done.stderr


def test_words_of_files_are_counted(example, tmp_path):
    (tmp_path / "a.txt").write_text("Honey bees like heather. Honey!")
    (tmp_path / "b.txt").write_text("heather honey, and l'abeille")

    said = told(example("word_count", "a.txt", "b.txt", "--top", 2))

    assert "2 of 2: item" in said
    assert said.splitlines()[-3:] == [
        "8 words, 5 different ones",
        "     3  honey",
        "     2  heather",
    ]


def test_thumbnails_are_made_and_what_is_no_image_fails_alone(example, tmp_path):
    image = pytest.importorskip("PIL.Image")
    image.new("RGB", (640, 320), "orange").save(tmp_path / "wide.png")
    image.new("RGBA", (50, 400), (0, 99, 0, 128)).save(tmp_path / "tall.png")
    (tmp_path / "none.png").write_text("no image")

    done = example("thumbnails", "wide.png", "tall.png", "none.png", "--size", 64)

    assert done.returncode == 1, done.stderr
    assert "none.png: cannot identify image file" in done.stdout
    assert "2 of 3 thumbnails in thumbnails" in done.stdout
    sizes = {path.name: image.open(path).size for path in (tmp_path / "thumbnails").iterdir()}
    assert sizes == {"wide-64.jpg": (64, 32), "tall-64.jpg": (8, 64)}


def test_a_sweep_finds_the_best_setting_and_keeps_all(example, tmp_path):
    said = told(example("parameter_sweep", "--degrees", 1, 5, "--ridges", 0.001, 10))

    with (tmp_path / "sweep.csv").open() as file:
        rows = list(csv.DictReader(file))
    best = min(rows, key=lambda row: float(row["error"]))
    assert len(rows) == 4
    assert (best["degree"], best["ridge"]) == ("5", "0.001")
    assert f"best: degree 5, ridge 0.001, error {float(best['error']):g}" in said


def test_twenty_articles_become_a_reading_list(example, tmp_path):
    said = told(example("articles"))

    assert "20 of 20 articles in reading-list.md" in said
    assert (tmp_path / "reading-list.md").read_text().count("\n## [") == 20


def test_without_a_gpu_the_program_says_why_nothing_ran(example):
    said = told(example("gpu_task", "--patience", 3))

    assert "nothing ran: no node has 1 GPU with 1000 MiB (3 nodes: 3 have 0 of 1 GPU" in said


def test_with_a_gpu_the_device_is_leased(example, colony):
    with guest(colony, "gpu-1", **with_gpus(colony, "24000", "512")):
        said = told(example("gpu_task", 10, "--patience", 30))

    assert "10 rows on gpu-1, GPU 0: leased" in said
    assert "succeeded, 1 of 1" in said


def test_an_agent_finds_a_task_and_uses_it(example):
    said = told(example("agent", "Berlin", "Paris", "Lima"))

    assert "map_reduce" in said
    assert "found agent.distance: Kilometres along" in said
    assert said.splitlines()[-1] == "Berlin and Paris are closest: 878 km"


def test_an_agent_is_told_what_was_wrong(example):
    done = example("agent", "Berlin", "Atlantis")

    assert done.returncode == 1
    assert "Atlantis is not on the map; there are Berlin" in done.stdout


@pytest.mark.parametrize("name", ["word_count", "agent"])
def test_a_wrong_key_is_told_in_a_line(colony, name):
    env = clean_environment(HIVE_NEXUS_URL=colony.stack.ready["nexus"], HIVE_API_KEY="hive_x")
    argv = [EXAMPLES / name / "run.py", EXAMPLES / "README.md"]

    done = subprocess.run(
        [sys.executable, *argv], env=env, capture_output=True, text=True, check=False
    )

    assert done.returncode == 1
    assert "this API key is unknown, revoked or expired" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_file_that_is_not_there_is_told_in_a_line(example):
    done = example("word_count", "nowhere.txt")

    assert done.returncode == 1
    assert done.stderr == "run.py: [Errno 2] No such file or directory: 'nowhere.txt'\n"
