"""What surrounds the pictures of the page Home: lessons to start with, the device and its queue, the runs."""

from collections.abc import Collection

import streamlit as st

from geovq.app.shared import tables
from geovq.app.shared.charts import data_table
from geovq.app.shared.devices import AUTO, device_words, devices
from geovq.app.shared.jobs import follow_queue, job_progress
from geovq.app.shared.lesson_files import LESSON_FOLDER, Lesson, read_lessons
from geovq.app.shared.links import page_file
from geovq.app.shared.markdown import as_text
from geovq.jobs import QueuedJob
from geovq.runs import RunSummary

_N_LESSONS = 4


def first_lessons() -> None:
    """The first lessons, each by its question."""
    lessons = [lesson for lesson in read_lessons(LESSON_FOLDER).values() if isinstance(lesson, Lesson)]
    if not lessons:
        return
    st.subheader("Start here")
    row = st.container(horizontal=True)  # side by side where there is room
    for lesson in lessons[:_N_LESSONS]:
        with row.container(border=True, width=228, height="stretch", key=f"lesson_{lesson.slug}"):
            st.page_link(
                page_file("lessons"),
                label=f"**{lesson.head.title}**",
                icon=":material/school:",
                query_params={"lesson": lesson.slug},
            )
            st.caption(f"{lesson.head.question} ({lesson.head.minutes} min)")
    if len(lessons) > _N_LESSONS:
        st.page_link(page_file("lessons"), label=f"All {len(lessons)} lessons", icon=":material/arrow_forward:")


def machine() -> None:
    """Draw device and queue, which polls while jobs are active."""
    st.subheader("This machine")
    follow_queue(_device_and_queue)


def _device_and_queue(active: list[QueuedJob]) -> None:
    found = devices()
    names = [device.name for device in found]
    words = [device_words(AUTO, found), *(device_words(name, found) for name in names)]
    with st.container(horizontal=True):
        with st.container(border=True, width=420, height="stretch"):
            st.markdown("**:material/memory: Device**")
            for line in words:
                st.caption(as_text(line))
        with st.container(border=True, width=420, height="stretch"):
            st.markdown("**:material/hourglass_empty: Queue**")
            if not active:
                st.caption("Nothing is running and nothing waits.")
            for job in active[:1]:
                job_progress(job)
            for place, job in enumerate(active[1:], start=1):
                st.caption(f"{place}. {as_text(job.run_id)}")
            st.page_link(page_file("train"), label="Train a run", icon=":material/arrow_forward:")


def runs_at_a_glance(summaries: Collection[RunSummary]) -> None:
    """All runs with their headline numbers."""
    st.subheader("Runs")
    data_table(
        tables.run_table(summaries),
        "home_runs",
        columns=tables.run_columns(),
        caption="Choose a run in the sidebar to look into it. Distortion is measured on held-out images.",
        alt="All runs with their state and headline numbers",
    )
