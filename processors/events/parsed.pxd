# What the compiler is told of parsed.py beside its source (docs/decisions/0040): what is read of an event many times is C's.

cimport cython
from processors.events.addresses cimport may_name_people
from processors.events.times cimport EventTimes, event_times
from schemas.events.call cimport Call
from schemas.events.pack cimport PackedEvent


@cython.final
@cython.no_gc
@cython.freelist(16)
cdef class ParsedEvent:
    cdef readonly PackedEvent packed
    cdef readonly Call call
    cdef readonly EventTimes times
    cdef readonly object context_text
    cdef readonly long long received_at
    cdef readonly dict context, traits, properties, integrations
    cdef readonly str address, said_address
    cdef readonly bint is_bots


cpdef parse(PackedEvent packed)
cdef bint _context_may(ParsedEvent event) except -1
@cython.locals(call=Call)
cdef _read(PackedEvent packed)
cpdef dict object_of(value)
cdef tuple _context(own, Call call, bytes shared)
