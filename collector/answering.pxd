# What the compiler is told of answering.py beside its source (docs/decisions/0040).

cimport cython
from collector.http.head cimport Head
from collector.http.incoming cimport Incoming, Line
from collector.meter cimport Meter


cdef class Answering:
    cdef public long begun
    cdef long _done
    cdef readonly Meter meter
    cdef object _idle, _told
    cdef list _beside
    cdef long _status
    cdef bytes _head, _body
    cdef bint _closes

    @cython.locals(head=Head)
    cpdef answer(self, Incoming incoming, reply, headers)
    cpdef give(self, Incoming incoming, str label, reply, headers)
    cpdef failed(self, Incoming incoming, error)
    cdef _put_together(self, reply, headers)
    cdef _ended(self)


cpdef farewell(Head head)
