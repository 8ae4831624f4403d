"""Whether a bundle fits: what opening and running it will take, and what there is to take."""

from ondol.fitting.choosing import Fitted, Fitting, allowed_memory, fit, fitted_by, no_limit
from ondol.fitting.footprint import Footprint, cache_row, footprint
from ondol.fitting.room import Room, rooms
from ondol.fitting.sizes import size

__all__ = [
    "Fitted",
    "Fitting",
    "Footprint",
    "Room",
    "allowed_memory",
    "cache_row",
    "fit",
    "fitted_by",
    "footprint",
    "no_limit",
    "rooms",
    "size",
]
