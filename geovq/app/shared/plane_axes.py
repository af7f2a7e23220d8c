"""The plane of a run's latent space and its landmarks, in words and as figures take them."""

from geovq.app.shared.scene import Scene
from geovq.viz.field import FieldMap


def field_map(scene: Scene) -> FieldMap:
    """The measured field, as figures take it."""
    return FieldMap(scene.field.x, scene.field.y, scene.field.log10_magnification, scene.output_geometry)


def axis_titles(scene: Scene) -> tuple[str, str]:
    """Names of the two directions."""
    first, second = (
        f"direction {i} ({100 * share:.0f} % of variance)" for i, share in enumerate(scene.shares, start=1)
    )
    return first, second


def plane_words(scene: Scene) -> str:
    """Which plane this is, and how much of the variance it holds."""
    subspace, share = scene.geometry.sample.subspace, 100 * scene.shares.sum()
    held = f"{share:.1f} % of the latents' variance"
    if scene.is_exact:
        return f"the whole active subspace: 2 directions ({subspace.kind}), {held}"
    return f"the 2 strongest of {subspace.n_active} active directions ({subspace.kind}), {held}"


def described(scene: Scene, landmark: int) -> str:
    """Where a landmark comes from."""
    _, row, column = scene.places[landmark].tolist()
    class_words = "" if scene.classes is None else f" of “{scene.class_names[scene.classes[landmark]]}”"
    return f"landmark {landmark} (row {row}, column {column}{class_words})"
