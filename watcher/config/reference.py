"""The page on every key, made of the JSON Schema: `python -m watcher.config.reference docs/configure.md`.

What stands in the page down to the mark is written by hand and stays; what is below it is written anew.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from watcher.config.schema import json_schema

MARK = "<!-- What is below is made of watcher/config/sections.py by `make docs`: change it there. -->\n"

Schema = dict[str, Any]

_KINDS = {
    "path": "a path",
    "email": "a mail address",
    "hostname": "a domain name",
    "regex": "a regular expression, in single quotes",
    "date": "a date, such as `2026-01-31`",
}
_UNITS = (("GB", 1000**3), ("MB", 1000**2), ("kB", 1000))


def page(written: str) -> str:
    """The whole page, with what is written by hand in it. Raises ValueError where the mark is missing."""
    head, mark, _ = written.partition(MARK)
    if not mark:
        raise ValueError(f"the page lacks its mark: {MARK.strip()}")
    return head + MARK + "\n" + reference(json_schema())


def reference(schema: Schema) -> str:
    """Every key of the schema in Markdown: a heading for each group of keys, a row with an anchor for each key."""
    return "\n".join(_Reference(schema).lines()) + "\n"


class _Reference:
    def __init__(self, schema: Schema) -> None:
        self._schema = schema
        self._definitions: dict[str, Schema] = schema["$defs"]

    def lines(self) -> Iterator[str]:
        yield from ("## All keys", "")
        plain = {key: value for key, value in self._schema["properties"].items() if not self._groups(value)}
        yield from self._table("", plain, self._schema.get("required", []))
        for key, value in self._schema["properties"].items():
            if self._groups(value):
                yield from self._group(key, value, level=2)

    def _group(self, path: str, value: Schema, level: int) -> Iterator[str]:
        """A heading, what the group is, an example, its keys, and the groups in it."""
        yield from (f"{'#' * level} {path}", "", _sentence(value["description"]), "")
        for example in value.get("examples", ())[:1]:
            yield from ("```yaml", *_yaml({path: example}), "```", "")
        groups = self._groups(value)
        for group in groups:
            place = path
            if len(groups) > 1:
                forms = _forms(group)
                place = f"{path}.{forms[0].split()[-1]}"
                yield from (f"**{' or '.join(f'`{form}`' for form in forms)}**: {_sentence(group['description'])}", "")
            yield from self._table(place, group["properties"], group.get("required", []))
        for group in groups:
            for key, inner in group["properties"].items():
                if self._groups(inner):
                    yield from self._group(f"{path}.{key}", inner, level=min(level + 1, 4))

    def _table(self, path: str, keys: dict[str, Schema], required: list[str]) -> Iterator[str]:
        yield from ("| key | what may stand there | default | what it does |", "| --- | --- | --- | --- |")
        for key, value in keys.items():
            place = f"{path}.{key}".lstrip(".")
            default = "**required**" if key in required else self._default(value)
            cells = (
                f'<a id="key-{place}"></a>`{key}`',
                self._kind(value, place),
                default,
                _sentence(value["description"]),
            )
            yield "| " + " | ".join(cell.replace("|", r"\|").replace("\n", " ") for cell in cells) + " |"
        yield ""

    # ------------------------------------------------------------------------------ what may stand there

    def _groups(self, value: Schema) -> list[Schema]:
        """The sections that may stand there: none, one, or one of several."""
        value = self._resolved(value)
        if value.get("title") == "Secret":
            return []
        if "properties" in value and "title" in value:
            return [value]
        within = [value.get("items"), *_named(value), *value.get("oneOf", ()), *value.get("anyOf", ())]
        return [group for part in within if isinstance(part, dict) for group in self._groups(part)]

    def _resolved(self, value: Schema) -> Schema:
        name = value.get("$ref", "").removeprefix("#/$defs/")
        return self._definitions[name] if name else value

    def _kind(self, value: Schema, place: str) -> str:
        value = self._resolved(value)
        several = [*value.get("anyOf", ()), *value.get("oneOf", ())]
        if value.get("title") == "Secret":
            return "[a secret](#secrets)"
        if "examples" in value and not self._groups(value):
            return self._exemplary(value["examples"], value)
        if "properties" in value:
            return f"[keys of its own](#{place.replace('.', '').lower()})"
        if several:
            return ", or ".join(dict.fromkeys(self._kind(part, place) for part in several))
        if "enum" in value or "const" in value:
            return _choice(value.get("enum", [value.get("const")]))
        return self._simple(value, place)

    def _exemplary(self, examples: list[Any], value: Schema) -> str:
        pattern = value.get("pattern", "")
        if "ms|s|m|h|d" in pattern:
            return "[a duration](#durations)"
        if "(s|m|h)" in pattern:
            return "a rate, such as `5/s`, `100/m` or `1000/h`"
        if value.get("format") == "date":
            return _KINDS["date"]
        return "[a size](#sizes)" if _is_size(value) else f"text, such as {_choice([_flow(each) for each in examples])}"

    def _simple(self, value: Schema, place: str) -> str:
        kind = value.get("type")
        if kind == "array":
            return f"a list; each: {self._kind(value['items'], place)}"
        if kind == "object":
            return f"names of your own; each: {self._kind(next(_named(value)), place)}"
        if kind in ("integer", "number"):
            return _number(value)
        if "https?" in value.get("pattern", ""):
            return "a web address"
        named = {
            "boolean": "`true` or `false`",
            "null": "`null`",
            "string": _KINDS.get(value.get("format", ""), "text"),
        }
        return named[str(kind)]

    def _default(self, value: Schema) -> str:
        default = value.get("default")
        if self._groups(value) and isinstance(default, dict) and default:
            return "as below"
        if isinstance(default, int) and _is_size(value):
            return f"`{_size(default)}`"
        return f"`{_flow(default)}`"


def _forms(group: Schema) -> list[str]:
    """How one of several groups is told from the others: by what its first key says, or by having it."""
    key, value = next(iter(group["properties"].items()))
    words = value.get("enum", [value["const"]] if "const" in value else [])
    return [f"{key}: {word}" for word in words] or [key]


def _named(value: Schema) -> Iterator[Schema]:
    """What stands under names that people choose themselves."""
    for inner in (value.get("additionalProperties"), *value.get("patternProperties", {}).values()):
        if isinstance(inner, dict):
            yield inner


def _sentence(text: str) -> str:
    """Begins with a capital where it begins with a word of ours, and ends with a full stop."""
    text = re.sub(r"(?<![\w`])(\{[^{}]*\})", r"`\1`", text.strip())
    begins = text[:1].upper() + text[1:] if re.match(r"[a-z]+[ ,;]", text) else text
    return begins.rstrip(".") + "."


def _choice(values: list[Any]) -> str:
    words = [f"`{str(value).lower() if isinstance(value, bool) else value}`" for value in values]
    return words[0] if len(words) == 1 else ", ".join(words[:-1]) + f" or {words[-1]}"


def _number(value: Schema) -> str:
    whole = "a whole number" if value["type"] == "integer" else "a number"
    least, most = value.get("minimum"), value.get("maximum")
    if least is not None and most is not None:
        return f"{whole} from {least:g} to {most:g}"
    return whole if least is None else f"{whole}, at least {least:g}"


def _is_size(value: Schema) -> bool:
    return value.get("examples") == ["20MB"]


def _size(count: int) -> str:
    return next((f"{count // one}{unit}" for unit, one in _UNITS if count % one == 0), str(count))


def _flow(value: object) -> str:
    """In one line, as it is written in YAML."""
    return yaml.safe_dump(value, default_flow_style=True, allow_unicode=True, width=1000).removesuffix("...\n").strip()


def _yaml(value: object) -> list[str]:
    made = yaml.dump(value, Dumper=_Indented, allow_unicode=True, sort_keys=False, default_flow_style=None, width=110)
    return str(made).splitlines()


class _Indented(yaml.SafeDumper):
    """Lists stand further in than their key, as people write them."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002, FBT001, FBT002
        super().increase_indent(flow, indentless=False)


def main(path: Path) -> None:
    """Write the page anew, where it has changed."""
    written = path.read_text(encoding="utf-8")
    made = page(written)
    if made != written:
        path.write_text(made, encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
