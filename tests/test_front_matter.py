"""Heads of Markdown files: values and text come apart, and one sentence for each file without a head."""

from pathlib import Path

import pytest

from geovq.config.front_matter import read_front_matter
from geovq.errors import ConfigError


def written(folder: Path, content: bytes) -> Path:
    file = folder / "08-mine.md"
    file.write_bytes(content)
    return file


def test_head_and_text_come_apart(tmp_path: Path) -> None:
    file = written(tmp_path, b"---\ntitle: A title\nminutes: 2\n---\nbefore\n---\nafter\n")
    assert read_front_matter(file) == ({"title": "A title", "minutes": 2}, "before\n---\nafter")


def test_a_byte_order_mark_and_windows_lines_change_nothing(tmp_path: Path) -> None:
    content = b"---\ntitle: A title\n---\nbefore\nafter\n"
    plain = read_front_matter(written(tmp_path, content))
    assert read_front_matter(written(tmp_path, b"\xef\xbb\xbf" + content.replace(b"\n", b"\r\n"))) == plain


@pytest.mark.parametrize("content", [b"", b"only text\n", b"---\ntitle: never closed\n"])
def test_a_file_without_a_head_says_how_one_looks(content: bytes, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"08-mine\.md must begin with a line `---`"):
        read_front_matter(written(tmp_path, content))


def test_a_list_is_no_head(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="must hold `key: value` lines"):
        read_front_matter(written(tmp_path, b"---\n- a\n- b\n---\ntext\n"))


def test_a_file_that_is_no_text_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"08-mine\.md cannot be read"):
        read_front_matter(written(tmp_path, b"\xff\xfe\x00---"))
