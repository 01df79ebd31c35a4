"""The currencies: codes of ISO 4217 by the number of digits behind the point of their smallest unit.

From the standard's lists one (in use, as of January 2026) and three (withdrawn; those that were money in this century, since
orders of back then are stored too). Codes of metals, funds and tests have no smallest unit and count as having two digits.

Deliberately absent: names, signs and countries. A sign such as "$" is the sign of some twenty currencies.
"""

from collections.abc import Mapping

DIGITS_USUAL = 2
CODE_LETTERS = 3

# ISO 4217 has it for "no currency is involved"; here it says that an event named a currency which nobody can tell.
NO_CURRENCY = "XXX"

_BY_DIGITS = {
    0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
    2: (
        "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF CHE CHF CHW CNY COP COU "
        "CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES "
        "KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR "
        "NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP "
        "TRY TTD TWD TZS UAH USD USN UYU UZS VED VES WST XAD XCD XCG YER ZAR ZMW ZWG"
    ),
    3: "BHD IQD JOD KWD LYD OMR TND",
    4: "CLF UYW",
}
_WITHOUT_UNIT = "XAG XAU XBA XBB XBC XBD XDR XPD XPT XSU XTS XUA XXX"
_WITHDRAWN = {
    0: "BYR ITL ESP PTE BEF LUF GRD ROL TRL MGF",
    2: (
        "AFA ANG ATS AZM BGN CSD CUC CYP DEM EEK FIM FRF GHC HRK IEP LTL LVL MRO MTL MZM NLG SDD SIT SKK SLL SRG STD TMM VEB VEF "
        "YUM ZMK ZWD ZWL ZWN ZWR"
    ),
}


def _read() -> Mapping[str, int]:
    found = dict.fromkeys(_WITHOUT_UNIT.split(), DIGITS_USUAL)
    for table in (_WITHDRAWN, _BY_DIGITS):
        for digits, codes in table.items():
            found.update(dict.fromkeys(codes.split(), digits))
    return found


MINOR_DIGITS: Mapping[str, int] = _read()


def is_code(text: str) -> bool:
    """Of the shape of a code, known or not."""
    return len(text) == CODE_LETTERS and text.isascii() and text.isalpha() and text.isupper()
