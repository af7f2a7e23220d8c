"""The Streamlit app: one package per page, and in `shared` what several pages use."""

from geovq.threads import yield_while_waiting

yield_while_waiting()  # here, because whatever comes from this package first comes before torch
