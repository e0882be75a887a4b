"""Reads the tables with delta-rs, which shares no code with Spark or with us, straight from HDFS.

Usage: deltars_reader.py
Needs deltalake, pyarrow and pandas (notebooks/requirements.txt) and HADOOP_USER_NAME; see answering.py for how it is
asked. Tables are named by their URL, as hdfs://localhost:8020/warehouse/attempts.
"""

from typing import Any

import pyarrow
import pyarrow.compute as pc
import pyarrow.fs
import pyarrow.parquet
from answering import answer_questions
from deltalake import DeltaTable
from deltalake.fs import DeltaStorageHandler

HELD: dict[str, DeltaTable] = {}


def table(url: str) -> dict[str, Any]:
    """A table's columns with their types in Arrow's words, and the rows of each partition."""
    found = DeltaTable(url).to_pyarrow_table()
    return {"columns": columns_of(found.schema), "partitions": partitions_of(found)}


def plain(url: str) -> list[dict[str, str]]:
    """The columns of each live data file, as the file itself has them."""
    files = pyarrow.fs.PyFileSystem(DeltaStorageHandler(url))
    paths = [uri.removeprefix(f"{url}/") for uri in DeltaTable(url).file_uris()]
    return [columns_of(pyarrow.parquet.read_schema(path, filesystem=files)) for path in paths]


def values(url: str, source: str, columns: list[str]) -> list[list[Any]]:
    """Some columns of a source's rows; times in microseconds since 1970, bytes in hexadecimal digits."""
    found = DeltaTable(url).to_pyarrow_table(filters=[("source", "=", source)], columns=columns)
    return [list(row.values()) for row in pyarrow.table(
        {name: shown_as_json(found[name]) for name in columns}).to_pylist()]


def pandas_types(url: str) -> dict[str, str]:
    """The types of a table's columns in pandas."""
    return {name: str(kind) for name, kind in DeltaTable(url).to_pandas().dtypes.items()}


def transactions(url: str, apps: list[str]) -> list[int | None]:
    """The version of each application's last transaction."""
    delta = DeltaTable(url)
    return [delta.transaction_version(app) for app in apps]


def bounds(url: str, columns: list[str]) -> dict[str, Any]:
    """The rows at each column's least and greatest value, and how many files are read to find them."""
    dataset = DeltaTable(url).to_pyarrow_dataset()
    everything = dataset.to_table(columns=columns)

    def at(name: str, value: pyarrow.Scalar) -> dict[str, int]:
        wanted = pc.field(name) == value
        return {
            "rows": dataset.count_rows(filter=wanted),
            "files": sum(1 for _ in dataset.get_fragments(filter=wanted)),
            "rowsOfAllFiles": everything.filter(wanted).num_rows,
        }

    return {name: [at(name, end(everything[name])) for end in (pc.min, pc.max)] for name in columns}


def checkpoint(url: str) -> None:
    """Writes a checkpoint of the table's last version."""
    DeltaTable(url).create_checkpoint()


def counts(url: str, versions: list[int]) -> list[int]:
    """The rows of some versions of a table."""
    return [DeltaTable(url, version=version).to_pyarrow_dataset().count_rows() for version in versions]


def restore(url: str, version: int) -> None:
    """Restores the table to another version."""
    DeltaTable(url).restore(version)


def drop_rows(url: str) -> None:
    """Deletes the rows of the first partition of the topics."""
    DeltaTable(url).delete("kafka_partition = 0")


def optimize(url: str) -> None:
    """Rewrites the table's small files as few large ones."""
    DeltaTable(url).optimize.compact()


def hold(url: str) -> int:
    """Reads a table for optimize_held; returns its version."""
    HELD[url] = DeltaTable(url)
    return HELD[url].version()


def optimize_held(url: str) -> None:
    """Rewrites the small files of a table as it was when it was held."""
    HELD.pop(url).optimize.compact()


def replaced(url: str) -> list[str]:
    """Returns the tombstones of the log: removed files that a VACUUM would delete."""
    return DeltaTable(url).vacuum(retention_hours=0, enforce_retention_duration=False)


def vacuum(url: str) -> None:
    """Deletes every file that is not live, at once."""
    DeltaTable(url).vacuum(retention_hours=0, enforce_retention_duration=False, dry_run=False, full=True)


def columns_of(schema: pyarrow.Schema) -> dict[str, str]:
    return {field.name: str(field.type) for field in schema}


def partitions_of(found: pyarrow.Table) -> list[list[Any]]:
    names = ["source", "ingested_on"]
    counted = found.group_by(names).aggregate([([], "count_all")]).to_pylist()
    return sorted([row["source"], row["ingested_on"].isoformat(), row["count_all"]] for row in counted)


def shown_as_json(column: pyarrow.ChunkedArray) -> pyarrow.Array:
    if pyarrow.types.is_timestamp(column.type):
        return column.cast(pyarrow.int64())
    if pyarrow.types.is_binary(column.type):
        return pyarrow.array([value and value.hex().upper() for value in column.to_pylist()])
    return column


QUESTIONS = (table, plain, values, pandas_types, transactions, bounds, checkpoint, counts, restore, drop_rows,
             optimize, hold, optimize_held, replaced, vacuum)

if __name__ == "__main__":
    answer_questions({question.__name__: question for question in QUESTIONS})
