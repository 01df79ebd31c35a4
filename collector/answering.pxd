# What the compiler is told of answering.py beside its source (docs/decisions/0040).

cimport cython
from collector.meter cimport Meter
from collector.reading cimport Head


@cython.final
@cython.no_gc
@cython.freelist(256)
cdef class Call:
    cdef readonly object watcher, proto, route
    cdef readonly Head head
    cdef readonly double started_s


cdef class Answering:
    cdef public long begun
    cdef long _done
    cdef readonly Meter meter
    cdef object _idle, _told
    cdef list _beside, _headers
    cdef long _status
    cdef bytes _body

    @cython.locals(head=Head)
    cpdef answer(self, Call call, reply, headers)
    cpdef give(self, proto, str label, double started_s, reply, headers)
    cpdef failed(self, proto, error, label=*)
    cdef _ended(self)


cpdef farewell(Head head)
