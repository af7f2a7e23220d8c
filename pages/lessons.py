import streamlit as st

from geovq.app.lessons.page import lesson_list, lesson_view
from geovq.app.shared import lesson_files as lessons
from geovq.app.shared.frame import require_frame
from geovq.app.shared.states import empty_state

require_frame()
known = lessons.read_lessons(lessons.LESSON_FOLDER)
if not known:
    empty_state(
        "There are no lessons here",
        "A lesson is a Markdown file in `assets/lessons/`. The shipped ones come back with "
        "`git checkout assets/lessons`. Until then, look for yourself.",
        link="geometry",
        label="Open Geometry",
        icon="school",
    )
    st.stop()

listing, content = st.columns([2, 5], gap="medium")
with listing:
    slug = lesson_list(known)
with content:
    lesson_view(known, slug)
