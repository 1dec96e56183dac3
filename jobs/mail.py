"""Mail in parts that one transaction can take."""

from dataclasses import replace

from jobs.domain.reports import count_events, read_rows
from nodes.ports import Mail


def split(mail: Mail, events: int) -> list[Mail]:
    """The mail in parts of about so many events, each with cursors that say it was recorded."""
    parts, count = [Mail()], 0
    for report in mail.reports:
        if count >= events:
            parts.append(Mail())
            count = 0
        parts[-1].reports.append(report)
        parts[-1].cursors[report.node] = report.entry
        count += count_events(report.body)
    # Refused entries count as recorded once everything before them is.
    parts[-1].cursors.update(mail.cursors)
    return parts


def split_events(mail: Mail) -> list[Mail]:
    """A single report in parts of one event each; only the last says that it was recorded."""
    if len(mail.reports) != 1 or count_events(mail.reports[0].body) <= 1:
        return [mail]
    [report] = mail.reports
    parts = [
        Mail(reports=[replace(report, body={**report.body, "ok": [], "events": [], name: [row]})])
        # What was said first: once an attempt has ended, nobody listens to it.
        for name in ("events", "ok")
        for row in read_rows(report.body, name)
    ]
    parts[-1].cursors.update(mail.cursors)
    return parts
