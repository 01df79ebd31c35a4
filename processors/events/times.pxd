# What the compiler is told of times.py beside its source (docs/decisions/0040).

cimport cython

cpdef event_times(call, received_at, batch_sent_at)
cdef _corrected(own, sent, received_at)
cpdef parse_time(value)
@cython.locals(milliseconds=cython.longlong)
cdef _parse_text(value)
