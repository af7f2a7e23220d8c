"""The head of a lesson: what it asks, and which view it looks at."""

from pathlib import Path
from typing import Self

from pydantic import Field, ValidationError, field_validator, model_validator

from geovq.config.front_matter import read_front_matter
from geovq.config.sections import Section
from geovq.config.sentences import sentence
from geovq.errors import ConfigError

N_CHOICES = 3


class LessonHead(Section):
    """What a lesson asks, and which view it looks at."""

    title: str = Field(min_length=1, description="Name of the lesson, in the list and above it.")
    question: str = Field(min_length=1, description="What is asked before the explanation.")
    choices: tuple[str, ...] = Field(description="Three short answers, all different.")
    answer: int = Field(description="Place of the right answer among the choices, counted from 1.")
    page: str = Field(description="Name of the page that is looked at.")
    query: dict[str, str | bool | int | float] = Field(description="Parameters of the link to that view.")
    minutes: int = Field(ge=1, le=60, description="How long the lesson takes.")

    @field_validator("choices")
    @classmethod
    def _three_different(cls, choices: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(choices)) != N_CHOICES or len(choices) != N_CHOICES or not all(choices):
            raise ValueError(f"choices must be {N_CHOICES} different answers, one `- …` line each; got {list(choices)}")
        return choices

    @model_validator(mode="after")
    def _answer_is_a_choice(self) -> Self:
        if not 1 <= self.answer <= N_CHOICES:
            raise ValueError(
                f"answer must be 1 to {N_CHOICES}, the place of the right answer among the choices; got {self.answer}"
            )
        return self

    @property
    def right_choice(self) -> int:
        """Index of the right answer in `choices`."""
        return self.answer - 1

    @property
    def link_query(self) -> dict[str, str]:
        """Parameters of the link as a browser writes them."""
        return {key: str(value).lower() if isinstance(value, bool) else str(value) for key, value in self.query.items()}


def read_lesson_file(path: Path) -> tuple[LessonHead, str]:
    """Read the head of a lesson, and the text below it.

    Raises
    ------
    ConfigError
        If the file cannot be read or its head is not what it should be; the message names file, key and remedy.
    """
    values, body = read_front_matter(path)
    if missing := [name for name in LessonHead.model_fields if name not in values]:
        raise ConfigError(f"{path.name}: {missing[0]} is missing; add a line `{missing[0]}: …` between the two `---`.")
    try:
        return LessonHead.model_validate(values), body
    except ValidationError as error:
        raise ConfigError(f"{path.name}: {_remedied(sentence(error, LessonHead), error)}") from error


def _remedied(text: str, error: ValidationError) -> str:
    first = error.errors()[0]
    if first["type"] in ("extra_forbidden", "value_error"):
        return text
    description = LessonHead.model_fields[str(first["loc"][0])].description
    return f"{text} Meant is: {description}"
