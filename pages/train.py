import streamlit as st

from geovq.app.frame import require_frame
from geovq.app.run_list import run_list
from geovq.app.train_form import train_form
from geovq.app.train_watching import watching

require_frame()
watching()

st.subheader("A new run")
train_form()

st.subheader("Runs on this machine")
run_list()
