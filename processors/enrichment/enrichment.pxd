# What the compiler is told of enrichment.py beside its source (docs/decisions/0040).

cimport cython
from processors.enrichment.context cimport surroundings
from processors.enrichment.visits cimport Visits
from processors.events.mentions cimport Mentions
from processors.events.parsed cimport ParsedEvent
from schemas.wire.stamps cimport Meaning


cdef class Enrichment:
    cdef object _context, _networks, _channels
    cdef Visits _visits

    @cython.locals(context=dict)
    cpdef stamps(self, ParsedEvent event, Mentions about, visitor, Meaning meaning)
    cpdef obey(self, orders)
    cpdef save(self)
