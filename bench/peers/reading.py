"""Runs the standard questions in Spark over our files, over our tables' log, and over Spark's own files, in turns.

Usage: reading.py JARS QUESTIONS OURS SPARKS ROUNDS
JARS is the folder of Delta's jars, QUESTIONS the folder of spark_answers.py, OURS our warehouse and SPARKS the
folder of spark_job.py's tables, both as hdfs://HOST:PORT/DIR. Nothing is cached between the questions.
Prints one JSON line: for each side, a list of the seconds and CPU seconds (of Spark's process) of each round. Fails
if the answers differ. One warm-up round is not counted.
"""

import json
import sys
import time
from pathlib import Path
from typing import Any

from pyspark.sql import DataFrame, SparkSession

_, JARS, QUESTIONS, OURS, SPARKS, ROUNDS = sys.argv
sys.path.insert(0, QUESTIONS)
import spark_answers as asked  # noqa: E402

TICKS_PER_SECOND = 100
NAMES = ("attempts", "questions", "options")
SQL = [asked.OVERVIEW, asked.BY_NAME, asked.PER_USER, asked.BY_LENGTH, asked.BY_HOUR, asked.FOUR_QUESTIONS]
SQL += [asked.BY_RESULT, asked.ROWS]

Tables = dict[str, DataFrame]


def start_spark() -> SparkSession:
    """As spark_job.py's, with Delta."""
    settings = {
        "spark.driver.extraClassPath": f"{JARS}/*",
        "spark.driver.memory": "4g",
        "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
        "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
        "spark.sql.session.timeZone": "UTC",
        "spark.ui.enabled": "false",
    }
    builder = SparkSession.builder.master("local[2]").appName("reading")
    for name, value in settings.items():
        builder = builder.config(name, value)
    return builder.getOrCreate()


def ask(spark: SparkSession, tables: Tables) -> list[Any]:
    return [answer(spark, sql, {name: tables[name] for name in NAMES if f"{{{name}}}" in sql}) for sql in SQL]


def answer(spark: SparkSession, sql: str, named: Tables) -> list[Any]:
    rows = [row.asDict(recursive=True) for row in spark.sql(sql, **named).collect()]
    # A mean depends on the order of its sum in the last digits.
    rounded = json.loads(json.dumps(rows, default=str), parse_float=lambda digits: f"{float(digits):.9f}")
    return sorted(rounded, key=json.dumps)


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_PER_SECOND


def main() -> None:
    spark = start_spark()
    spark.sparkContext.setLogLevel("ERROR")
    java = spark.sparkContext._jvm.java.lang.ProcessHandle.current().pid()
    readers = {
        "ours": lambda name: spark.read.parquet(f"{OURS}/{name}"),
        "delta": lambda name: spark.read.format("delta").load(f"{OURS}/{name}"),
        "spark": lambda name: spark.read.parquet(f"{SPARKS}/{name}"),
    }
    took: dict[str, list[dict[str, float]]] = {side: [] for side in readers}
    for at in range(int(ROUNDS) + 1):
        answers = {}
        # Each is first in its turn: a session gets faster with each question that it is asked.
        sides = list(readers.items())
        first = at % len(sides)
        for side, read in sides[first:] + sides[:first]:
            began, used = time.monotonic(), cpu_seconds(java)
            answers[side] = ask(spark, {name: read(name) for name in NAMES})
            round_took = {"seconds": time.monotonic() - began, "cpuSeconds": cpu_seconds(java) - used}
            if at > 0:
                took[side].append(round_took)
        for sql, *found in zip(SQL, *answers.values()):
            if any(one != found[0] for one in found):
                raise SystemExit(f"the answers differ: {sql}\n{found}")
    print(json.dumps(took))
    spark.stop()


if __name__ == "__main__":
    main()
