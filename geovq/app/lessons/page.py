"""The page Lessons: a list with what was answered, and one lesson with its view, question and explanation."""

import streamlit as st

from geovq.app.lessons.joint_numbers import JOINT_SOURCES, joint_numbers
from geovq.app.lessons.numbers import filled, has_numbers, measured_numbers, sources
from geovq.app.shared.fetching import open_cached
from geovq.app.shared.lesson_files import BrokenLesson, Lesson, Lessons
from geovq.app.shared.links import brief, followed, page_file, warn, write
from geovq.app.shared.markdown import as_text
from geovq.app.shared.selection import RUN, known_runs
from geovq.errors import ArtifactError, GeovqError

_PARAMETER = "lesson"  # of the link
_CURRENT = "lessons_current"  # session key: slug of the open lesson
_ANSWERS = "lessons_answers"  # session key: index of the choice that was revealed, by slug


def lesson_list(lessons: Lessons) -> str:
    """Draw the list with its progress; slug of the lesson that is open."""
    _follow_link(lessons)
    valid = [lesson for lesson in lessons.values() if isinstance(lesson, Lesson)]
    answered = [lesson for lesson in valid if lesson.slug in _answers()]
    n_right = sum(_answers()[lesson.slug] == lesson.head.right_choice for lesson in answered)
    st.progress(
        len(answered) / max(len(valid), 1), text=f"{len(answered)} of {len(valid)} answered, {n_right} of them right"
    )
    numbers = {slug: number for number, slug in enumerate(lessons, start=1)}
    chosen: str = st.radio(
        "Lesson",
        list(lessons),
        format_func=lambda slug: f"{numbers[slug]}. {_title(lessons[slug])}",
        captions=[_state(lesson) for lesson in lessons.values()],
        key=_CURRENT,
        persist_state="session",
    )
    write(_PARAMETER, chosen)
    return chosen


def lesson_view(lessons: Lessons, slug: str) -> None:
    """Draw one lesson and the way to its neighbours; a file that cannot be read is a box in its place."""
    lesson = lessons[slug]
    try:
        if isinstance(lesson, BrokenLesson):
            raise lesson.error
        _lesson(lesson)
    except GeovqError as error:
        st.error(as_text(str(error)), title="This lesson cannot be shown", icon=":material/error:")
        st.caption("The other lessons are not affected. `assets/lessons/README.md` says what a lesson looks like.")
    slugs = list(lessons)
    place = slugs.index(slug)
    with st.container(horizontal=True, key="lessons_neighbours"):
        for label, icon, step in (("Previous", "chevron_left", -1), ("Next", "chevron_right", 1)):
            st.button(
                label,
                icon=f":material/{icon}:",
                key=f"lessons_{label.lower()}",
                on_click=_open,
                args=(slugs[(place + step) % len(slugs)],),
                disabled=not 0 <= place + step < len(slugs),
            )


def _lesson(lesson: Lesson) -> None:
    head = lesson.head
    text, explanation = (_with_numbers(lesson, part) for part in (lesson.text, lesson.explanation))
    st.subheader(head.title)
    st.markdown(text)
    st.page_link(
        page_file(head.page),
        label=f"**Open the view: {head.page.capitalize()}**",
        icon=":material/visibility:",
        query_params=head.link_query,
        help="Lessons in the menu brings you back here.",
    )
    revealed = _answers().get(lesson.slug)
    with st.container(border=True, key="lessons_question"):
        if revealed is None:
            _question(lesson)
            return
        _answered(lesson, revealed)
    st.markdown(explanation)


def _question(lesson: Lesson) -> None:
    choices = lesson.head.choices
    chosen = st.radio(
        f"**{lesson.head.question}**",
        range(len(choices)),
        index=None,
        format_func=choices.__getitem__,
        key=f"lessons_choice_{lesson.slug}",
        persist_state="session",
    )
    st.button(
        "Reveal",
        key="lessons_reveal",
        type="primary",
        disabled=chosen is None,
        on_click=_reveal,
        args=(lesson.slug, chosen),
    )


def _answered(lesson: Lesson, revealed: int) -> None:
    """The question with its choices as they turned out, as text: a disabled radio would be too faint to read."""
    choices, right = lesson.head.choices, lesson.head.right_choice
    st.markdown(f"**{lesson.head.question}**")
    for index, choice in enumerate(choices):
        icon = "check_circle" if index == right else "cancel" if index == revealed else "radio_button_unchecked"
        st.markdown(f":material/{icon}: {choice}" + (" *(your answer)*" if index == revealed else ""))
    if revealed == right:
        st.success(f"Right: {choices[right]}", icon=":material/check_circle:")
    else:
        st.warning(f"Not so. Right is: {choices[right]}", icon=":material/cancel:")


def _with_numbers(lesson: Lesson, text: str) -> str:
    """A text with the numbers of the run that the lesson's link names, or of the run that is selected."""
    if not has_numbers(text):
        return text
    name = lesson.head.link_query.get(RUN) or st.session_state.get(RUN) or ""
    summary = known_runs().get(name)
    if summary is None:
        raise ArtifactError(
            f"{lesson.file} states numbers of the run {name or '(none)'}, which is not on this machine; bring it back, "
            "or name another one under query: run."
        )
    run = open_cached(str(summary.path))
    numbers = measured_numbers(run.measurements)
    if sources(text) & JOINT_SOURCES:
        numbers |= joint_numbers(run, lesson.head.link_query, lesson.file)
    return filled(text, numbers, lesson.file)


def _follow_link(lessons: Lessons) -> None:
    if (linked := followed(_PARAMETER)) is not None:
        st.session_state[_CURRENT] = linked
        if linked not in lessons:
            warn(f"The link names the lesson {brief(linked)}, which does not exist. You see another one.")
    if st.session_state.get(_CURRENT) not in lessons:
        st.session_state[_CURRENT] = next((slug for slug in lessons if slug not in _answers()), next(iter(lessons)))


def _title(lesson: Lesson | BrokenLesson) -> str:
    return lesson.head.title if isinstance(lesson, Lesson) else as_text(lesson.file)


def _state(lesson: Lesson | BrokenLesson) -> str:
    if isinstance(lesson, BrokenLesson):
        return ":material/error: cannot be shown"
    if lesson.slug not in _answers():
        return f":material/schedule: {lesson.head.minutes} min"
    right = _answers()[lesson.slug] == lesson.head.right_choice
    return ":material/check_circle: answered, right" if right else ":material/cancel: answered, not right"


def _answers() -> dict[str, int]:
    answers: dict[str, int] = st.session_state.setdefault(_ANSWERS, {})
    return answers


def _reveal(slug: str, choice: int) -> None:
    _answers()[slug] = choice


def _open(slug: str) -> None:
    st.session_state[_CURRENT] = slug
