"""The page Lessons: choosing, revealing, links, bad files, and whether the views that it opens exist."""

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from geovq.app.shared import lesson_files as lessons
from geovq.app.shared.lesson_files import Lesson, read_lessons
from geovq.viz import tokenizer_style
from tests.pages.conftest import open_page, text_of

LESSON = """---
title: Lesson {slug}
question: What of {slug}?
choices: [one, two, three]
answer: 2
page: geometry
query: {{geometry_first: 7}}
minutes: 3
---
The scene of {slug}.

---reveal---

The explanation of {slug}. Try next: another.
"""
RIGHT, WRONG = 1, 0  # indices of choices
SHIPPED = read_lessons(lessons.LESSON_FOLDER)


@pytest.fixture
def folder(one_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two lessons in place of the shipped ones."""
    path = tmp_path / "lessons"
    path.mkdir()
    for number, slug in enumerate(("first", "second"), start=1):
        (path / f"0{number}-{slug}.md").write_text(LESSON.format(slug=slug), encoding="utf-8")
    monkeypatch.setattr(lessons, "LESSON_FOLDER", path)
    return path


def reveal(app: AppTest, slug: str, choice: int) -> AppTest:
    app.radio(key=f"lessons_choice_{slug}").set_value(choice).run()
    return app.button(key="lessons_reveal").click().run()


def progress(app: AppTest) -> str:
    (bar,) = app.get("progress")
    return str(bar.proto.text)


def test_the_page_opens_with_the_first_lesson_and_hides_its_explanation(folder: Path) -> None:
    app = open_page("lessons")
    assert not app.exception
    assert not app.error
    words = text_of(app)
    assert "The scene of first." in words
    assert "The explanation of first." not in words
    assert app.query_params["lesson"] == "first"
    assert progress(app) == "0 of 2 answered, 0 of them right"


def test_reveal_waits_for_a_choice_and_then_says_whether_it_was_right(folder: Path) -> None:
    app = open_page("lessons")
    assert app.button(key="lessons_reveal").disabled
    reveal(app, "first", RIGHT)
    assert [box.value for box in app.success] == ["Right: two"]
    assert "The explanation of first." in text_of(app)
    assert progress(app) == "1 of 2 answered, 1 of them right"
    assert "two (your answer)" in text_of(app).replace("*", "")
    assert not [button for button in app.button if button.key == "lessons_reveal"]  # a guess is made once


def test_a_wrong_choice_is_told_with_the_right_one(folder: Path) -> None:
    app = reveal(open_page("lessons"), "first", WRONG)
    assert not app.success
    assert "one (your answer)" in text_of(app).replace("*", "")
    assert [box.value for box in app.warning] == ["Not so. Right is: two"]
    assert "The explanation of first." in text_of(app)
    assert progress(app) == "1 of 2 answered, 0 of them right"


def test_next_and_previous_stop_at_the_ends_and_keep_the_answers(folder: Path) -> None:
    app = reveal(open_page("lessons"), "first", RIGHT)
    assert app.button(key="lessons_previous").disabled
    app.button(key="lessons_next").click().run()
    assert "The scene of second." in text_of(app)
    assert app.query_params["lesson"] == "second"
    assert app.button(key="lessons_next").disabled
    app.button(key="lessons_previous").click().run()
    assert "The explanation of first." in text_of(app)
    assert [box.value for box in app.success] == ["Right: two"]


def test_a_visit_to_another_page_loses_neither_place_nor_answers(folder: Path) -> None:
    app = reveal(open_page("lessons", lesson="second"), "second", RIGHT)
    app.switch_page("pages/tokens.py").run()
    app.switch_page("pages/lessons.py").run()
    assert "The explanation of second." in text_of(app)
    assert progress(app) == "1 of 2 answered, 1 of them right"


def test_a_link_opens_its_lesson(folder: Path) -> None:
    assert "The scene of second." in text_of(open_page("lessons", lesson="second"))


def test_a_link_to_a_lesson_that_does_not_exist_says_so_and_shows_another(folder: Path) -> None:
    app = open_page("lessons", lesson="<b>third")
    assert not app.exception
    assert "third, which does not exist" in app.warning[0].value
    assert "The scene of first." in text_of(app)
    assert app.query_params["lesson"] == "first"


def test_a_bad_file_is_a_box_in_its_place_and_the_others_still_work(folder: Path) -> None:
    (folder / "03-bad.md").write_text(LESSON.format(slug="bad").replace("answer: 2", "answer: 9"), encoding="utf-8")
    app = open_page("lessons", lesson="03-bad")
    assert not app.exception
    assert "03-bad.md: answer must be 1 to 3" in text_of(app)
    assert progress(app) == "0 of 2 answered, 0 of them right"  # nobody can answer it
    app.button(key="lessons_previous").click().run()
    assert not app.error
    assert "The scene of second." in text_of(app)


def test_numbers_come_from_the_run_that_is_looked_at(folder: Path) -> None:
    (folder / "03-numbers.md").write_text(LESSON.format(slug="It is {kmeans.n_codes}"), encoding="utf-8")
    app = open_page("lessons", lesson="numbers")
    assert not app.error
    assert "The scene of It is 8." in text_of(app)


@pytest.mark.parametrize("query", ["{run: mnist/deleted}", "{}"])
def test_numbers_that_cannot_be_had_are_a_box_in_the_place_of_the_lesson(query: str, folder: Path) -> None:
    text = LESSON.format(slug="It is {owl.mse}").replace("{geometry_first: 7}", query)
    (folder / "03-numbers.md").write_text(text, encoding="utf-8")
    app = open_page("lessons", lesson="numbers")
    assert not app.exception
    assert "03-numbers.md" in app.error[0].value
    app.button(key="lessons_previous").click().run()
    assert not app.error


def test_a_folder_without_lessons_is_an_empty_state(folder: Path) -> None:
    for file in folder.iterdir():
        file.unlink()
    app = open_page("lessons")
    assert not app.exception
    assert "There are no lessons here" in text_of(app)


def test_lessons_need_no_run(no_runs: Path) -> None:
    app = open_page("lessons")
    assert not app.exception
    assert not app.error
    assert "The latent space is not flat" in text_of(app)


@pytest.mark.parametrize("lesson", SHIPPED.values(), ids=list(SHIPPED))
def test_the_page_of_a_lesson_reads_every_parameter_of_its_link(lesson: Lesson, one_run: Path) -> None:
    query = {key: value for key, value in lesson.head.link_query.items() if key != "run"}
    app = open_page(lesson.head.page, **query)
    assert not app.exception
    for key, value in query.items():
        assert key in app.session_state, f"{lesson.file}: {lesson.head.page} does not read {key}"
        if not value.isdecimal():  # the run of this test has fewer landmarks than the shipped one
            taken = app.session_state[key]
            assert value.lower() in {str(taken).lower(), _label(taken)}, f"{lesson.file}: {key} is not {value}"


def _label(value: object) -> str | None:
    """A tokenizer as links name it."""
    return tokenizer_style(value).label.lower() if value in ("kmeans", "euclidean", "riemannian") else None
