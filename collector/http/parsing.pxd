# What the compiler is told of parsing.py beside its source (docs/decisions/0040).

cimport cython
from collector.http.head cimport Head, header_name, header_value, target


cdef class Taker:
    cpdef take_head(self, Head head, bint keeps, bint says_keeps)
    cpdef take_body(self, bytes piece)
    cpdef take_end(self)


cdef class Parsing:
    cdef readonly long long begun_bytes
    cdef readonly bint reads_body
    cdef Taker _taker
    cdef str _peer, _detour
    cdef object _parser
    cdef long long _head_bytes, _head_bytes_max
    cdef bytes _url
    cdef dict _headers
    cdef list _again

    cpdef end(self)
    cpdef feed(self, data)
    cdef _feed(self, data)
    cdef _go_on_with_body(self)
    cpdef on_url(self, bytes piece)
    @cython.locals(headers=dict, name=str, value=str)
    cpdef on_header(self, bytes raw_name, bytes raw_value)
    @cython.locals(headers=dict, keeps=cython.bint, says_keeps=cython.bint, head=Head, taker=Taker)
    cpdef on_headers_complete(self)
    cpdef on_body(self, bytes piece)
    cpdef on_message_complete(self)
    cdef _add(self, str name, str value)
