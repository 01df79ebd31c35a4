# What the compiler is told of scheduling.py beside its source (docs/decisions/0040).


cimport cython


@cython.no_gc
cdef class Awaited:
    cdef public object pending

    cpdef told(self, pending)


cdef class Handover:
    cdef object _start, _begin, _is_alone, _loop, _again
    cdef list _waiting
    cdef bint _is_woken

    cpdef give(self, watcher)
    cpdef put(self, started)
    cpdef wake(self)
    cpdef resume(self)
    @cython.locals(awaited=Awaited, taken=list, place=cython.Py_ssize_t)
    cdef _take(self)


cdef _put(Handover handover, Awaited awaited, pending)
