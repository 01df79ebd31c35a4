# What the compiler is told of heads.py beside its source (docs/decisions/0040).

cimport cython
from collector.exchange cimport Request
from collector.http.head cimport Head
from collector.privacy cimport wishes_of


cdef class Heads:
    cdef object _settings, _salt_at, _cookies, _proxies
    cdef str _optout_name
    cdef bint _has_proxies

    @cython.locals(headers=dict, is_browser=cython.bint)
    cpdef Request request(self, Head head, bytes body, long long now)
    cpdef Request whole(self, Head head, bytes body, long long now)
    cpdef Request click(self, Head head, long long now)
    cpdef asked(self, Head head, long long now)
    cdef _scheme(self, Head head)
    cdef _visit(self, Head head)
    cdef _connection(self, Head head, bint is_browser)


cdef bint _is_from_browser(dict headers) except -1
cdef _page_of(Head head)
