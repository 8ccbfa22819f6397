"""What Prometheus is told: counts and times that the steps tell of, and what the journal shows at a scrape.

prometheus-client is imported here, and so only where `web` is configured.
"""

from watcher.metrics.exposition import CONTENT_TYPE as CONTENT_TYPE
from watcher.metrics.exposition import Exposition as Exposition
from watcher.metrics.reading import Reading as Reading
