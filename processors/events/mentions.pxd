# What the compiler is told of mentions.py beside its source (docs/decisions/0040).

cimport cython
from processors.events.blocked cimport is_blocked
from schemas.identifiers cimport node_key, text

@cython.locals(stated=list, kept=tuple)
cpdef mentions(event, message_id, link_keys=*)
cdef bint _is_nameless(event) except -1
cpdef gathered(tuple stated, tuple claimed, bytes alone, tuple remarks=*)
@cython.locals(found=list)
cdef list _stated(event)
cdef list _email(traits)
@cython.locals(usable=list, nodes=dict)
cdef tuple _identifiers(workspace, list pairs)
cdef _identifier(workspace, kind, str value)
