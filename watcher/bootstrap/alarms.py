"""Who is told when something is wrong."""

from __future__ import annotations

from functools import partial

from watcher.alerts.mail import MailChannel
from watcher.alerts.robot import RobotChannel
from watcher.bootstrap.adapters import Adapters
from watcher.bootstrap.journals import held_after
from watcher.config import sections
from watcher.config.sections import Configuration
from watcher.journal.checking import journal_trouble
from watcher.journal.opening import has_one_node
from watcher.policy.alarm import AlarmRules
from watcher.ports import AlertChannel, Journal, Mailer
from watcher.service.alarm import Alarm
from watcher.service.courier import Courier
from watcher.service.heartbeats import Worker
from watcher.service.vitals import Vitals


def build_alarm(
    configuration: Configuration, adapters: Adapters, journal: Journal, worker: Worker, vitals: Vitals
) -> Alarm:
    """Without a section of its own too: the log tells, then."""
    section = configuration.alerts or sections.Alerts()
    rules = AlarmRules(
        after=section.after,
        held_after=held_after(configuration),
        endpoint=adapters.recogniser.endpoint,
        language=configuration.language,
        moment=lambda moment: moment.astimezone(configuration.timezone).strftime("%Y-%m-%d %H:%M"),
        is_alone=has_one_node(configuration.journal),
    )
    channels = build_channels(configuration.alerts, configuration.smtp, adapters.mailer)
    return Alarm(
        journal=journal,
        rules=rules,
        courier=Courier(channels, language=configuration.language),
        trouble=partial(journal_trouble, configuration.journal),
        worker=worker,
        vitals=vitals,
    )


def build_channels(
    alerts: sections.Alerts | None, smtp: sections.Smtp | None, mailer: Mailer | None
) -> list[AlertChannel]:
    """Robots first, then the operators' addresses, where mail can be sent."""
    if alerts is None:
        return []
    channels: list[AlertChannel] = [
        RobotChannel(url, place=f"alerts.urls[{number}]") for number, url in enumerate(alerts.urls)
    ]
    if smtp is not None and mailer is not None:
        channels += [MailChannel(address, sender=smtp.sender, mailer=mailer) for address in alerts.operators]
    return channels
