# What the compiler is told of head.py beside its source (docs/decisions/0040): a request's head is a class of C.

cimport cython


@cython.final
@cython.no_gc
@cython.freelist(256)
cdef class Head:
    cdef readonly str method, path, query, peer, authority
    cdef readonly dict headers
    cdef readonly list again


cdef dict _names


cpdef str header_name(bytes raw)
@cython.locals(text=str)
cpdef str header_value(str name, bytes raw)
cpdef tuple target(bytes raw)
