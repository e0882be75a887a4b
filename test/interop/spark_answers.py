"""What the analysis of the attempts asks, answered in Spark's SQL.

Written on its own, from the questions and the shape of the known answers: it shares nothing with the queries
of the command line, so that the two can be wrong only apart.
"""

from typing import Any

from pyspark.sql import DataFrame, SparkSession

# The first delivery of each attempt.
FIRST = """
SELECT * FROM (
  SELECT *, row_number() OVER (PARTITION BY source, keen_id
    ORDER BY published_at, kafka_topic, kafka_partition, kafka_offset) AS nth
  FROM {attempts}) WHERE nth = 1
"""
OF_FIRST = """
SELECT child.* FROM {child} child LEFT SEMI JOIN {first} USING (kafka_topic, kafka_partition, kafka_offset)
"""

OVERVIEW = """
SELECT count(*) AS exams, count(DISTINCT exam_name) AS exam_names, count(DISTINCT base_exam_id) AS base_exam_ids,
  count(DISTINCT user_exam_id) AS users,
  date_format(min(started_at), "yyyy-MM-dd'T'HH:mm:ss.SSS'Z'") AS first_started_at,
  date_format(max(started_at), "yyyy-MM-dd'T'HH:mm:ss.SSS'Z'") AS last_started_at,
  named_struct('attempts', count_if(exam_name = 'Learning Git'),
    'users', count(DISTINCT CASE WHEN exam_name = 'Learning Git' THEN user_exam_id END)) AS learning_git,
  named_struct('exams_with_counts', count(total), 'mean', avg(total), 'min', min(total), 'max', max(total))
    AS questions_per_exam
FROM {attempts}
"""
BY_NAME = """
SELECT exam_name, count(*) AS attempts FROM {attempts} GROUP BY exam_name ORDER BY attempts DESC, exam_name
"""
PER_USER = """
SELECT avg(exams) AS mean, median(exams) AS median, max(exams) AS max
FROM (SELECT count(*) AS exams FROM {attempts} GROUP BY user_exam_id)
"""
BY_LENGTH = """
SELECT total, count(*) AS attempts FROM {attempts} WHERE total IS NOT NULL GROUP BY total ORDER BY total
"""
BY_HOUR = "SELECT hour(started_at) AS hour, count(*) AS attempts FROM {attempts} GROUP BY hour ORDER BY hour"
FOUR_QUESTIONS = """
SELECT exam_name, count(*) AS attempts, avg(correct / total) AS mean_score
FROM {attempts} WHERE total = 4 GROUP BY exam_name ORDER BY mean_score, exam_name
"""
BY_RESULT = "SELECT user_result, count(*) AS questions FROM {questions} GROUP BY user_result"
ROWS = """
SELECT (SELECT count(*) FROM {attempts}) AS attempts, (SELECT count(*) FROM {questions}) AS questions,
  count(*) AS options, count_if(checked) AS options_checked, count_if(correct) AS options_correct,
  count(at) AS options_at
FROM {options}
"""


class Analysis:
    """The attempts, questions and options of one scope."""

    def __init__(self, spark: SparkSession, attempts: DataFrame, questions: DataFrame, options: DataFrame) -> None:
        self._spark = spark
        self._tables = {"attempts": attempts, "questions": questions, "options": options}
        for table in self._tables.values():
            table.cache()

    def deduplicated(self) -> "Analysis":
        """The same of each attempt's first delivery alone."""
        first = self._spark.sql(FIRST, **self._tables).drop("nth")
        children = [
            self._spark.sql(OF_FIRST, child=self._tables[name], first=first) for name in ("questions", "options")
        ]
        return Analysis(self._spark, first, *children)

    def close(self) -> None:
        """Lets go of what is kept in memory."""
        for table in self._tables.values():
            table.unpersist()

    def rows(self) -> dict[str, int]:
        """How many rows there are, and options of each kind."""
        return self._ask(ROWS)[0]

    def answers(self) -> dict[str, Any]:
        """The answer to every question, laid out as the file of known answers is."""
        names = [(row["exam_name"], row["attempts"]) for row in self._ask(BY_NAME)]
        least = min(attempts for _, attempts in names)
        fours = self._ask(FOUR_QUESTIONS)
        often = [row for row in fours if row["attempts"] >= 20]
        return {
            **self._ask(OVERVIEW)[0],
            "top10": names[:10],
            "least_common": {"attempts": least, "exams": [name for name, attempts in names if attempts == least]},
            "exams_per_user": self._ask(PER_USER)[0],
            "attempts_by_exam_length": {row["total"]: row["attempts"] for row in self._ask(BY_LENGTH)},
            "starts_by_hour_utc": [row["attempts"] for row in self._ask(BY_HOUR)],
            "four_question_exams": {
                "attempts": sum(row["attempts"] for row in fours),
                "exam_names": len(fours),
                "names_with_20_or_more": len(often),
            },
            "lowest_mean_score_4q_20plus": [list(row.values()) for row in often[:6]],
            "results": {str(row["user_result"]): row["questions"] for row in self._ask(BY_RESULT)},
        }

    def _ask(self, sql: str) -> list[dict[str, Any]]:
        named = {name: table for name, table in self._tables.items() if f"{{{name}}}" in sql}
        return [row.asDict(recursive=True) for row in self._spark.sql(sql, **named).collect()]
