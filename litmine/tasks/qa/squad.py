"""SQuAD's JSON (Rajpurkar et al. 2016, 2018; COVID-QA has it too): articles of paragraphs, each with its questions.

The answers' offsets are not read: in copies of SQuAD they are those of the first occurrence, wrong for some 3 % of the
answers, and in COVID-QA they are off by white space for one in six. `answer_alignment` looks for the words.
"""

from collections.abc import Iterator
from typing import Any

from litmine.tasks.qa.questions import Asked


def squad_questions(read: Any) -> Iterator[Asked]:
    """The questions of a file's JSON (KeyError, TypeError, AttributeError or ValueError when it is of another form).

    What the annotators marked are synonyms of one answer, each as often as it was marked.
    """
    for article in read["data"]:
        for paragraph in article["paragraphs"]:
            text = _text(paragraph["context"])
            for asked in paragraph["qas"]:
                marked = tuple(answer for each in asked["answers"] if (answer := _text(each["text"]).strip()))
                yield Asked(
                    str(asked["id"]), _text(asked["question"]).strip(), "factoid", (text,), (marked,) if marked else ()
                )


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} stands where a text should")
    return value
