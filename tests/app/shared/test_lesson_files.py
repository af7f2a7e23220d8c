"""Lesson files, the numbers in their texts, and the truth of the shipped ones."""

import json
import re
from pathlib import Path

import pytest

from geovq.app.lessons.joint_numbers import JOINT_SOURCES, joint_numbers
from geovq.app.lessons.numbers import filled, measured_numbers, sources
from geovq.app.shared.lesson_files import LESSON_FOLDER, BrokenLesson, Lesson, read_lessons
from geovq.runs import open_run
from geovq.runs.layout import SHIPPED_ROOT

SHIPPED = read_lessons(LESSON_FOLDER)
DEMO = {
    file.stem: json.loads(file.read_text(encoding="utf-8"))
    for file in (SHIPPED_ROOT / "demo" / "evaluation").glob("*.json")
}
FOLDERS = sorted(file.parent for file in SHIPPED_ROOT.glob("*/config.yaml"))
MOST_WORDS = 120


def copy_with(folder: Path, name: str, old: str = "", new: str = "") -> None:
    text = (LESSON_FOLDER / "01-not-flat.md").read_text(encoding="utf-8")
    assert old in text
    (folder / name).write_text(text.replace(old, new), encoding="utf-8")


def error_of(lesson: object) -> str:
    assert isinstance(lesson, BrokenLesson)
    return str(lesson.error)


def test_there_are_lessons_and_every_one_can_be_shown() -> None:
    assert len(SHIPPED) >= 6
    broken = [str(lesson.error) for lesson in SHIPPED.values() if isinstance(lesson, BrokenLesson)]
    assert broken == []


@pytest.mark.parametrize("lesson", SHIPPED.values(), ids=list(SHIPPED))
def test_both_texts_are_short_and_the_end_says_what_to_try(lesson: Lesson) -> None:
    assert len(lesson.text.split()) <= MOST_WORDS
    assert len(lesson.explanation.split()) <= MOST_WORDS
    assert lesson.explanation.split("\n\n")[-1].startswith("Try next: ")


@pytest.mark.parametrize("lesson", SHIPPED.values(), ids=list(SHIPPED))
def test_every_number_that_a_lesson_states_was_measured_in_the_shipped_run(lesson: Lesson) -> None:
    name = lesson.head.link_query.get("run", "shipped/mnist-sample/demo").removeprefix("shipped/")
    (run,) = [run for run in map(open_run, FOLDERS) if run.id == name]
    texts = lesson.text + lesson.explanation
    numbers = measured_numbers(run.measurements)
    if sources(texts) & JOINT_SOURCES:
        numbers |= joint_numbers(run, lesson.head.link_query, lesson.file)
    assert not re.search(r"\{[a-z-]+\.", filled(texts, numbers, lesson.file))


def test_what_the_lessons_say_of_rate_and_distortion_holds() -> None:
    measured = open_run(SHIPPED_ROOT / "mnist").measurements
    kmeans, riemannian, vqvae = (measured[name] for name in ("kmeans", "riemannian", "vqvae"))
    assert kmeans["n_used"] == riemannian["n_used"] == 256
    assert vqvae["mse"] < riemannian["mse"]
    assert vqvae["entropy_bits"] > riemannian["entropy_bits"]
    assert riemannian["entropy_bits"] < kmeans["entropy_bits"]
    difference = kmeans["distortion"] - riemannian["distortion"]
    assert difference > 3 * (kmeans["distortion_standard_error"] + riemannian["distortion_standard_error"])


def test_what_the_lessons_say_of_channels_and_of_the_prior_holds() -> None:
    channels = DEMO["vae"]["kl_nats_per_channel"]
    assert len(channels) == 8
    assert [i for i, nats in enumerate(channels) if nats >= 1] == [1, 5]
    assert DEMO["riemannian"]["prior_bits_per_image"] < 49 * DEMO["riemannian"]["entropy_bits"] < 49 * 6


def test_a_bad_file_spoils_only_its_own_lesson(tmp_path: Path) -> None:
    copy_with(tmp_path, "01-good.md")
    copy_with(tmp_path, "02-bad.md", "page: geometry", "page: geografy")
    copy_with(tmp_path, "03-also-good.md")
    lessons = read_lessons(tmp_path)
    assert list(lessons) == ["good", "02-bad", "also-good"]
    message = error_of(lessons["02-bad"])
    assert message.startswith("02-bad.md: page must be one of codebook, compare, geometry, ")
    assert message.endswith("got 'geografy'.")


def test_names_must_have_a_number_and_be_different(tmp_path: Path) -> None:
    copy_with(tmp_path, "01-one.md")
    copy_with(tmp_path, "02-one.md")
    copy_with(tmp_path, "three.md")
    copy_with(tmp_path, "README.md")
    lessons = read_lessons(tmp_path)
    assert list(lessons) == ["one", "02-one", "three"]
    assert "the name one is taken by 01-one.md; rename" in error_of(lessons["02-one"])
    assert "three.md must be named by a number" in error_of(lessons["three"])


def test_a_text_without_a_reveal_says_what_to_add(tmp_path: Path) -> None:
    copy_with(tmp_path, "01-one.md", "---reveal---", "--- reveal ---")
    assert "01-one.md must hold a text, a line `---reveal---`" in error_of(read_lessons(tmp_path)["01-one"])
