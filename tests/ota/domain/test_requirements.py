from pathlib import Path

import pytest

from ota.domain.requirements import (
    BadLock,
    digest_requirements,
    is_lock_for,
    read_lock,
    write_lines,
)

A, B = "a" * 64, "b" * 64
PROJECT = Path(__file__).resolve().parents[3]


def test_order_comments_and_blank_lines_change_no_digest():
    assert digest_requirements("b==2\n\n# why\n  a==1 \r\n") == digest_requirements("a==1\nb==2")


def test_another_version_changes_the_digest():
    assert digest_requirements("a==1") != digest_requirements("a==2")


def test_a_lock_names_files_by_their_hashes():
    text = f"""# for requirements.txt sha256:{A}
    bee==1.0 ; python_version < '3.12' \\
        --hash=sha256:{A} \\
        --hash=sha256:{B}
    psycopg[binary,pool]==3.0 --hash=sha256:{B}
    """

    first, second = read_lock(text)

    assert (first.name, first.version, first.marker) == ("bee", "1.0", "python_version < '3.12'")
    assert first.hashes == {A, B}
    assert (second.name, second.marker, second.hashes) == ("psycopg", "", {B})


@pytest.mark.parametrize(
    "line",
    [
        "--index-url https://evil.example/",
        "--extra-index-url=https://evil.example/",
        "--find-links /tmp",
        "--trusted-host evil.example",
        f"bee @ https://evil.example/bee.whl --hash=sha256:{A}",
        f"-e . --hash=sha256:{A}",
        "-r others.txt",
        "bee==1.0",
        f"bee>=1.0 --hash=sha256:{A}",
        f"bee==1.0 --hash=md5:{A}",
        f"bee==1.0 --hash=sha256:{A} --index-url https://evil.example/",
    ],
)
def test_a_lock_says_what_and_never_from_where(line):
    with pytest.raises(BadLock):
        read_lock(line)


def test_the_projects_own_lock_fits_its_requirements():
    lock = (PROJECT / "requirements.lock").read_text()
    requirements = (PROJECT / "requirements.txt").read_text()

    assert is_lock_for(lock, requirements), "run `make lock`"
    pinned = {pin.name.lower() for pin in read_lock(lock)}
    assert {"django", "rq", "tuf"} <= pinned


@pytest.mark.parametrize("hidden", ["-e .", "--find-links https://evil.example/", "bee==6.6"])
@pytest.mark.parametrize("mark", ["# why \\\n", "# why\u2028", "# why\v", "# why\r", "#\x85"])
def test_nothing_hides_in_a_comment_that_others_read_as_a_line(mark, hidden):
    with pytest.raises(BadLock):
        read_lock(f"wax==1.0 --hash=sha256:{A}\n{mark}{hidden}\n")


def test_a_marker_holds_no_option():
    with pytest.raises(BadLock):
        read_lock(f"bee==1.0 ; os_name != '' --index-url=https://evil.example/ --hash=sha256:{A}")


def test_tools_are_given_what_was_read_and_nothing_else():
    text = f"# why\nbee[wax]==1.0 ; os_name != '' --hash=sha256:{B} \\\n --hash=sha256:{A}\n"

    assert write_lines(read_lock(text)) == f"bee==1.0 --hash=sha256:{A} --hash=sha256:{B}\n"
