# What the compiler is told of exchange.py beside its source (docs/decisions/0040): what is read of a request many times is C's.

cimport cython


@cython.final
@cython.no_gc
@cython.freelist(256)
cdef class Request:
    cdef readonly str method, path, query, authorization, content_encoding, origin, url, referrer
    cdef readonly bytes body, salt
    cdef readonly object visit, connection, wishes, headers
    cdef readonly bint is_address, is_ahead


@cython.final
@cython.no_gc
@cython.freelist(256)
cdef class Intake:
    cdef readonly object reply, source
    cdef readonly list events, letters
    cdef readonly dict dropped
    cdef readonly bint is_cookieless
