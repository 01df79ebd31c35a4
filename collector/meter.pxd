# What the compiler is told of meter.py beside its source (docs/decisions/0040).

from collector.exchange cimport Intake


cdef class Meter:
    cdef object _requests, _accepted

    cpdef request(self, path, status, double seconds)
    cpdef failed(self, path)
    cpdef refused(self, reason)
    cpdef intake(self, Intake intake, reply)
    cpdef kept(self, str source, long events, letters, dropped)
