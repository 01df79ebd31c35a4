# What the compiler is told of publisher.py beside its source (docs/decisions/0040).

cimport cython
from collector.gathering cimport Gathering
from collector.tickets cimport Parcel, Ticket
from schemas.identity.identifiers cimport partition_of


@cython.final
cdef class Waiting:
    cdef long requests
    cdef list partitions, events, tickets, letters


cdef class Publisher:
    cdef object _kafka, _settings, _loop, _producer, _availability, _poller, _flush_soon, _sweeping, _empty
    cdef readonly object fatal
    cdef Gathering _gathering
    cdef str _raw, _dead
    cdef Waiting _waiting
    cdef dict _flights
    cdef list _reports
    cdef bint _may_be_sooner, _stopped
    cdef long long _queued_events, _queued_bytes, _acknowledged, _events_max, _bytes_max
    cdef long _partitions

    @cython.locals(packed=list, value=bytes, size=cython.longlong, records=cython.longlong, waiting=Waiting)
    cpdef publish(self, events, letters, Ticket ticket)
    cdef _admit(self, long long count, long long size)
    cdef _count(self, long long count, long long size)
    cdef _plan_flush(self)
    cdef _replan(self, handle)
    @cython.locals(waiting=Waiting, parcel=Parcel)
    cpdef _flush(self)
    cdef _send(self, Parcel parcel, produce)
    @cython.locals(parcel=Parcel)
    cpdef _settle(self, list reports)
