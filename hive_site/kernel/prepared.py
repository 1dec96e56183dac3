"""Queries that are put together once.

Django takes several times as long to build a statement as SQLite takes to run it. What is asked for
each job or each batch is built at the first question, and afterwards only run, with other values.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from django.db import DEFAULT_DB_ALIAS, connections, models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import QuerySet
from django.db.models.query import FlatValuesListIterable, ModelIterable

R = TypeVar("R")
M = TypeVar("M", bound=models.Model)
#: What stands for a value while a statement is built. No value of ours is like it.
TEXT_MARK, NUMBER_MARK = "\0value {}", 2_111_000_000


@dataclass(frozen=True, slots=True)
class Statement:
    """One query as a database runs it. `places` says which value goes where; None: none does."""

    sql: str
    fixed: tuple[Any, ...]
    places: tuple[int | None, ...]
    converters: dict[int, Any]
    apply: Callable[..., Any]

    def rows(self, connection: BaseDatabaseWrapper, values: Sequence[Any]) -> list[Any]:
        """The rows, each a sequence of what Python makes of the columns."""
        params = [
            fixed if place is None else values[place]
            for fixed, place in zip(self.fixed, self.places, strict=True)
        ]
        with connection.cursor() as cursor:
            cursor.execute(self.sql, params)
            rows = cursor.fetchall()
        return list(self.apply(rows, self.converters)) if self.converters else rows


class Prepared(Generic[R]):
    """A query with values that come later, each a text or a whole number.

    `build` makes it of so many values as `kinds` has. It may be of objects, without relations, or
    of `values_list()`.
    """

    def __init__(
        self, build: Callable[..., QuerySet[Any, R]], *kinds: type[str] | type[int]
    ) -> None:
        self._build, self._kinds = build, kinds
        #: By the kind of database: every request may have a connection of its own.
        self._known: dict[str, tuple[Statement, _Maker]] = {}

    def all(self, *values: str | int) -> list[R]:
        """What the query finds with these values."""
        connection = connections[DEFAULT_DB_ALIAS]
        found = self._known.get(connection.vendor)
        if found is None:
            found = self._known[connection.vendor] = self._prepare(connection)
        statement, make = found
        return [make(row) for row in statement.rows(connection, values)]

    def first(self, *values: str | int) -> R | None:
        """The first of it, or None."""
        return next(iter(self.all(*values)), None)

    def _prepare(self, connection: BaseDatabaseWrapper) -> "tuple[Statement, _Maker]":
        marks = [_mark(kind, place) for place, kind in enumerate(self._kinds)]
        rows = self._build(*marks)
        compiler = rows.query.get_compiler(connection=connection)
        sql, params = compiler.as_sql()
        places = tuple(marks.index(param) if param in marks else None for param in params)
        if set(places) - {None} != set(range(len(marks))):
            raise ValueError(f"{sql}: not every value has a place in it")
        # Of a connection that was never opened: they hold on to it, and ours ends with its thread.
        reader = rows.query.get_compiler(connection=connection.copy())
        converters = reader.get_converters([column for column, *_ in compiler.select])
        statement = Statement(sql, tuple(params), places, converters, reader.apply_converters)
        return statement, _maker(rows, compiler.klass_info, compiler.select)


class PreparedInsert(Generic[M]):
    """Stores objects of a model as `bulk_create` does, with a statement that is built once.

    For models whose keys are given, and that are nobody's parent or child.
    """

    def __init__(self, model: type[M]) -> None:
        self._model = model
        self._sql: dict[str, str] = {}

    def store(self, rows: Iterable[M]) -> None:
        """Store them in the caller's transaction."""
        connection = connections[DEFAULT_DB_ALIAS]
        fields = self._model._meta.concrete_fields
        given = list(rows)
        params = [
            [field.get_db_prep_save(field.pre_save(row, True), connection) for field in fields]
            for row in given
        ]
        if params:
            with connection.cursor() as cursor:
                cursor.executemany(self._statement(connection), params)
        for row in given:
            row._state.adding, row._state.db = False, DEFAULT_DB_ALIAS

    def _statement(self, connection: BaseDatabaseWrapper) -> str:
        if connection.vendor not in self._sql:
            about, quote = self._model._meta, connection.ops.quote_name
            names = ", ".join(quote(str(field.column)) for field in about.concrete_fields)
            values = ", ".join(["%s"] * len(about.concrete_fields))
            table = quote(about.db_table)
            self._sql[connection.vendor] = f"INSERT INTO {table} ({names}) VALUES ({values})"  # noqa: S608  # nosec B608  # names of our columns
        return self._sql[connection.vendor]


_Maker = Callable[[Sequence[Any]], Any]


def _mark(kind: type, place: int) -> str | int:
    return TEXT_MARK.format(place) if kind is str else NUMBER_MARK + place


def _maker(rows: QuerySet[Any, Any], about: Any, select: Any) -> _Maker:
    """Makes of a row what the query would have made of it."""
    if rows._iterable_class is FlatValuesListIterable:
        return lambda row: row[0]
    if rows._iterable_class is not ModelIterable:
        return tuple
    model: type[models.Model] = about["model"]
    names = [select[place][0].target.attname for place in about["select_fields"]]
    return lambda row: model.from_db(DEFAULT_DB_ALIAS, names, row)
