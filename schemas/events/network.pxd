# What the compiler is told of network.py beside its source (docs/decisions/0040).

cimport schemas.values.octets as octets

cpdef bint may_hold_address(packed) except -1
