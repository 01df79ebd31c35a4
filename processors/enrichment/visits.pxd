# What the compiler is told of visits.py beside its source (docs/decisions/0040): moments and lengths are numbers of C.

cimport cython
cimport schemas.values.octets as octets
from processors.enrichment.visit_state cimport Stay, Visitor, decode_visitor, encode_visitor
from processors.events.mentions cimport Identifier, Mentions
from processors.events.parsed cimport ParsedEvent
from schemas.events.pack cimport PackedEvent
from schemas.wire.stamps cimport Touch


@cython.locals(routing=bytes, said=dict, packed=PackedEvent, found=Identifier)
cpdef bint takes_part(ParsedEvent event, Mentions about) except -1


@cython.final
@cython.no_gc
cdef class _Open:
    cdef bytes key
    cdef Visitor kept
    cdef tuple said
    cdef bint is_changed


cdef class Visits:
    cdef object _state
    cdef long long _timeout_ms
    cdef bint _new_on_campaign
    cdef str _midnight_zone
    cdef dict _open

    cpdef tuple of(self, ParsedEvent event, Mentions about, long long visitor, Touch touch)
    @cython.locals(opened=_Open, kept=Visitor, newest=Stay)
    cpdef tuple at(self, long long visitor, long long time, Touch touch)
    @cython.locals(key=bytes)
    cdef _Open _opened(self, long long visitor)
    @cython.locals(opened=_Open, before=_Open)
    cpdef forget(self, visitor, since, until)
    @cython.locals(opened=_Open)
    cpdef save(self)
    @cython.locals(kept=Visitor, newest=Stay, ahead=cython.longlong)
    cdef _forward(self, _Open opened, long long time, arrival)
    @cython.locals(newest=Stay)
    cdef bint _arrive(self, Visitor kept, long long time, arrival) except -1
    cdef bint _is_apart(self, long long end, long long time) except -1
    @cython.locals(stays=list, following=Stay, before=Stay, at=cython.Py_ssize_t, fits=cython.bint)
    cdef Stay _late(self, Visitor kept, long long time, arrival)


@cython.locals(newest=Stay)
cdef _begin(Visitor kept, long long time, arrival)
cdef bint _first(Visitor kept, long long time, arrival) except -1
cdef _adopt(Visitor kept, arrival)
@cython.locals(found=Stay, stay=Stay)
cdef Stay _insert(list stays, Py_ssize_t at, long long time)
cdef tuple _said(long long visitor, Visitor kept, Stay stay, arrival)
