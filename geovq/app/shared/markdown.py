"""Text in the Markdown that Streamlit shows."""

import re


def as_text(message: str) -> str:
    """A message that Markdown shows as it stands, whatever paths and brackets it holds."""
    return re.sub(r"([\\`*_{}\[\]<>#$~:|])", r"\\\1", message)
