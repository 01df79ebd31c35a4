# What the compiler is told of reception.py beside its source (docs/decisions/0040).

cimport cython
from collector.answering cimport Answering
from collector.http.incoming cimport Desk, Incoming
from collector.posting cimport Postings


cdef class Reception(Desk):
    cdef object _control, _routes, _others
    cdef dict _exact
    cdef Answering _answering
    cdef Postings _postings

    cpdef long long begin(self, Incoming incoming) except? -2
    cpdef whole(self, Incoming incoming, bytes body)
    cpdef unread(self, Incoming incoming, refusal)
    cpdef no_request(self, refusal)
    cdef _find(self, Incoming incoming)
