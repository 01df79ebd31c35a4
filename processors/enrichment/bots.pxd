# What the compiler is told of bots.py beside its source (docs/decisions/0040).

cimport cython
from processors.events.parsed cimport ParsedEvent


@cython.locals(context=dict, reasons=list, is_click=cython.bint)
cpdef bot_of(ParsedEvent event, str by_agent, networks)
cpdef as_judged(device, bot, threshold)
