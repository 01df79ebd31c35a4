# What the compiler is told of semantics.py beside its source (docs/decisions/0040).

cimport cython
from processors.events.parsed cimport ParsedEvent


cpdef meaning_of(ParsedEvent event)
@cython.locals(properties=dict, said=list)
cdef _meaning(checks, ParsedEvent event)
@cython.locals(fine_types=dict, fine=frozenset)
cpdef examine(checks, dict values, str place, list said)
