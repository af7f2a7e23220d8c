"""Numbers of the lesson about joint search."""

import pytest

from geovq.app.lessons.joint_numbers import joint_numbers
from geovq.app.lessons.numbers import filled, sources
from geovq.app.shared.joint import together
from geovq.app.shared.lesson_files import LESSON_FOLDER, Lesson, read_lessons
from geovq.errors import ConfigError
from geovq.runs import Run, open_run
from geovq.runs.layout import SHIPPED_ROOT

QUERY = {"tokens_joint_of": "k-means", "tokens_image": "3", "tokens_price": "0.006"}


def test_the_numbers_are_those_of_the_view_that_the_lesson_opens(run: Run) -> None:
    found, numbers = together(run, "kmeans", "own", 3, 0.006, "codes"), joint_numbers(run, QUERY, "x.md")
    assert numbers["together.mse_after"] == found.joint.mse < found.own.mse == numbers["together.mse_before"]
    assert numbers["together.n_changed"] == (found.own.tokens != found.joint.tokens).sum()
    assert ("pair.both" in numbers) == (found.pair is not None)


def test_the_shipped_lesson_tells_of_two_changes_that_cancel() -> None:
    lesson = read_lessons(LESSON_FOLDER)["chosen-together"]
    assert isinstance(lesson, Lesson)
    numbers = joint_numbers(open_run(SHIPPED_ROOT / "demo"), lesson.head.link_query, lesson.file)
    assert (
        numbers["pair.both"] < numbers["pair.before"] < min(numbers["pair.first_alone"], numbers["pair.second_alone"])
    )
    assert "{" not in filled(lesson.explanation, numbers, lesson.file)


@pytest.mark.parametrize("change", [{"tokens_joint_of": "owl"}, {"tokens_image": "-1"}, {"tokens_price": "dear"}])
def test_a_link_that_does_not_say_which_view_is_one_sentence(run: Run, change: dict[str, str]) -> None:
    with pytest.raises(ConfigError, match=r"x.md: its query must name tokens_joint_of \(one of k-means, Euclidean"):
        joint_numbers(run, QUERY | change, "x.md")


def test_a_text_says_where_its_numbers_come_from() -> None:
    assert sources(r"{pair.both:.5f} and {kmeans.mse}, $\frac{1}{2}$") == {"pair", "kmeans"}
