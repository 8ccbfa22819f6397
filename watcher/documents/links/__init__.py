"""Invoices that a mail only links to: which links are meant, how each platform hands its files out, and their fetching.

Links are credentials: whoever has one has the invoice. No log line here has more of it than the host.
"""

from watcher.documents.links.fetcher import LinkFetcher
from watcher.documents.links.reading import LinkedDocumentReader
from watcher.documents.links.results import LinkedFile, LinkResult, Platform

__all__ = ["LinkFetcher", "LinkResult", "LinkedDocumentReader", "LinkedFile", "Platform"]
