"""What landmarks are coloured by: the class of their image, or their code under a tokenizer."""

import numpy as np
import streamlit as st

from geovq.app.shared.pickers import tokenizers_of
from geovq.app.shared.scene import Scene, landmark_codes
from geovq.app.shared.wording import GLOSSARY
from geovq.catalogue.tokenizers import END_TO_END
from geovq.runs import Run
from geovq.viz import map_colouring, tokenizer_style
from geovq.viz.field import Grouping

CLASS = "class"


def grouping_of(run: Run, scene: Scene, by: str | None) -> Grouping:
    """Landmarks by class or by the codes of a tokenizer; all alike where neither is there."""
    if by is None:
        return Grouping(np.zeros(scene.n_landmarks, dtype=np.int64), ["a landmark"], [0], in_legend=False)
    if by == CLASS and scene.classes is not None:
        names = [str(name) for name in scene.class_names]
        return Grouping(scene.classes, names, range(len(names)), in_legend=True)
    codebook = run.tokenizers[by].codebook.numpy()
    names = [f"code {code}" for code in range(len(codebook))]
    return Grouping(landmark_codes(run, by), names, map_colouring(codebook).tolist(), in_legend=False)


def colour_picker(run: Run, scene: Scene, key: str) -> str | None:
    """Choose what landmarks are coloured by; None where there is nothing to choose."""
    options = [CLASS] if scene.classes is not None else []
    options += [name for name in tokenizers_of(run) if name not in END_TO_END]
    if not options:
        return None
    return str(
        st.selectbox(
            "Colour landmarks by",
            options,
            format_func=lambda name: (
                "class of the image" if name == CLASS else f"token ({tokenizer_style(name).label})"
            ),
            key=key,
            bind="query-params",
            help=f"{GLOSSARY['landmark']} Tokens: codes that lie side by side differ in colour; colours repeat.",
            width=230,
        )
    )
