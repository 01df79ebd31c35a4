# What the compiler is told of peer.py beside its source (docs/decisions/0040).

cimport cython
from collector.http.head cimport Head
from collector.http.incoming cimport Desk, Incoming, Line
from collector.http.parsing cimport Parsing


cdef class Peer(Line):
    cdef object _place, _transport, _waiting, _last_words
    cdef Desk _desk
    cdef Parsing _parsing
    cdef double _since
    cdef Incoming _newest, _current
    cdef bint _is_full, _is_deaf, _is_ending, _is_paused, _is_advancing, _is_stopping

    cpdef data_received(self, bytes data)
    cpdef end_body(self)
    cpdef take_head(self, Head head, bint keeps, bint says_keeps)
    @cython.locals(incoming=Incoming)
    cpdef take_body(self, bytes piece)
    @cython.locals(incoming=Incoming)
    cpdef take_end(self)
    @cython.locals(ends=cython.bint, is_last=cython.bint, line=bytes)
    cpdef answer(self, Incoming incoming, bytes head, bytes body, bint closes)
    cdef bint _is_awaited(self, Incoming incoming) except -1
    cdef _begin(self, Incoming incoming)
    @cython.locals(incoming=Incoming)
    cdef _cut(self, refusal)
    cdef _done(self)
    cpdef _advance(self)
    cdef _resume(self)
    cdef _refuse(self, refusal)
    cdef _say_last(self, refusal)
