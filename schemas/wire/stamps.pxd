# Where the fields of stamps lie in memory (docs/decisions/0081): all of them, in order of their names.


cdef class Touch:
    cdef object campaign, channel, click_id, click_kind, content, medium, referrer, source, term


cdef class Visit:
    cdef object first_touch, first_touch_at, number, started_at, touch


cdef class Meaning:
    cdef str event, family
    cdef tuple violations


cdef class Stamps:
    cdef object bot, clock_offset_ms, commerce, consent, device
    cdef tuple items
    cdef object meaning, place
    cdef str session_id
    cdef object touch, visit, visitor
