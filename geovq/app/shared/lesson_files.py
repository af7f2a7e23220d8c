"""Lessons as files: `NN-name.md`, a head of settings, a text, a line `---reveal---`, and the explanation.

A teacher adds one by adding a file. A file that is not what it should be spoils only its own lesson.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from geovq.app.shared.lesson_head import LessonHead, read_lesson_file
from geovq.bundle import bundled
from geovq.errors import ConfigError

LESSON_FOLDER = bundled("assets", "lessons")
REVEAL_LINE = "---reveal---"
PAGE_NAMES = tuple(sorted(file.stem for file in bundled("pages").glob("*.py")))
_FILE_NAME = re.compile(r"\d+-([a-z0-9][a-z0-9-]*)")
_FOR_TEACHERS = "README.md"


@dataclass(frozen=True)
class Lesson:
    """One lesson. `slug` names it in links; `text` comes before the question, `explanation` after it, both Markdown."""

    slug: str
    file: str
    head: LessonHead
    text: str
    explanation: str


@dataclass(frozen=True)
class BrokenLesson:
    """A file that is not a lesson, and why."""

    slug: str
    file: str
    error: ConfigError


Lessons: TypeAlias = Mapping[str, Lesson | BrokenLesson]


def read_lessons(folder: Path) -> Lessons:
    """All lessons of a folder by their slug, in the order of their file names."""
    lessons: dict[str, Lesson | BrokenLesson] = {}
    for path in sorted(folder.glob("*.md")):
        if path.name == _FOR_TEACHERS:
            continue
        try:
            lesson: Lesson | BrokenLesson = read_lesson(path)
            if lesson.slug in lessons:
                raise ConfigError(
                    f"{path.name}: the name {lesson.slug} is taken by {lessons[lesson.slug].file}; rename one of them."
                )
        except ConfigError as error:
            lesson = BrokenLesson(path.stem, path.name, error)
        lessons[lesson.slug] = lesson
    return lessons


def read_lesson(path: Path) -> Lesson:
    """Read one lesson.

    Raises
    ------
    ConfigError
        If its name, its head or its text is not what it should be.
    """
    name = _FILE_NAME.fullmatch(path.stem)
    if name is None:
        raise ConfigError(
            f"{path.name} must be named by a number, a hyphen and small letters, as in 08-my-lesson.md; rename it."
        )
    head, body = read_lesson_file(path)
    if head.page not in PAGE_NAMES:
        raise ConfigError(f"{path.name}: page must be one of {', '.join(PAGE_NAMES)}; got {head.page!r}.")
    text, line, explanation = (part.strip() for part in body.partition(f"\n{REVEAL_LINE}\n"))
    if not (text and line and explanation):
        raise ConfigError(
            f"{path.name} must hold a text, a line `{REVEAL_LINE}` by itself, and an explanation; add what is missing."
        )
    return Lesson(name[1], path.name, head, text, explanation)
