# What stands in the place of octets.py's functions where a module that uses them is compiled (docs/decisions/0040).

from cpython.buffer cimport PyBUF_SIMPLE, PyBuffer_Release, PyObject_GetBuffer
from cpython.bytearray cimport PyByteArray_AS_STRING, PyByteArray_FromStringAndSize
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_CheckExact, PyBytes_FromStringAndSize
from cpython.unicode cimport PyUnicode_AsUTF8AndSize
from libc.string cimport memchr, memcmp, memcpy


cdef inline bytearray room(Py_ssize_t size):
    return PyByteArray_FromStringAndSize(NULL, size)


cdef inline Py_ssize_t copied(bytearray out, Py_ssize_t at, content) except -1:
    cdef Py_buffer view
    cdef Py_ssize_t size
    if PyBytes_CheckExact(content):  # nearly always
        size = len(<bytes>content)
        memcpy(PyByteArray_AS_STRING(out) + at, PyBytes_AS_STRING(content), size)
        return at + size
    PyObject_GetBuffer(content, &view, PyBUF_SIMPLE)
    size = view.len
    memcpy(PyByteArray_AS_STRING(out) + at, view.buf, size)
    PyBuffer_Release(&view)
    return at + size


cdef inline Py_ssize_t copied_text(bytearray out, Py_ssize_t at, str content) except -1:
    cdef Py_ssize_t size = 0
    cdef const char* letters = PyUnicode_AsUTF8AndSize(content, &size)
    memcpy(PyByteArray_AS_STRING(out) + at, letters, size)
    return at + size


cdef inline Py_ssize_t size_of(str content) except -1:
    cdef Py_ssize_t size = 0
    PyUnicode_AsUTF8AndSize(content, &size)
    return size


cdef inline bytes first(bytearray out, Py_ssize_t size):
    return PyBytes_FromStringAndSize(PyByteArray_AS_STRING(out), min(size, len(out)))


cdef inline bint holds(content, bytes wanted, Py_ssize_t rarest) except -1:
    cdef const char* sought = PyBytes_AS_STRING(wanted)
    cdef const char* at
    cdef const char* last  # behind the last place at which the rarest byte may stand
    cdef Py_ssize_t size
    if PyBytes_CheckExact(content):
        at, size = PyBytes_AS_STRING(content), len(<bytes>content)
    else:
        at, size = PyByteArray_AS_STRING(content), len(<bytearray?>content)
    last = at + size - (len(wanted) - rarest - 1)
    at += rarest
    while at < last:
        at = <const char*>memchr(at, sought[rarest], last - at)
        if at == NULL:
            return False
        if not memcmp(at - rarest, sought, len(wanted)):
            return True
        at += 1
    return False


cdef inline Py_ssize_t place_of(bytes content, int octet, Py_ssize_t start) except? -1:
    cdef const char* began = PyBytes_AS_STRING(content)
    if start >= len(content):
        return -1
    cdef const char* found = <const char*>memchr(began + start, octet, len(content) - start)
    return found - began if found else -1


cdef inline bytes eight(unsigned long long value):
    cdef unsigned char octets[8]
    cdef int place
    for place in range(8):
        octets[7 - place] = value & 0xFF
        value >>= 8
    return PyBytes_FromStringAndSize(<char*>octets, 8)


cdef inline bytes part(bytes content, Py_ssize_t start, Py_ssize_t end):
    return PyBytes_FromStringAndSize(PyBytes_AS_STRING(content) + start, end - start)


cdef inline unsigned long long little(const unsigned char* octets) noexcept:
    cdef unsigned long long low = octets[0] | <unsigned long long>octets[1] << 8 | <unsigned long long>octets[2] << 16
    low |= <unsigned long long>octets[3] << 24 | <unsigned long long>octets[4] << 32 | <unsigned long long>octets[5] << 40
    return low | <unsigned long long>octets[6] << 48 | <unsigned long long>octets[7] << 56


