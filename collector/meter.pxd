# What the compiler is told of meter.py beside its source (docs/decisions/0040).

cimport cython
from collector.exchange cimport Intake


cdef class Meter:
    cdef str _path, _source
    cdef long _status
    cdef list _requests, _accepted, _counts, _sums
    cdef tuple _bounds

    @cython.locals(bound=cython.double, place=cython.Py_ssize_t)
    cpdef request(self, str path, long status, double seconds)
    cpdef failed(self, path)
    cpdef refused(self, reason)
    cpdef intake(self, Intake intake, reply)
    cpdef kept(self, str source, long events, letters, dropped)
