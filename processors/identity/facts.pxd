# What the compiler is told of facts.py beside its source (docs/decisions/0040).

cimport cython
from processors.events.blocked cimport is_blocked
from processors.events.mentions cimport Identifier, Mentions
from processors.events.parsed cimport ParsedEvent
from schemas.identity.identifiers cimport node_key, text

cpdef list facts_of(ParsedEvent event, Mentions about)
@cython.locals(found=list)
cpdef list facts_on(occasion, Mentions about)
cpdef bint is_logout_event(str name) except -1
@cython.locals(found=list, identifier=Identifier)
cdef list _from_stated(event, Mentions about)
