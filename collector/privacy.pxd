# What the compiler is told of privacy.py beside its source (docs/decisions/0040).

cpdef wishes_of(dict headers, str query, str optout_cookie)
cpdef treatment(source, wishes, is_browser)
