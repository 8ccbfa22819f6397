"""The JSON Schema of the configuration, for editors."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from pydantic.json_schema import GenerateJsonSchema

from watcher.config.sections import Configuration
from watcher.durations import format_duration


class _Generator(GenerateJsonSchema):
    def encode_default(self, dft: Any) -> Any:
        """Durations are shown as they are written, not in ISO 8601."""
        return format_duration(dft) if isinstance(dft, timedelta) else super().encode_default(dft)

    def sort(self, value: dict[str, Any], parent_key: str | None = None) -> dict[str, Any]:  # noqa: ARG002
        """Keys stay in the order in which people read them, in examples too."""
        return value


def json_schema() -> dict[str, Any]:
    """JSON Schema, draft 2020-12: every key with its description and default."""
    made = Configuration.model_json_schema(by_alias=True, mode="validation", schema_generator=_Generator)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **made, "title": "invoice-watcher"}
