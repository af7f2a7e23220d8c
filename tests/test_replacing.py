import os
import stat
import threading
from pathlib import Path

import pytest
import torch

from geovq.artifacts import file_digest, read_json, write_bytes_atomic, write_json, write_safetensors
from geovq.errors import ArtifactError
from geovq.replacing import replacing

WRITERS = {
    "bytes": lambda path: write_bytes_atomic(path, b"content"),
    "json": lambda path: write_json(path, {"a": 1}),
    "tensors": lambda path: write_safetensors(path, {"a": torch.ones(2)}, kind="model", format=1),
}


@pytest.mark.parametrize("write", WRITERS.values(), ids=WRITERS)
def test_files_of_every_kind_get_the_mode_that_the_umask_says(tmp_path, write):
    before = os.umask(0o027)
    try:
        write(tmp_path / "file")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == 0o640


@pytest.mark.parametrize("write", WRITERS.values(), ids=WRITERS)
def test_a_link_stays_and_the_file_behind_it_is_replaced(tmp_path, write):
    (tmp_path / "below").mkdir()
    target, link = tmp_path / "below" / "target", tmp_path / "link"
    target.write_bytes(b"old")
    link.symlink_to(target)
    write(link)
    write(tmp_path / "plain")
    assert link.is_symlink()
    assert not target.is_symlink()
    assert file_digest(target) == file_digest(tmp_path / "plain")
    assert list(target.parent.iterdir()) == [target]


def test_a_link_to_a_file_that_is_not_there_yet_makes_it(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "later")
    write_bytes_atomic(tmp_path / "link", b"content")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "later").read_bytes() == b"content"


def test_a_link_to_itself_is_refused_and_stays(tmp_path):
    link = tmp_path / "link"
    link.symlink_to(link)
    with pytest.raises(ArtifactError, match="link cannot be written"):
        write_bytes_atomic(link, b"content")
    assert link.is_symlink()


@pytest.mark.parametrize("write", WRITERS.values(), ids=WRITERS)
def test_a_pipe_stays_and_its_reader_gets_the_content(tmp_path, write):
    pipe, received = tmp_path / "pipe", []
    os.mkfifo(pipe)
    there = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)  # so that the writer finds a reader, whoever comes first
    os.set_blocking(there, True)
    write(tmp_path / "plain")
    reader = threading.Thread(target=lambda: received.append(_read_all(there)))
    write(pipe)
    reader.start()
    reader.join()
    assert received == [(tmp_path / "plain").read_bytes()]
    assert stat.S_ISFIFO(pipe.stat().st_mode)


def test_a_pipe_that_nobody_reads_is_refused_at_once(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ArtifactError, match="pipe is a pipe that nobody reads; start its reader first"):
        write_bytes_atomic(tmp_path / "pipe", b"content")


@pytest.mark.parametrize("write", WRITERS.values(), ids=WRITERS)
def test_a_character_device_is_written_to_and_stays(write):
    write(Path(os.devnull))
    assert stat.S_ISCHR(Path(os.devnull).stat().st_mode)


@pytest.mark.parametrize("name", ["", ".", "..", "/"])
def test_a_folder_or_no_name_is_refused(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ArtifactError, match="is a folder; name a file in it"):
        write_bytes_atomic(name, b"content")


def test_a_socket_is_refused_and_stays(tmp_path):
    import socket

    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "socket"))
        with pytest.raises(ArtifactError, match="is neither a file nor a pipe"):
            write_bytes_atomic(tmp_path / "socket", b"content")
        assert (tmp_path / "socket").is_socket()


def test_what_failed_leaves_nothing_behind(tmp_path):
    def write_half() -> None:
        with replacing(tmp_path / "file") as beside:
            beside.write_bytes(b"half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        write_half()
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_may_not_be_read_is_not_said_to_be_damaged(tmp_path, monkeypatch):
    write_json(tmp_path / "file", 1)

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    for name in ("read_bytes", "open"):
        monkeypatch.setattr(Path, name, refuse)
    for read in (read_json, file_digest):
        with pytest.raises(ArtifactError, match=r"cannot be read \(Permission denied\); make it .* readable") as caught:
            read(tmp_path / "file")
        assert "delete" not in str(caught.value)
    monkeypatch.setattr(Path, "is_file", refuse)  # a folder that may not be entered
    with pytest.raises(ArtifactError, match=r"cannot be read \(Permission denied\)"):
        read_json(tmp_path / "file")


def _read_all(descriptor: int) -> bytes:
    with open(descriptor, "rb") as file:
        return file.read()
