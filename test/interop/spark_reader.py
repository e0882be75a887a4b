"""Reads the tables with Apache Spark and Delta's own library, as a data scientist would.

Usage: spark_reader.py JARS FOLDER
JARS is the folder of Delta's jars (pom.xml), FOLDER a folder for temporary files. Needs pyspark
(notebooks/requirements.txt) and HADOOP_USER_NAME; see answering.py for how it is asked. Tables are named by their URL,
as hdfs://localhost:8020/warehouse/attempts. Nothing listens outside 127.0.0.1, and no jar is looked for
elsewhere.
"""

import sys
from collections.abc import Callable
from typing import Any

from answering import answer_questions
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F
from spark_answers import Analysis


def start_spark(jars: str, folder: str) -> SparkSession:
    """A Spark inside this process's own JVM, tuned to be up soon rather than to be fast for long."""
    settings = {
        "spark.driver.extraClassPath": f"{jars}/*",
        "spark.driver.memory": "1g",
        "spark.driver.extraJavaOptions": f"-XX:TieredStopAtLevel=1 -XX:+UseSerialGC -Djava.io.tmpdir={folder}",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.hadoop.dfs.replication": "1",
        "spark.local.dir": folder,
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        # The tables are small: one task does, and there is nothing to adapt a plan to.
        "spark.sql.adaptive.enabled": "false",
        "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
        "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.shuffle.partitions": "1",
        # VACUUM lists a table's folder by as many tasks: 10,000 by default.
        "spark.sql.sources.parallelPartitionDiscovery.parallelism": "1",
        "spark.sql.warehouse.dir": f"{folder}/spark-warehouse",
        "spark.databricks.delta.snapshotPartitions": "1",
        # Else a count comes from the log's statistics, and no data file is read.
        "spark.databricks.delta.optimizeMetadataQuery.enabled": "false",
    }
    builder = SparkSession.builder.master("local[2]").appName("interop")
    for name, value in settings.items():
        builder = builder.config(name, value)
    return builder.getOrCreate()


class Questions:
    """What can be asked; each method is one question."""

    def __init__(self, spark: SparkSession) -> None:
        self._spark = spark

    def table(self, url: str) -> dict[str, Any]:
        """A table's columns with their types in Delta's words, and the rows of each partition."""
        table = self._delta(url)
        return {"columns": columns_of(table), "partitions": partitions_of(table)}

    def plain(self, url: str) -> dict[str, Any]:
        """The same of the data files alone, without the log."""
        table = self._spark.read.parquet(url)
        return {"columns": columns_of(table), "partitions": partitions_of(table)}

    def values(self, url: str, source: str, columns: list[str]) -> list[list[Any]]:
        """Some columns of a source's rows; times in microseconds since 1970, bytes in hexadecimal digits."""
        table = self._delta(url).where(F.col("source") == source)
        shown = table.select([shown_as_json(table, name) for name in columns])
        return [list(row) for row in shown.collect()]

    def answers(self, warehouse: str, source: str) -> dict[str, Any]:
        """The known answers' questions, over all deliveries and over each attempt's first one."""
        of_source = [
            self._delta(f"{warehouse}/{name}").where(F.col("source") == source)
            for name in ("attempts", "questions", "options")
        ]
        every = Analysis(self._spark, *of_source)
        first = every.deduplicated()
        answers = {
            "rows_all_deliveries": every.rows(),
            "rows_deduplicated": first.rows(),
            "answers_all_deliveries": every.answers(),
            "answers_deduplicated": first.answers(),
        }
        first.close()
        every.close()
        return answers

    def bounds(self, url: str, columns: list[str]) -> dict[str, Any]:
        """The rows at each column's least and greatest value, and how many files Spark reads to find them."""
        table = self._delta(url)
        ends = [end(name) for name in columns for end in (F.min, F.max)]
        values = list(table.select(ends).first())
        return {
            name: [self._at(table, name, value) for value in values[2 * at : 2 * at + 2]]
            for at, name in enumerate(columns)
        }

    def optimize(self, url: str) -> None:
        """Rewrites the table's small files as few large ones."""
        self._spark.sql(f"OPTIMIZE delta.`{url}`")

    def counts(self, url: str, versions: list[int]) -> list[int]:
        """The rows of some versions of a table."""
        reader = self._spark.read.format("delta")
        return [reader.option("versionAsOf", version).load(url).count() for version in versions]

    def restore(self, url: str, version: int) -> None:
        """Restores the table to another version."""
        self._spark.sql(f"RESTORE TABLE delta.`{url}` TO VERSION AS OF {version}")

    def drop_rows(self, url: str) -> None:
        """Overwrites the table with one of its rows."""
        self._delta(url).limit(1).write.format("delta").mode("overwrite").save(url)

    def vacuum(self, url: str) -> None:
        """Deletes every file that is not live, at once."""
        self._spark.conf.set("spark.databricks.delta.retentionDurationCheck.enabled", "false")
        self._spark.sql(f"VACUUM delta.`{url}` RETAIN 0 HOURS")

    def checkpoint_always(self, url: str) -> None:
        """Has every writer that heeds the table's properties write a checkpoint with each commit."""
        self._spark.sql(f"ALTER TABLE delta.`{url}` SET TBLPROPERTIES ('delta.checkpointInterval' = '1')")

    def _delta(self, url: str) -> DataFrame:
        return self._spark.read.format("delta").load(url)

    def _at(self, table: DataFrame, name: str, value: Any) -> dict[str, int]:
        found = table.where(F.col(name) == F.lit(value))
        skipped = {"rows": found.count(), "files": len(found.inputFiles())}
        self._spark.conf.set("spark.databricks.delta.stats.skipping", "false")
        try:
            return {**skipped, "rowsOfAllFiles": found.count()}
        finally:
            self._spark.conf.unset("spark.databricks.delta.stats.skipping")


def columns_of(table: DataFrame) -> dict[str, str]:
    return {field.name: field.dataType.typeName() for field in table.schema}


def partitions_of(table: DataFrame) -> list[list[Any]]:
    counted = table.groupBy("source", F.col("ingested_on").cast("string")).count()
    return sorted(list(row) for row in counted.collect())


def shown_as_json(table: DataFrame, name: str) -> Column:
    shown: dict[str, Callable[[Column], Column]] = {"timestamp": F.unix_micros, "binary": F.hex}
    return shown.get(table.schema[name].dataType.typeName(), lambda column: column)(F.col(name))


def main() -> None:
    _, jars, folder = sys.argv
    spark = start_spark(jars, folder)
    spark.sparkContext.setLogLevel("ERROR")
    asked = Questions(spark)
    names = [name for name in vars(Questions) if not name.startswith("_")]
    answer_questions({name: getattr(asked, name) for name in names})
    spark.stop()


if __name__ == "__main__":
    main()
