"""Mail in parts that one transaction can take."""

from dataclasses import replace
from typing import Any

from jobs.domain.reports import count_events, read_rows
from nodes.ports import Mail, Report


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


def halve(mail: Mail) -> list[Mail]:
    """The mail in two halves, or alone if it holds one event; only the last half of a report says
    that it was recorded."""
    if len(mail.reports) > 1:
        return _halve_reports(mail)
    if not mail.reports or count_events(mail.reports[0].body) <= 1:
        return [mail]
    return _halve_events(mail, mail.reports[0])


def _halve_reports(mail: Mail) -> list[Mail]:
    middle = len(mail.reports) // 2
    first, second = mail.reports[:middle], mail.reports[middle:]
    recorded = {report.node: report.entry for report in first}
    return [Mail(reports=first, cursors=recorded), replace(mail, reports=second)]


def _halve_events(mail: Mail, report: Report) -> list[Mail]:
    # What was said first: once an attempt has ended, nobody listens to it.
    rows = [(name, row) for name in ("events", "ok") for row in read_rows(report.body, name)]
    middle = len(rows) // 2
    first, second = _only(report, rows[:middle]), _only(report, rows[middle:])
    return [Mail(reports=[first]), replace(mail, reports=[second])]


def _only(report: Report, rows: list[tuple[str, Any]]) -> Report:
    kept: dict[str, list[Any]] = {"events": [], "ok": []}
    for name, row in rows:
        kept[name].append(row)
    return replace(report, body={**report.body, **kept})
