# What the compiler is told of parsed.py beside its source (docs/decisions/0040).

from processors.events.addresses cimport may_name_people

cpdef parse(packed)
cdef _read(packed)
cpdef dict object_of(value)
cdef tuple _context(own, call, bytes shared)
