# What the compiler is told of enrichment.py beside its source (docs/decisions/0040).

cimport cython
from processors.events.parsed cimport ParsedEvent


cdef class Enrichment:
    cdef object _context, _networks, _channels, _visits

    @cython.locals(context=dict)
    cpdef stamps(self, ParsedEvent event, about, visitor, meaning)
    cpdef obey(self, orders)
    cpdef save(self)
