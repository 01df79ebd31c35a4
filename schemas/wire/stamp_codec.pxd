# What the compiler is told of stamp_codec.py beside its source (docs/decisions/0040).

cimport cython
from schemas.wire.avro cimport Writer
from schemas.wire.stamps cimport Stamps, Touch, Visit

cdef dict _remembered
cdef bytes _NO_TOUCH_BYTES, _NO_PLACE_BYTES, _NO_MEANING_BYTES, _NO_VISIT_BYTES, _NO_JUDGEMENT_BYTES, _NO_STAMPS_BYTES

cpdef put_stamps(Writer record, Stamps stamps)
cpdef _put_stamps(Writer record, Stamps stamps)
@cython.locals(found=tuple)
cdef bytes _of(part, put)
@cython.locals(record=Writer, value=bytes)
cdef bytes _encoded(part, put)
cpdef _put_visit(Writer record, Visit visit)
cpdef _put_touch(Writer record, Touch touch)
cpdef _put_device(Writer record, device)
cpdef _put_place(Writer record, place)
cpdef _put_meaning(Writer record, meaning)
cpdef _put_commerce(Writer record, commerce)
cpdef _put_items(Writer record, tuple items)
cpdef _put_item(Writer record, item)
cpdef _put_consent(Writer record, consent)
cpdef _put_bot(Writer record, bot)
cpdef _put_texts(Writer record, values)
