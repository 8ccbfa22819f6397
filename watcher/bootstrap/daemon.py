"""The running daemon."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

from msgspec.structs import replace

from watcher.bootstrap.adapters import build_adapters, closable, store_of
from watcher.bootstrap.alarms import build_alarm
from watcher.bootstrap.journals import trouble_of_open_journal
from watcher.bootstrap.steps import build_answerers, build_tenders
from watcher.bootstrap.vitals import build_vitals
from watcher.bootstrap.workers import build_workers
from watcher.config.sections import Configuration
from watcher.journal.opening import has_one_node
from watcher.policy.pace import Pace
from watcher.ports import UNMEASURED, Journal, Meter
from watcher.recognise import FRESH_FROM_AFAR_SECONDS, FRESH_SECONDS, Recognise
from watcher.secrecy import KnownSecrets
from watcher.service import Service
from watcher.service.alarm import DUTY
from watcher.service.notify import watchdog_seconds
from watcher.service.observing import ObservedMailer
from watcher.service.poster import Poster
from watcher.service.releases import Releases
from watcher.service.retention import Retention
from watcher.service.set_back import SetBack
from watcher.service.stopping import Stopping
from watcher.service.supervision import Supervision
from watcher.service.vitals import Vitals


def build_supervision() -> Supervision:
    """What systemd is told, for the whole life of the process: it outlasts reloads."""
    return Supervision(watchdog_seconds=watchdog_seconds())


def build_service(
    configuration: Configuration,
    journal: Journal,
    stopping: Stopping,
    known: KnownSecrets,
    supervision: Supervision,
    *,
    vitals: Vitals | None = None,
    meter: Meter = UNMEASURED,
) -> Service:
    """The daemon; the journal stays the caller's to close, and `known` learns the secrets that servers issue.

    `vitals` hears how it fares, `meter` what it does.
    """
    vitals = vitals or build_vitals(supervision)
    workers = build_workers(configuration, supervision.heartbeats)
    adapters = build_adapters(configuration, known, {name: each.look.beat for name, each in workers.items()})
    if adapters.mailer is not None:
        adapters = replace(adapters, mailer=ObservedMailer(adapters.mailer, vitals))
    for store in adapters.stores.values():
        store.prepare()
    recognise = Recognise(
        journal=journal,
        recogniser=adapters.recogniser,
        store_of=partial(store_of, adapters.stores),
        rules=configuration.recognition,
        now=journal.now,
        was_set=vitals.clock_watch.was_set,
        meter=meter,
        fresh_seconds=FRESH_SECONDS if has_one_node(configuration.journal) else FRESH_FROM_AFAR_SECONDS,
    )
    poster = Poster(
        recognise=recognise,
        journal=journal,
        endpoint=adapters.recogniser.endpoint,
        sources=list(adapters.sources),
        concurrency=configuration.recognition.concurrency,
        pace=Pace(configuration.recognition.rate),
        heartbeats=supervision.heartbeats,
    )
    answerers = list(build_answerers(configuration, adapters, journal, workers=workers, meter=meter))
    tenders = list(
        build_tenders(configuration, adapters, journal, answerers, workers=workers, vitals=vitals, meter=meter)
    )
    return Service(
        journal=journal,
        stopping=stopping,
        sources={name: source.kind for name, source in adapters.sources.items()},
        tenders=tenders,
        answerers=answerers,
        poster=poster,
        alarm=build_alarm(configuration, adapters, journal, supervision.heartbeats.worker(DUTY), vitals),
        releases=Releases(journal=journal, sources=adapters.sources, worker=supervision.heartbeats.worker("let-in")),
        set_back=SetBack(journal=journal, longest_pause=max(configuration.recognition.retry.longest, recognise.hold)),
        retention=Retention(
            journal=journal,
            keep_closed=configuration.retention.closed,
            clock=vitals.clock_watch,
            worker=supervision.heartbeats.worker("retention"),
        ),
        resources=closable(adapters),
        supervision=supervision,
        settling_grace=_settling_grace(configuration),
        stop_within=configuration.recognition.connect_timeout + configuration.recognition.timeout,
        vitals=vitals,
        journal_trouble=partial(trouble_of_open_journal, configuration, journal),
        load=adapters.writer.prepare if _will_reply(configuration) else lambda: None,
    )


def _will_reply(configuration: Configuration) -> bool:
    """Whether it writes mails; where it only moves files, most need no words, and it does without the templates."""
    return configuration.smtp is not None and bool(configuration.mailboxes)


def _settling_grace(configuration: Configuration) -> timedelta:
    """How long `run --once` waits for files that may still be written: what it takes to see that they are not."""
    settles = [folder.settle for folder in configuration.folders]
    return 2 * max(settles, default=timedelta(0)) + timedelta(seconds=1)
