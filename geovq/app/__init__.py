"""What the pages share in Streamlit: frame, selection, caching, charts, forms, states."""
