"""Which decoder paints the tokens: the autoencoder's own, or the copy of it that was refitted to the codes."""

from typing import Literal

import numpy as np
import streamlit as st
import torch
from jaxtyping import Float, Int

from geovq.runs import Run
from geovq.runs.stages.workspace import Decoder
from geovq.viz.arrays import Array

DecoderName = Literal["own", "refit"]

_HELP = (
    "The decoder of a VAE has never seen lattices made of codes, and that of a VQ-VAE none whose codes were chosen "
    "together. A refitted copy was trained on for a while to paint the original images from them; encoder, codes and "
    "tokens stayed as they were."
)


def decoder_picker(run: Run, tokenizer: str, key: str) -> DecoderName:
    """Choose between the two decoders of a tokenizer; where there is only one, nothing is asked."""
    if tokenizer not in run.decoders:
        return "own"
    refitted = st.toggle(
        "Refitted decoder", key=key, bind="query-params", persist_state="session", help=_HELP, width="content"
    )
    return "refit" if refitted else "own"


def decoder_of(run: Run, tokenizer: str, decoder: DecoderName) -> Decoder:
    """The model that decodes lattices of a tokenizer."""
    return run.decoders[tokenizer] if decoder == "refit" else run.autoencoder(tokenizer)


@torch.no_grad()
def decoded_tokens(
    run: Run, tokenizer: str, decoder: DecoderName, tokens: Int[Array, "n h w"]
) -> Float[Array, "n height width"]:
    """Images of tokens, intensities in [0, 1]."""
    lattices = run.tokenizers[tokenizer].decode(torch.from_numpy(np.array(tokens)))
    return decoder_of(run, tokenizer, decoder).decode(lattices)[:, 0].numpy()


def decoder_words(decoder: DecoderName) -> str:
    """The end of a name, for captions and rows: empty for the autoencoder's own decoder."""
    return ", refitted decoder" if decoder == "refit" else ""
