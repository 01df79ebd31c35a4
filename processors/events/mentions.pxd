# What the compiler is told of mentions.py beside its source (docs/decisions/0040): what is read of an event many times is C's.

cimport cython
from processors.events.blocked cimport is_blocked
from processors.events.parsed cimport ParsedEvent
from schemas.identity.identifiers cimport node_id, node_key, text


@cython.final
@cython.no_gc
@cython.freelist(64)
cdef class Identifier:
    cdef readonly str kind, value
    cdef readonly bytes node


@cython.final
@cython.no_gc
@cython.freelist(16)
cdef class Mentions:
    cdef readonly bytes subject
    cdef readonly tuple stated, claimed, remarks


@cython.locals(stated=list, kept=tuple, first=Identifier)
cpdef mentions(ParsedEvent event, message_id, link_keys=*)
@cython.locals(found=Identifier, nodes=list)
cpdef list nodes_of(tuple identifiers, hash_key)
cdef bint _is_nameless(ParsedEvent event) except -1
@cython.locals(first=tuple, subject=Identifier)
cpdef gathered(tuple stated, tuple claimed, bytes alone, tuple remarks=*)
@cython.locals(found=list, context=dict)
cdef list _stated(ParsedEvent event)
cdef list _email(traits)
@cython.locals(usable=list, nodes=dict, found=Identifier, second=Identifier)
cdef tuple _identifiers(workspace, list pairs)
cdef Identifier _identifier(workspace, str kind, str value)
