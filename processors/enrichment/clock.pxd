# What the compiler is told of clock.py beside its source (docs/decisions/0040).

cimport cython
from processors.events.times cimport EventTimes


@cython.locals(sent=cython.longlong)
cpdef long long clock_offset_ms(EventTimes times, long long received_at) except? -1
