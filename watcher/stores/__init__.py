"""What gives a document its attachment URL: object stores, an upload over HTTP, or the address it already has."""

from watcher.stores.objects import ObjectsStore
from watcher.stores.resolve import ResolveStore
from watcher.stores.upload import HttpStore

__all__ = ["HttpStore", "ObjectsStore", "ResolveStore"]
