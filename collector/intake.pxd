# What the compiler is told of intake.py beside its source (docs/decisions/0040): what events of a request share is a class of C.

cimport cython
from collector.body cimport is_utf8, unpacked, with_whole_characters
from collector.connection cimport for_event
from collector.exchange cimport Intake, Request
from schemas.identity.identifiers cimport text
from collector.guard cimport guard_of
from collector.routing cimport plain_routing_id
from collector.sender cimport read, sender_of


@cython.final
@cython.no_gc
@cython.freelist(16)
cdef class Arrival:
    cdef readonly object source, received, ids, limits, connection
    cdef readonly long long received_at
    cdef readonly str kind, anonymous_id, sent_at
    cdef readonly bint from_browser
    cdef readonly bytes context


@cython.locals(arrival=Arrival)
cdef _take_in(Request request, long long now, ids, sources, limits)
cdef _accept(body, Arrival arrival)
cdef _accept_one(bytes body, Arrival arrival)
@cython.locals(kind=str)
cpdef read_event(bytes payload, Arrival arrival)
@cython.locals(message_id=str, own=bytes, shared=bytes, context=bytes)
cdef _packed(bytes payload, call, str kind, Arrival arrival)
