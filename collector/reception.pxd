# What the compiler is told of reception.py beside its source (docs/decisions/0040).

cimport cython
from collector.answering cimport Answering, Call
from collector.posting cimport Postings
from collector.reading cimport Head, read_head


cdef class Reception:
    cdef object _control, _routes, _others
    cdef dict _exact
    cdef Answering _answering
    cdef Postings _postings

    @cython.locals(call=Call)
    cpdef start(self, watcher)
    @cython.locals(call=Call)
    cpdef begin(self, request)
    cpdef is_alone(self)
    @cython.locals(started_s=cython.double, head=Head)
    cdef Call _call(self, watcher)
