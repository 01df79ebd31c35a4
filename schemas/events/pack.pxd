# Where a pack's fields lie in memory (docs/decisions/0081): all of them, in order of their names.


cdef class Connection:
    cdef str address, brands
    cdef object is_browser
    cdef str mobile, platform, user_agent


cdef class Seen:
    cdef tuple signals
    cdef str state


cdef class PackedEvent:
    cdef object connection
    cdef bytes context
    cdef str message_id
    cdef bytes payload
    cdef object received_at
    cdef bytes routing
    cdef object seen
    cdef str sent_at, source, type
    cdef object unsigned_links
    cdef str workspace
