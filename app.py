import streamlit as st

from geovq.app.shared.frame import configure_page, inside_frame, navigation
from geovq.app.shared.states import friendly_errors

configure_page()
page = navigation()
with inside_frame(), friendly_errors():
    from geovq.app.shared.sidebar import (
        sidebar,  # loads the library, which takes seconds: after menu and headline are drawn
    )

    with st.sidebar:
        sidebar()
    page.run()
