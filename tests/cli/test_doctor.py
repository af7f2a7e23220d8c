"""`geovq doctor`, on this machine."""

import pytest
import torch


@pytest.mark.slow
def test_doctor_says_one_line_each_and_counts_them(root, geovq):
    code, out, _ = geovq("doctor")
    *lines, last = out.splitlines()
    assert code == 0
    assert {line.split()[0] for line in lines} <= {"ok", "warning"}
    assert {line[9:23].strip() for line in lines} >= {"geovq", "libraries", "device", "outputs", "disk", "data", "port"}
    assert last.startswith("no problems, ")


@pytest.mark.skipif(torch.cuda.is_available(), reason="needs a machine without a GPU")
@pytest.mark.slow
def test_doctor_ends_with_1_and_a_sentence_where_there_is_no_such_device(root, geovq):
    code, out, _ = geovq("doctor", "--device", "cuda")
    assert code == 1
    assert "device 'cuda' was asked for, but no CUDA device is visible here" in out
    assert out.splitlines()[-1].startswith("1 problem, ")
