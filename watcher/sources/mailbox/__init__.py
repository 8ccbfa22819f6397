"""Watching an IMAP mailbox."""

from watcher.sources.mailbox.source import MailboxSource

__all__ = ["MailboxSource"]
