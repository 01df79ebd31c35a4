# What the compiler is told of known.py beside its source (docs/decisions/0040).

cimport cython
cimport schemas.values.octets as octets
from schemas.identity.identifiers cimport node_id


cdef class KnownFacts:
    cdef object _state, _hash_key
    cdef dict _nodes
    cdef set _changed

    cpdef list news(self, facts)
    @cython.locals(links=dict)
    cpdef owner_at(self, node, time, stated)
    @cython.locals(links=dict)
    cpdef forget(self, node, until)
    @cython.locals(links=dict)
    cpdef save(self)
    cdef bint _is_news(self, fact) except -1
    @cython.locals(first=cython.bint, stamped=cython.bint, link=tuple)
    cdef bint _learn(self, dict links, fact) except -1
    @cython.locals(links=dict)
    cdef dict _links(self, node)


cdef bytes _key(unsigned long long node)
cdef bytes _encode(dict links)
cdef dict _decode(bytes value)
cdef _owner_at(dict links, time)
