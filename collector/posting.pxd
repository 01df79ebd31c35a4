# What the compiler is told of posting.py beside its source (docs/decisions/0040).

cimport cython
from collector.cors cimport reply_headers
from collector.answering cimport Answering, Call
from collector.exchange cimport Intake, Request
from collector.heads cimport Heads
from collector.reading cimport BodyReader, Head


@cython.final
@cython.no_gc
@cython.freelist(256)
cdef class Posting:
    cdef readonly Postings postings
    cdef readonly Call call
    cdef readonly Request request
    cdef readonly Intake intake
    cdef readonly object route
    cdef readonly list earlier, made

    cpdef arrived(self, pending)
    cpdef settled(self, error)


cdef class Postings:
    cdef readonly Answering answering
    cdef object _control, _publisher, _holding, _limits, _unsettled, _ids
    cdef Heads _heads
    cdef BodyReader _bodies

    cpdef begin(self, Call call, route)
    cpdef end_bodies(self)
    cdef arrived(self, Posting posting, pending)
    cdef settled(self, Posting posting, error)
    cdef _unread(self, Posting posting, error)
    @cython.locals(now=cython.longlong, head=Head, request=Request, intake=Intake)
    cdef _take(self, Posting posting, bytes body)
    @cython.locals(request=Request, intake=Intake)
    cdef _answer(self, Posting posting, reply)
    cdef _shaped(self, Posting posting, reply, headers)


cpdef cors(Head head, source)
@cython.locals(now_ns=cython.longlong)
cdef long long _now() except -1
