"""Decoders with known geometry, one file each, to test against and to teach with."""

from collections.abc import Mapping
from types import MappingProxyType

from geovq.geometry.worlds.linear import LinearWorld, plane, scaled_plane
from geovq.geometry.worlds.sphere import SphereWorld
from geovq.geometry.worlds.swiss_roll import SwissRollWorld, unrolled
from geovq.geometry.worlds.valley import ValleyWorld
from geovq.geometry.worlds.world import World

_ALL = (plane(), scaled_plane(), SphereWorld(), SwissRollWorld(), ValleyWorld())
WORLDS: Mapping[str, World] = MappingProxyType({world.name: world for world in _ALL})

__all__ = [
    "WORLDS",
    "LinearWorld",
    "SphereWorld",
    "SwissRollWorld",
    "ValleyWorld",
    "World",
    "plane",
    "scaled_plane",
    "unrolled",
]
