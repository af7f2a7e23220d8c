import numpy as np
import pytest
import torch

import geovq
from geovq.errors import ConfigError, InvalidValueError
from geovq.geometry.metric.colouring import colour_cells
from geovq.geometry.metric.linearisation import LinearisationPlan
from geovq.tokenization import NearestCodeTokenizer
from geovq.tokenization.search import refine_codebook, search_jointly
from geovq.tokenization.search.refining import TokenImages, damped_step, normal_equations
from tests.tokenization.search.worlds import blurring_decoder, lattices_of_cells, linear_overlaps, tokenizer_of


def tokens_of_images(decoder, n_codes: int = 4) -> TokenImages:
    """Random tokens for six images of 4 x 3 cells."""
    lattices = lattices_of_cells(6, 4, 3)
    plan = LinearisationPlan(colour_cells(decoder, lattices[0]), torch.eye(3).double())
    tokens = torch.randint(n_codes, (6, 4, 3), generator=torch.Generator().manual_seed(4))
    with torch.no_grad():
        return TokenImages(decoder, plan, tokens, decoder(lattices))


def test_a_linear_decoder_has_the_normal_equations_of_its_error():
    decoder, codebook = linear_overlaps(), tokenizer_of(4).codebook.double()
    part = tokens_of_images(decoder)

    def error(codes):
        decoded = decoder(codes[part.tokens].permute(0, 3, 1, 2))
        return (part.images - decoded).square().sum()

    with torch.no_grad():
        matrix, right = normal_equations(codebook, part)
    hessian = torch.autograd.functional.hessian(error, codebook).reshape(12, 12)
    gradient = torch.autograd.functional.jacobian(error, codebook)
    np.testing.assert_allclose(matrix, hessian / 2, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(right, -gradient / 2, rtol=1e-9, atol=1e-12)


def test_an_undamped_step_of_a_linear_decoder_leaves_nothing_to_gain():
    decoder, codebook = linear_overlaps(), tokenizer_of(4).codebook.double()
    part = tokens_of_images(decoder)
    with torch.no_grad():
        best = codebook + damped_step(*normal_equations(codebook, part), 0.0)
        _, right = normal_equations(best, part)
        assert part.error(best) < 0.9 * part.error(codebook)
    np.testing.assert_allclose(right, 0, atol=1e-9)


@pytest.mark.parametrize("damping", [0.0, 0.1, 1.0, 100.0])
def test_no_step_raises_the_linearised_error_and_codes_without_cells_stay(damping):
    part, codebook = tokens_of_images(blurring_decoder(), n_codes=4), tokenizer_of(6).codebook.double()
    with torch.no_grad():
        matrix, right = normal_equations(codebook, part)
        step = damped_step(matrix, right, damping)
    change = step.flatten() @ matrix @ step.flatten() - 2 * (step * right).sum()
    assert change < 0
    assert not step[4:].any()


def test_refined_codes_are_searched_with_less_error_at_the_same_price():
    decoder, tokenizer, lattices = blurring_decoder(), tokenizer_of(8), lattices_of_cells(40, 4, 4)
    with torch.no_grad():
        images = decoder(lattices)
    refined = refine_codebook(decoder, tokenizer, lattices, images, 2, bit_price=0.001)
    assert refined.n_steps > 0
    assert max(refined.held_out_errors) <= 1
    assert "round by round" in refined.sentence()

    def objective(by):
        found = search_jointly(decoder, by, lattices, images, bit_price=0.001)
        return float((found.error_after * 16 * 16 + 0.001 * found.bits_after).mean())

    assert objective(refined.tokenizer) < 0.95 * objective(tokenizer)


def test_codes_that_are_best_already_stay():
    """Lattices are codes, so that they are decoded without error."""
    decoder, tokenizer = blurring_decoder(), tokenizer_of(5)
    tokens = torch.randint(5, (10, 4, 4), generator=torch.Generator().manual_seed(0))
    lattices = tokenizer.decode(tokens).double()
    with torch.no_grad():
        images = decoder(lattices)
    refined = refine_codebook(decoder, tokenizer, lattices, images, 3, bit_price=0.0)
    assert refined.n_steps == 0
    assert torch.equal(refined.tokenizer.codebook, tokenizer.codebook)
    assert "would not have lowered" in refined.sentence()


def test_a_tokenizer_is_refined_where_its_settings_say_so():
    decoder, lattices = blurring_decoder().float(), lattices_of_cells(40, 4, 4).float()
    settings = {"method": "kmeans", "n_codes": 8, "n_landmarks": 100, "n_images": 40}
    plain, refined = (
        geovq.discretize(decoder, lattices, geovq.DiscretizationConfig(**settings, refine_rounds=n)) for n in (0, 1)
    )
    errors = [search_jointly(decoder, by, lattices, bit_price=0.006).error_after.mean() for by in (plain, refined)]
    assert errors[1] < errors[0]


def test_codes_that_cannot_move_are_refused():
    decoder, lattices = blurring_decoder(), lattices_of_cells(10, 4, 4)
    of_network = NearestCodeTokenizer("vqvae", tokenizer_of(4).codebook)
    with torch.no_grad():
        images = decoder(lattices)
    with pytest.raises(InvalidValueError, match=r"codes of vqvae cannot move.*Those of kmeans, weighted, ecvq can"):
        refine_codebook(decoder, of_network, lattices, images, 1)
    with pytest.raises(InvalidValueError, match="on at least 5 images; got 4 codes"):
        refine_codebook(decoder, tokenizer_of(4), lattices[:4], images[:4], 1)
    with pytest.raises(ConfigError, match="refine_rounds must be 0 for riemannian"):
        geovq.DiscretizationConfig(method="riemannian", refine_rounds=1)
