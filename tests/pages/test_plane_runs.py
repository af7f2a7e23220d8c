"""Runs of two latent channels: views of joint search and of couplings have one direction less than they could draw."""

import pytest

from tests.pages.conftest import chart, open_page, text_of

PLANE = "shipped/mnist/plane"


@pytest.mark.parametrize(
    ("page", "alt"),
    [("tokens", "chosen together"), ("lattice", "Coupling of the cell"), ("compare", "Error against rate of")],
)
def test_a_shipped_plane_shows_the_view(page: str, alt: str) -> None:
    app = open_page(page, run=PLANE)
    assert not app.exception
    assert not app.error
    assert chart(app, alt)
    assert "run mnist/plane, seed 0" in text_of(app)
