"""What the pages share in Streamlit: frame, selection, caching, charts, forms, states."""

from geovq.threads import yield_while_waiting

yield_while_waiting()  # here, because whatever comes from this package first comes before torch
