"""Mail in parts that one transaction can take."""

from jobs.domain.reports import count_events
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
