# What the compiler is told of times.py beside its source (docs/decisions/0040).

cimport cython
from schemas.events.call cimport Call


@cython.final
@cython.no_gc
@cython.freelist(16)
cdef class EventTimes:
    cdef readonly long long happened, original, sent


cpdef EventTimes event_times(Call call, received_at, batch_sent_at)
cdef _corrected(own, sent, received_at)
cpdef parse_time(value)
@cython.locals(milliseconds=cython.longlong)
cdef _parse_text(value)
