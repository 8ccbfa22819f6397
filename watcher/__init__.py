"""invoice-watcher: takes the invoices that employees forward, has them booked, and answers.

    source ──intake──▶ journal ──recognise──▶ journal ──answer──▶ source

The three steps, each a page: `intake` (with `admission`: who submits this?), `recognise`, `answer`. They know
the values of `model`, the errors of `errors`, the ports of `ports` and the pure decisions of `policy`; not each other.

What serves the ports, by folder:

- `sources`: mailboxes (IMAP) and watched folders
- `documents`: which documents are in a mail or file
- `stores`: what gives a document its attachment URL
- `recognition`: the endpoint and its token
- `people`: the directory of employees, and the proof that a mail is its sender's
- `replies`: the reply mail, and the note beside a file
- `journal`: the durable record, and the only state; SQLite or PostgreSQL

What they share: `headers` (mail headers, and text from outside made fit to be shown), `spool` (a document's bytes),
`amounts`, `clock`, `durations`, `findings`, `json_answers`, `mounts`, `oauth` and `tls`.

What joins them: `config` reads the configuration, `bootstrap` builds everything from it, `service` runs the threads,
`cli` has the commands, `decisions` what they and the page let people decide, `web` the page, `metrics` the numbers,
`checks` what `check` tries, `export` the table for accountants, `logs` how log lines look. `sandbox` is the world in
one process, for the demo and the tests.
"""
