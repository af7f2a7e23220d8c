import streamlit as st

from geovq.app.compare import data as compare_data
from geovq.app.compare.codes import codes_section
from geovq.app.compare.controls import comparable_runs, measure_picker, names_of, sides
from geovq.app.compare.export import Comparison, export_section
from geovq.app.compare.pictures import pictures_section
from geovq.app.compare.plane import measured_section
from geovq.app.compare.rival import against_rival
from geovq.app.compare.study import study_section
from geovq.app.compare.verdict import interval_words, verdict
from geovq.app.shared.frame import require_frame
from geovq.app.shared.markdown import as_text
from geovq.app.shared.pickers import require_tokenizers
from geovq.app.shared.selection import provenance, selected_run

require_frame()
run = selected_run()
names = require_tokenizers(run)
runs = comparable_runs(run)
a, b = sides(run, names, runs)
measure = measure_picker()

same = (a.run.path, a.tokenizer, a.decoder) == (b.run.path, b.tokenizer, b.decoder)
if same:
    st.info("A and B are the same. Choose two different tokenizers, decoders or runs.", icon=":material/touch_app:")
else:
    difference = compare_data.difference(a, b, measure)
    error_b = float(compare_data.errors(b, measure).mean())
    sentence = verdict(
        difference, error_b, compare_data.rate_bits(a), compare_data.rate_bits(b), measure, names_of(a, b)
    )
    st.markdown(f"#### {as_text(sentence)}")
    st.caption(provenance(run, as_text(interval_words(difference))))
    rival = against_rival(a, b, measure)
    if rival:
        st.markdown(as_text(f"{rival}."))

measured_section(a, b, measure, runs.values())
study_section(a, b)
if not same:
    st.subheader("The same images through both")
    pictures_section(a, b, measure)
    st.subheader("The codes of both")
    codes_section(a, b)
    export_section(Comparison(a, b, measure, sentence, rival))
