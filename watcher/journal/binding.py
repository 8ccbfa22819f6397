"""What a driver is given for the parameters of a statement: each value at its place, in the form that the driver takes.

A document has hundreds of them, so what can be done for all of a statement at once is not done for each.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from operator import itemgetter
from typing import Any, NamedTuple

from msgspec import Struct
from sqlalchemy import Dialect
from sqlalchemy.sql.compiler import ExpandedState, SQLCompiler

from watcher.journal.text_types import TEXTS, are_storable

Parameters = Mapping[str, Any]
_Place = Any  # a number or a name, as the driver has it
_Process = Callable[[Any], Any]
_Taken = Callable[[Any], tuple[Any, ...]]


class _List(NamedTuple):
    """A list that is given with each execution: each place, and which of its values stands there."""

    name: str
    places: tuple[tuple[_Place, int], ...]
    length: int  # in the statement
    process: _Process | None


class Binding(Struct, frozen=True):
    """Gives, for parameters of the same names, the list or dict that the driver wants."""

    _given: Callable[[Parameters], Any]
    _texts: _Taken | None  # those that are mostly given as they are
    _of_texts: tuple[tuple[_Place, _Process], ...]
    _others: tuple[tuple[_Place, _Process], ...]
    _lists: tuple[_List, ...]

    def __call__(self, parameters: Parameters) -> Any:
        bound = self._given(parameters)
        if self._texts is not None and not are_storable(self._texts(bound)):
            for place, process in self._of_texts:
                bound[place] = process(bound[place])
        for place, process in self._others:
            bound[place] = process(bound[place])
        for name, places, length, in_other_form in self._lists:
            items = parameters[name]
            if in_other_form is not None:
                items = [*map(in_other_form, items)]
            items = [*items, *items[-1:] * (length - len(items))]
            for place, number in places:
                bound[place] = items[number]
        return bound


class _Slots(NamedTuple):
    """Where each value goes."""

    fixed: dict[_Place, Any]  # what the statement itself has to give
    single: dict[_Place, str]  # by name
    processes: dict[_Place, _Process]
    lists: dict[str, list[tuple[_Place, int]]]  # by the compiler's name


def binding_of(compiled: SQLCompiler, expanded: ExpandedState, parameters: Parameters) -> Binding:
    """For parameters of these names, in a statement that is expanded for lists of such lengths."""
    slots = _slots(compiled, expanded, parameters)
    texts = [(place, process) for place, process in slots.processes.items() if process in TEXTS]
    return Binding(
        _given=_giver(slots, [place for place, _ in _places(expanded)] if compiled.positional else None),
        _texts=_taker([place for place, _ in texts]) if texts else None,
        _of_texts=tuple(texts),
        _others=tuple(each for each in slots.processes.items() if each not in texts),
        _lists=tuple(_list(compiled, expanded, name, places) for name, places in slots.lists.items()),
    )


def _giver(slots: _Slots, positions: Sequence[_Place] | None) -> Callable[[Parameters], Any]:
    """Puts the single values beside what is fixed; a gap is left for each value of a list."""
    fixed, places = slots.fixed, [*slots.single]
    if positions is None:
        by_name = _taker([*slots.single.values()])
        return lambda parameters: {**fixed, **dict(zip(places, by_name(parameters), strict=True))}
    take = _taker([slots.single.get(place, place) for place in positions])
    if places == positions:
        return lambda parameters: [*take(parameters)]
    gaps = {place: fixed.get(place) for place in positions}
    return lambda parameters: [*take({**gaps, **parameters})]


def _taker(keys: Sequence[Any]) -> _Taken:
    if len(keys) > 1:
        return itemgetter(*keys)
    return lambda values: tuple(values[key] for key in keys)


def _places(expanded: ExpandedState) -> Iterator[tuple[_Place, str]]:
    """Where each parameter goes: by number, or where the driver has names, by name."""
    if expanded.positiontup is not None:
        yield from enumerate(expanded.positiontup)
    else:
        yield from ((name, name) for name in expanded.parameters)


def _slots(compiled: SQLCompiler, expanded: ExpandedState, parameters: Parameters) -> _Slots:
    slots = _Slots(fixed={}, single={}, processes={}, lists={})
    numbered = {
        one: (name, number)
        for name, ones in expanded.parameter_expansion.items()
        for number, one in enumerate(ones)
    }  # fmt: skip
    for place, name in _places(expanded):
        list_name, number = numbered.get(name, (name, 0))
        bind = compiled.binds[list_name]
        process = _process(bind.type, compiled.dialect)
        if bind.key not in parameters:
            given = expanded.parameters[name]
            slots.fixed[place] = given if process is None else process(given)
        elif name in numbered:
            slots.lists.setdefault(list_name, []).append((place, number))
        else:
            slots.single[place] = bind.key
            if process is not None:
                slots.processes[place] = process
    return slots


def _list(compiled: SQLCompiler, expanded: ExpandedState, name: str, places: Sequence[tuple[_Place, int]]) -> _List:
    bind = compiled.binds[name]
    process = _process(bind.type, compiled.dialect)
    return _List(bind.key, tuple(places), len(expanded.parameter_expansion[name]), process)


def _process(type_: Any, dialect: Dialect) -> _Process | None:
    found: _Process | None = type_.dialect_impl(dialect).bind_processor(dialect)
    return found
