# What the compiler is told of unsettled.py beside its source (docs/decisions/0040).

from collector.exchange cimport Request


cdef class MessageIds:
    cdef readonly list made
    cdef list _earlier

    cpdef begin(self, earlier=*)


cdef class Unsettled:
    cdef long _ids_max, _ids
    cdef double _age_s_max
    cdef dict _entries, _numbers
    cdef object _next

    cpdef remember(self, Request request, list ids, double now_s)
    cpdef refused(self, Request request, reason, list earlier, list made, double now_s)
    cpdef take(self, Request request, double now_s)
