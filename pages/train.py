import streamlit as st

from geovq.app.shared.frame import require_frame
from geovq.app.train.form import train_form
from geovq.app.train.run_list import run_list
from geovq.app.train.watching import watching
from geovq.classroom import is_classroom

require_frame()
watching()

if not is_classroom():
    st.subheader("A new run")
    train_form()

st.subheader("Runs on this machine")
run_list()
