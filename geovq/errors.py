"""Every error geovq raises on purpose.

`GeovqError` is what the app and the command line catch. Each class is also the builtin that a library user expects,
so `except ValueError` works as it would around scikit-learn. Messages say where, what was got, what is allowed and
what to do about it, in one sentence that can be shown to a person as it stands.
"""


class GeovqError(Exception):
    """Base of all errors that have a message for a person."""


class ConfigError(GeovqError, ValueError):
    """An experiment's settings are unreadable, unknown, of the wrong type or out of range."""


class ShapeError(GeovqError, ValueError):
    """An array's shape does not fit the others or the model."""


class InvalidValueError(GeovqError, ValueError):
    """An argument is outside what the method is defined for."""


class NonFiniteError(GeovqError, ValueError):
    """NaN or infinity where a number is needed."""


class DisconnectedGraphError(GeovqError, ValueError):
    """Geodesic distances were asked for between nodes that no path joins."""


class DataError(GeovqError, OSError):
    """A data file is missing, truncated or not what it should be."""


class ArtifactError(GeovqError, OSError):
    """A file of a run is missing, damaged, of another format, or cannot be written."""


class DivergedError(GeovqError, ArithmeticError):
    """Training produced a loss that is not finite."""


class DeviceError(GeovqError, RuntimeError):
    """The requested device does not exist or has no memory left."""


class JobError(GeovqError, RuntimeError):
    """A job cannot be started, queued or cancelled as asked."""


class ServingError(GeovqError, RuntimeError):
    """The app cannot be served as asked."""


class Cancelled(GeovqError):  # noqa: N818  (not an error: an outcome that somebody asked for)
    """Work stopped because somebody asked for it. Not a failure: what was done so far is kept."""
