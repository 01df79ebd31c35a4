# Where these fields lie in memory (docs/decisions/0081): all of them, in order of their names.


cdef class Lineage:
    cdef object index, offset, partition
