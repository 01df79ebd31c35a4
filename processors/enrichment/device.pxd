# What the compiler is told of device.py beside its source (docs/decisions/0040).

cimport cython


cdef class Devices:
    cdef object _read, _of_signs

    cpdef of(self, dict context, connection)
    cpdef tuple known(self, dict context, connection)
    cpdef _device(self, str text, said, tuple app)
