"""Who is told when something is wrong."""

from __future__ import annotations

from functools import partial

from watcher.alerts.mail import MailChannel
from watcher.alerts.robot import RobotChannel
from watcher.bootstrap.adapters import Adapters, build_mailer
from watcher.bootstrap.journals import held_after
from watcher.config import sections
from watcher.config.sections import Configuration
from watcher.journal.checking import journal_trouble
from watcher.journal.opening import has_one_node
from watcher.policy.alarm import AlarmRules
from watcher.ports import AlertChannel, Journal, Mailer
from watcher.secrecy import KnownSecrets
from watcher.service.alarm import Alarm
from watcher.service.courier import Courier
from watcher.service.heartbeats import Worker
from watcher.service.own_alarm import OwnAlarm
from watcher.service.vitals import Vitals


def build_alarm(
    configuration: Configuration, adapters: Adapters, journal: Journal, worker: Worker, vitals: Vitals
) -> Alarm:
    """Without a section of its own too: the log tells, then."""
    return Alarm(
        journal=journal,
        rules=_rules(configuration, adapters.recogniser.endpoint),
        courier=_courier(configuration, adapters.mailer),
        trouble=partial(journal_trouble, configuration.journal),
        worker=worker,
        vitals=vitals,
    )


def build_own_alarm(configuration: Configuration, known: KnownSecrets, vitals: Vitals) -> OwnAlarm:
    """What of it needs no journal."""
    return OwnAlarm(
        rules=_rules(configuration, configuration.recognition.url),
        courier=_courier(configuration, build_mailer(configuration.smtp, known)),
        vitals=vitals,
    )


def _rules(configuration: Configuration, endpoint: str) -> AlarmRules:
    section = configuration.alerts or sections.Alerts()
    return AlarmRules(
        after=section.after,
        held_after=held_after(configuration),
        endpoint=endpoint,
        language=configuration.language,
        moment=lambda moment: moment.astimezone(configuration.timezone).strftime("%Y-%m-%d %H:%M"),
        is_alone=has_one_node(configuration.journal),
    )


def _courier(configuration: Configuration, mailer: Mailer | None) -> Courier:
    channels = build_channels(configuration.alerts, configuration.smtp, mailer)
    return Courier(channels, language=configuration.language)


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
