"""Heads of lessons: what is read, and the one sentence for each way to get it wrong."""

from pathlib import Path

import pytest

from geovq.app.shared.lesson_head import LessonHead, read_lesson_file
from geovq.errors import ConfigError

HEAD = """title: A title
question: What?
choices: [one, two, three]
answer: 3
page: geometry
query: {run: a/b, geometry_ellipses: true, geometry_first: 7}
minutes: 2
"""


def lesson_file(folder: Path, head: str, text: str = "before\n---reveal---\nafter\n") -> Path:
    file = folder / "08-mine.md"
    file.write_text(f"---\n{head}---\n{text}", encoding="utf-8")
    return file


def test_head_and_text_come_apart(tmp_path: Path) -> None:
    head, text = read_lesson_file(lesson_file(tmp_path, HEAD))
    assert head.choices == ("one", "two", "three")
    assert head.choices[head.right_choice] == "three"
    assert text == "before\n---reveal---\nafter"


def test_values_of_the_link_are_written_as_a_browser_does(tmp_path: Path) -> None:
    head, _ = read_lesson_file(lesson_file(tmp_path, HEAD))
    assert head.link_query == {"run": "a/b", "geometry_ellipses": "true", "geometry_first": "7"}


@pytest.mark.parametrize("key", LessonHead.model_fields)
def test_a_missing_key_is_named_with_the_line_to_add(key: str, tmp_path: Path) -> None:
    head = "".join(line for line in HEAD.splitlines(keepends=True) if not line.startswith(f"{key}:"))
    with pytest.raises(ConfigError, match=rf"08-mine.md: {key} is missing; add a line `{key}: …`"):
        read_lesson_file(lesson_file(tmp_path, head))


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("minutes: 2", "minutes: 2\ncolour: red", "colour is not a setting; allowed are title, question"),
        ("minutes: 2", "minutes: 2\nqueri: {}", "queri is not a setting; did you mean query"),
        ("answer: 3", "answer: 0", "answer must be 1 to 3, .* got 0"),
        ("answer: 3", "answer: 4", "answer must be 1 to 3, .* got 4"),
        ("answer: 3", "answer: three", "answer must be a valid integer.*got 'three'.* counted from 1"),
        ("[one, two, three]", "[one, two]", "choices must be 3 different answers"),
        ("[one, two, three]", "[one, two, one]", "choices must be 3 different answers"),
        ("[one, two, three]", "one", "choices must be a valid tuple; got 'one'. Meant is: Three short answers"),
        ("{run: a/b,", "{run: [a, b],", "query.run"),
        ("minutes: 2", "minutes: 0", "minutes must be greater than or equal to 1; got 0"),
        ("title: A title", "title: A: title", "not valid YAML at line 2: .*; quote texts that hold a colon"),
    ],
)
def test_a_wrong_head_is_one_sentence_with_file_key_and_remedy(
    old: str, new: str, sentence: str, tmp_path: Path
) -> None:
    assert old in HEAD
    with pytest.raises(ConfigError, match=rf"^08-mine.md.*{sentence}") as caught:
        read_lesson_file(lesson_file(tmp_path, HEAD.replace(old, new)))
    assert "\n" not in str(caught.value)
