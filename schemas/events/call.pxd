# Where a call's fields lie in memory (docs/decisions/0081): all of them, in order of their names.


cdef class Call:
    cdef object anonymous_id, context, event, group_id, integrations, message_id, name, original_timestamp, previous_id, properties, sent_at, timestamp, traits, type, user_id
