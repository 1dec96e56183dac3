"""What followers are sent is what a browser's EventSource reads."""

from jobs.domain.following import Kind, Position, Record
from jobs.sse import event, render


def test_an_event_has_a_name_an_id_and_one_line_of_data():
    assert event("state", '{"a":1}', Position(7, 3, 2)) == (
        b'event: state\nid: 7.3.2\ndata: {"a":1}\n\n'
    )


def test_json_that_was_written_on_several_lines_is_told_on_one():
    """A node sends what it likes, and a line of its own would be an event of its own."""
    said = '{\n"a":\r1\r\n}'

    [line] = [row for row in event("result", said, 1).decode().split("\n") if "a" in row[6:]]

    assert line == 'data: { "a": 1  }'


def test_each_record_is_told_under_the_name_of_its_kind():
    records = [Record(Position(1, kind, 1), str(int(kind))) for kind in Kind]

    assert render(records).decode().split("\n\n") == [
        "event: log\nid: 1.1.1\ndata: 1",
        "event: partial\nid: 1.2.1\ndata: 2",
        "event: result\nid: 1.3.1\ndata: 3",
        "",
    ]
