"""How the programs of these tests are asked: each line of stdin is one question, each line of stdout one answer.

A question is {"question": NAME, "arguments": {...}}; an answer is {"answer": ...}, or {"error": TEXT} where
the question failed. The program ends when stdin does.
"""

import json
import sys
import traceback
from collections.abc import Callable, Mapping
from typing import Any


def answer_questions(questions: Mapping[str, Callable[..., Any]]) -> None:
    """Answers questions until the end of the input. `questions` has the function of each, by its name."""
    for line in sys.stdin:
        asked = json.loads(line)
        try:
            answer = {"answer": questions[asked["question"]](**asked["arguments"])}
        except Exception:  # Whatever it is, the test that asked shows it.
            answer = {"error": traceback.format_exc()}
        print(json.dumps(answer), flush=True)
