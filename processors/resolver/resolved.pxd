# What the compiler is told of resolved.py beside its source (docs/decisions/0040).

cimport cython
from processors.events.mentions cimport Identifier, Mentions
from processors.events.parsed cimport ParsedEvent
from processors.events.times cimport EventTimes
from schemas.events.call cimport Call
from schemas.events.dead_letter cimport Lineage
from schemas.events.pack cimport PackedEvent
from schemas.wire.avro cimport Writer
from schemas.wire.stamp_codec cimport put_stamps
from schemas.wire.stamps cimport Stamps


@cython.final
@cython.no_gc
@cython.freelist(16)
cdef class Origin:
    cdef readonly str message_id
    cdef readonly Lineage lineage
    cdef readonly unsigned long long visitor


@cython.final
@cython.no_gc
@cython.freelist(16)
cdef class Whose:
    cdef readonly unsigned long long subject
    cdef readonly list nodes
    cdef readonly bytes profile
    cdef readonly str previous_id


@cython.final
@cython.no_gc
@cython.freelist(16)
cdef class Stamped:
    cdef readonly ParsedEvent event, stored
    cdef readonly Mentions about
    cdef readonly Origin origin
    cdef readonly Stamps stamps


@cython.locals(record=Writer, call=Call, packed=PackedEvent, times=EventTimes, lineage=Lineage)
cpdef bytes resolved_event(ParsedEvent event, Mentions about, Origin origin, Whose whose, Stamps stamps)
@cython.locals(last=Identifier, first=Identifier)
cdef _put_ids(Writer record, tuple stated, str previous_id, group_id)
cdef bytes _titles(str kind, Call call)
cpdef traits_of(ParsedEvent event)
cdef _put_objects(Writer record, ParsedEvent event)
cdef _integrations(ParsedEvent event)
@cython.locals(found=tuple, place=cython.Py_ssize_t, identifier=Identifier)
cdef _put_identifiers(Writer record, Mentions about, list nodes)