cdef inline void sip_rounds(unsigned long long* v, int count) noexcept:
    cdef int nth
    for nth in range(count):
        v[0] += v[1]
        v[2] += v[3]
        v[1] = (v[1] << 13 | v[1] >> 51) ^ v[0]
        v[3] = (v[3] << 16 | v[3] >> 48) ^ v[2]
        v[0] = v[0] << 32 | v[0] >> 32
        v[2] += v[1]
        v[0] += v[3]
        v[1] = (v[1] << 17 | v[1] >> 47) ^ v[2]
        v[3] = (v[3] << 21 | v[3] >> 43) ^ v[0]
        v[2] = v[2] << 32 | v[2] >> 32


cdef inline unsigned long long siphash(bytes content, bytes key) except? 0:
    cdef const unsigned char* octets = <const unsigned char*>PyBytes_AS_STRING(content)
    cdef const unsigned char* secret = <const unsigned char*>PyBytes_AS_STRING(key)
    cdef Py_ssize_t size = len(content), place
    cdef unsigned long long v[4]
    cdef unsigned long long eight, last = <unsigned long long>size << 56
    if len(key) != 16:
        raise ValueError("a key of SipHash has 16 bytes")
    v[0] = little(secret) ^ 0x736F6D6570736575ULL
    v[1] = little(secret + 8) ^ 0x646F72616E646F6DULL
    v[2] = little(secret) ^ 0x6C7967656E657261ULL
    v[3] = little(secret + 8) ^ 0x7465646279746573ULL
    while size >= 8:
        eight = little(octets)
        v[3] ^= eight
        sip_rounds(v, 2)
        v[0] ^= eight
        octets += 8
        size -= 8
    for place in range(size):
        last |= <unsigned long long>octets[place] << (8 * place)
    v[3] ^= last
    sip_rounds(v, 2)
    v[0] ^= last
    v[2] ^= 0xFF
    sip_rounds(v, 4)
    return v[0] ^ v[1] ^ v[2] ^ v[3]


cdef inline unsigned int murmur2(bytes content, unsigned int seed):
    cdef const unsigned char* octets = <const unsigned char*>PyBytes_AS_STRING(content)
    cdef Py_ssize_t size = len(content)
    cdef unsigned int mixer = 0x5BD1E995, four
    cdef unsigned int found = seed ^ <unsigned int>size
    while size >= 4:
        four = octets[0] | <unsigned int>octets[1] << 8 | <unsigned int>octets[2] << 16 | <unsigned int>octets[3] << 24
        four *= mixer
        four ^= four >> 24
        four *= mixer
        found *= mixer
        found ^= four
        octets += 4
        size -= 4
    if size >= 3:
        found ^= <unsigned int>octets[2] << 16
    if size >= 2:
        found ^= <unsigned int>octets[1] << 8
    if size >= 1:
        found ^= octets[0]
        found *= mixer
    found ^= found >> 13
    found *= mixer
    found ^= found >> 15
    return found


# The next three are called with what stands within bytes and bytearrays.

cdef inline void put_little(unsigned char* out, Py_ssize_t at, unsigned long long value) noexcept:
    out += at
    out[0] = <unsigned char>value  # all eight are one instruction, where that is the machine's own order
    out[1] = <unsigned char>(value >> 8)
    out[2] = <unsigned char>(value >> 16)
    out[3] = <unsigned char>(value >> 24)
    out[4] = <unsigned char>(value >> 32)
    out[5] = <unsigned char>(value >> 40)
    out[6] = <unsigned char>(value >> 48)
    out[7] = <unsigned char>(value >> 56)


cdef inline long long big(const unsigned char* content, Py_ssize_t at, Py_ssize_t size) noexcept:
    cdef unsigned long long found = 0xFFFFFFFFFFFFFFFF if content[at] & 0x80 else 0
    cdef Py_ssize_t nth
    for nth in range(size):
        found = found << 8 | content[at + nth]
    return <long long>found


cdef inline void copied_part(
    unsigned char* out, Py_ssize_t at, const unsigned char* content, Py_ssize_t start, Py_ssize_t size
) noexcept:
    memcpy(out + at, content + start, size)


cdef inline bytes varint(unsigned long long number):
    cdef unsigned char octets[10]
    cdef int size = 0
    while number > 0x7F:
        octets[size] = number & 0x7F | 0x80
        number >>= 7
        size += 1
    octets[size] = <unsigned char>number
    return PyBytes_FromStringAndSize(<char*>octets, size + 1)
