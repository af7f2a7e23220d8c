"""The machine: versions of what geovq runs on, devices, memory, the port of the app and a browser to see it in."""

import platform
import sys
import webbrowser
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from typing import TYPE_CHECKING

from geovq.bundle import whereabouts
from geovq.doctor.finding import Finding, ok, problem, warning
from geovq.errors import ServingError
from geovq.serving import ADDRESS, APP_PACKAGES, has_display, require_free

if TYPE_CHECKING:
    from geovq.jobs.devices import Device

_PYTHONS = ((3, 11), (3, 13))  # oldest and newest that are tested
_LIBRARIES = ("torch", "torchvision", "numpy", "scipy", "scikit-learn", "numba", "pydantic", "safetensors")
_LITTLE_MEMORY = 2 * 2**30  # bytes; the presets need less than this, the library itself 0.5
_GIB = 2**30


def version_findings() -> Iterator[Finding]:
    """What geovq runs on; nothing that is missing is imported."""
    yield ok("geovq", whereabouts())
    yield python_finding(sys.version_info[:2])
    yield library_finding(_LIBRARIES)
    yield app_finding()


def machine_findings(port: int) -> Iterator[Finding]:
    """Devices, and what the app needs."""
    from geovq.jobs.devices import asked_driver, list_devices  # imports PyTorch, which may be what is missing

    yield from device_findings(list_devices(), asked_driver())
    yield port_finding(port)
    yield browser_finding(port)


def python_finding(found: tuple[int, ...]) -> Finding:
    """Whether this Python is one that is tested."""
    said = f"Python {platform.python_version()} on {platform.system()} {platform.machine()}."
    if found < _PYTHONS[0]:
        return problem("python", said, "Use Python 3.11, 3.12 or 3.13.")
    if found > _PYTHONS[1]:
        return warning("python", said, "Nothing is tested beyond 3.13; use that if something breaks.")
    return ok("python", said)


def library_finding(names: tuple[str, ...]) -> Finding:
    """Whether the packages that every command needs are installed, and which versions of them."""
    versions = {name: _version(name) for name in names}
    missing = [name for name, found in versions.items() if found is None]
    if missing:
        return problem("libraries", f"{', '.join(missing)} cannot be found.", "Install them with `pip install geovq`.")
    return ok("libraries", ", ".join(f"{name} {found}" for name, found in versions.items()) + ".")


def app_finding() -> Finding:
    """Whether the packages of the app are installed."""
    missing = [name for name in APP_PACKAGES if find_spec(name) is None]
    if missing:
        remedy = 'Install what belongs to the app with `pip install "geovq[app]"`; all other commands work without.'
        return warning("app", f"{', '.join(missing)} cannot be found, so there is no app.", remedy)
    return ok("app", ", ".join(f"{name} {_version(name)}" for name in APP_PACKAGES) + ".")


def device_findings(devices: "list[Device]", driver: str) -> Iterator[Finding]:
    """What can be computed on, and how much memory is free there; `driver`: what the GPU driver's tool answers."""
    for device in devices:
        title = device.title if device.title == device.name else f"{device.name}, {device.title}"
        if device.memory is None:
            yield ok("device", f"{title}.")
            continue
        said = f"{title}: {device.memory.free / _GIB:.1f} of {device.memory.total / _GIB:.1f} GiB of memory are free."
        if device.memory.free < _LITTLE_MEMORY:
            yield warning("device", said, "End what else uses that memory, or lower batch_size.")
        else:
            yield ok("device", said)
    if driver.strip() and not any(device.name.startswith("cuda") for device in devices):
        remedy = "Install a PyTorch that was built for CUDA, and a driver that is not older than it needs."
        yield warning("device", "There is an NVIDIA GPU, which this PyTorch cannot use.", remedy)


def port_finding(port: int) -> Finding:
    """Whether the app could listen on its port."""
    try:
        require_free(port)
    except ServingError as error:
        return warning("port", str(error), "")
    return ok("port", f"{ADDRESS}:{port} is free for the app.")


def browser_finding(port: int) -> Finding:
    """Whether `geovq app` can open a browser."""
    tunnel = f"ssh -L {port}:{ADDRESS}:{port}"
    remedy = f"Start `geovq app --no-browser` and open http://{ADDRESS}:{port}, from elsewhere through `{tunnel}`."
    if not has_display():
        return warning("browser", "There is no display here.", remedy)
    try:
        name = getattr(webbrowser.get(), "name", "A browser")
    except webbrowser.Error:
        return warning("browser", "No browser is found.", remedy)
    return ok("browser", f"{name} is opened by `geovq app`.")


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
