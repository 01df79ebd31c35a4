# What the compiler is told of sender.py beside its source (docs/decisions/0040).

from collector.credentials cimport key_in_header
from collector.exchange cimport Request
from schemas.identity.identifiers cimport text

cpdef sender_of(Request request, body, sources, now)
cpdef read(decode, payload)
