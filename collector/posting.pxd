# What the compiler is told of posting.py beside its source (docs/decisions/0040).

cimport cython
from collector.cors cimport reply_headers
from collector.answering cimport Answering, Call, farewell
from collector.exchange cimport Intake, Request
from collector.heads cimport Heads
from collector.holding cimport Holding
from collector.meter cimport Meter
from collector.reading cimport BodyReader, Head
from collector.scheduling cimport Awaited
from collector.tickets cimport Ticket
from collector.unsettled cimport MessageIds, Unsettled


@cython.no_gc
cdef class Posting(Awaited):
    cdef readonly Postings postings
    cdef readonly Call call
    cdef readonly object route

    cpdef told(self, pending)


@cython.no_gc
cdef class Owed(Ticket):
    cdef readonly Postings postings
    cdef readonly object proto, shaped, reply
    cdef readonly double started_s
    cdef readonly long events
    cdef readonly str label, source
    cdef readonly list letters
    cdef public list headers, cookie, earlier, made
    cdef readonly dict dropped
    cdef public Request request

    cdef _keep(self, Postings postings, Call call, route, Intake intake)
    cpdef settled(self, error)


cdef class Postings:
    cdef readonly Answering answering
    cdef object _control, _publisher, _limits
    cdef Holding _holding
    cdef Unsettled _unsettled
    cdef MessageIds _ids
    cdef Heads _heads
    cdef BodyReader _bodies

    cpdef start(self, Call call, route)
    cpdef begin(self, Call call, route)
    cpdef end_bodies(self)
    cdef arrived(self, Posting posting, pending)
    cdef settled(self, Owed owed, error)
    cdef _unread(self, Posting posting, error)
    @cython.locals(now=cython.longlong, head=Head, request=Request, intake=Intake, owed=Owed)
    cdef _take(self, Call call, route, bytes body)
    @cython.locals(meter=Meter)
    cdef _answer(self, Owed owed, reply)


cpdef cors(Head head, source)
@cython.locals(now_ns=cython.longlong)
cdef long long _now() except -1
