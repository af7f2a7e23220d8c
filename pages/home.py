import streamlit as st

from geovq.app.home.pictures import bent_space, same_images, shortest_way
from geovq.app.home.status import first_lessons, machine, runs_at_a_glance
from geovq.app.shared.frame import require_frame
from geovq.app.shared.selection import known_runs, selected_run

require_frame()
run = selected_run()
row = st.container(horizontal=True)
with row.container(width=440):
    st.subheader("1. Is latent space flat?")
    first = st.container()
with row.container(width=520):
    st.subheader("2. Is the straight line the shortest?")
    second = st.container()
st.subheader("3. What do codes lose, and at what cost?")
third = st.container()
first_lessons()
machine()
runs_at_a_glance(known_runs().values())

# Last, into the places above: what takes seconds the first time keeps nothing else waiting.
with third:
    same_images(run)
with first:
    bent_space(run)
with second:
    shortest_way(run)
