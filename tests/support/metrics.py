"""A scrape of a daemon, as values."""

from __future__ import annotations

from collections.abc import Mapping

import requests
from prometheus_client.parser import text_string_to_metric_families


class Scrape:
    """The samples of one answer of `/metrics`."""

    def __init__(self, text: str) -> None:
        self.families = {family.name: family for family in text_string_to_metric_families(text)}
        self._samples = [sample for family in self.families.values() for sample in family.samples]

    @classmethod
    def of(cls, address: str) -> Scrape:
        answer = requests.get(f"{address}/metrics", timeout=30)
        answer.raise_for_status()
        return cls(answer.text)

    @property
    def names(self) -> set[str]:
        """Of all samples, as expressions have them."""
        return {sample.name for sample in self._samples}

    def value(self, name: str, **labels: str) -> float | None:
        """Of the one sample with these labels; None: there is none."""
        found = [each.value for each in self._samples if each.name == name and each.labels == labels]
        assert len(found) <= 1
        return found[0] if found else None

    def labels(self, name: str) -> list[Mapping[str, str]]:
        return [each.labels for each in self._samples if each.name == name]
