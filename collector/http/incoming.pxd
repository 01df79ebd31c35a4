# What the compiler is told of incoming.py beside its source (docs/decisions/0040).

cimport cython
from collector.http.head cimport Head
from collector.http.parsing cimport Taker


cdef class Line(Taker):
    cpdef answer(self, Incoming incoming, bytes head, bytes body, bint closes)


@cython.final
@cython.freelist(256)
cdef class Incoming:
    cdef readonly Line line
    cdef public Head head
    cdef public object route, refusal
    cdef public double started_s
    cdef public long long body_bytes_max, body_bytes
    cdef bytes _body
    cdef bytearray _joined
    cdef public bint keeps, says_keeps, is_begun, is_whole, is_answered, is_bodiless

    cdef _make(self, Line line, Head head, bint keeps, bint says_keeps)
    cpdef add(self, bytes piece)
    cpdef bytes take_body(self)


cdef class Desk:
    cpdef long long begin(self, Incoming incoming) except? -2
    cpdef whole(self, Incoming incoming, bytes body)
    cpdef unread(self, Incoming incoming, refusal)
    cpdef no_request(self, refusal)
