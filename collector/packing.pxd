# What the compiler is told of packing.py beside its source (docs/decisions/0040).

cimport cython


@cython.locals(groups=dict, place=cython.Py_ssize_t)
cpdef list seal(partitions, events, bytes_max)
@cython.locals(members=list, parts=list, size=cython.longlong, weight=cython.longlong)
cdef list _cut(list places, events, long long bytes_max)
