# What the compiler is told of posting.py beside its source (docs/decisions/0040).

cimport cython
from collector.cors cimport reply_headers
from collector.answering cimport Answering, farewell
from collector.exchange cimport Intake, Request
from collector.heads cimport Heads
from collector.holding cimport Holding
from collector.http.head cimport Head
from collector.http.incoming cimport Incoming
from collector.meter cimport Meter
from collector.tickets cimport Ticket
from collector.unsettled cimport MessageIds, Unsettled


@cython.no_gc
cdef class Owed(Ticket):
    cdef readonly Postings postings
    cdef readonly Incoming incoming
    cdef readonly object shaped, reply
    cdef readonly long events
    cdef readonly str label, source
    cdef readonly list letters
    cdef public list headers, cookie, earlier, made
    cdef readonly dict dropped
    cdef public Request request

    cdef _keep(self, Postings postings, Incoming incoming, Intake intake)
    cpdef settled(self, error)


cdef class Postings:
    cdef readonly Answering answering
    cdef object _control, _publisher, _limits
    cdef Holding _holding
    cdef Unsettled _unsettled
    cdef MessageIds _ids
    cdef Heads _heads
    cdef long long _body_bytes_max, _digits

    @cython.locals(announced=str)
    cpdef long long begin(self, Incoming incoming) except? -2
    cpdef unread(self, Incoming incoming, refusal)
    @cython.locals(now=cython.longlong, head=Head, request=Request, intake=Intake, owed=Owed)
    cpdef take(self, Incoming incoming, bytes body)
    cdef settled(self, Owed owed, error)
    @cython.locals(meter=Meter)
    cdef _answer(self, Owed owed, reply)


cpdef cors(Head head, source)
@cython.locals(now_ns=cython.longlong)
cdef long long _now() except -1
