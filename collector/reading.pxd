# What the compiler is told of reading.py beside its source (docs/decisions/0040): a request's head is a class of C.

cimport cython
from collector.patience cimport Patience


@cython.final
@cython.no_gc
@cython.freelist(256)
cdef class Head:
    cdef readonly str method, path, query
    cdef readonly dict headers
    cdef readonly object scope


@cython.locals(headers=dict)
cpdef Head read_head(scope)


cdef class BodyReader:
    cdef long long _bytes_max, _digits
    cdef Patience _patience

    @cython.locals(announced=str)
    cpdef start(self, dict headers, protocol)
    @cython.locals(announced=str)
    cpdef begin(self, dict headers, protocol)
    cpdef outcome(self, pending)
    cpdef end(self)
