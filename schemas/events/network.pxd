# What the compiler is told of network.py beside its source (docs/decisions/0040).

cimport schemas.values.octets as octets
from schemas.events.pack cimport PackedEvent

cpdef bint may_hold_address(PackedEvent packed) except -1
