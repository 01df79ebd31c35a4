# What the compiler is told of network.py beside its source (docs/decisions/0040).

cimport schemas.octets as octets

cpdef bint may_hold_address(packed) except -1
