"""How the programs of these tests are asked: each line of stdin is one question, each line of stdout one answer.

Whatever else the program or a process of it prints on stdout goes to stderr.

A question is {"question": NAME, "arguments": {...}}; an answer is {"answer": ...}, or {"error": TEXT} where
the question failed. The program ends when stdin does.
"""

import json
import os
import sys
import traceback
from collections.abc import Callable, Mapping
from typing import Any

# Spark's VACUUM prints on the stdout of its JVM, which is this process's.
ANSWERS = os.dup(1)
os.dup2(2, 1)


def answer_questions(questions: Mapping[str, Callable[..., Any]]) -> None:
    """Answers questions until the end of the input. `questions` has the function of each, by its name."""
    answers = os.fdopen(ANSWERS, "w")
    for line in sys.stdin:
        asked = json.loads(line)
        try:
            answer = {"answer": questions[asked["question"]](**asked["arguments"])}
        except Exception:  # Whatever it is, the test that asked shows it.
            answer = {"error": traceback.format_exc()}
        print(json.dumps(answer), file=answers, flush=True)
