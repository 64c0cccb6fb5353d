"""Phone numbers as people write them, into E.164 as gateways want them."""

import phonenumbers


def normal_phone(text: str, region: str = "") -> str | None:
    """Return `text` as E.164 (`+260955123456`), or None when it is no possible number.

    `region` (ISO 3166 alpha-2, `ZM`) is where numbers without a country code are from.
    """
    written = text.strip()
    if written.startswith("00"):
        written = f"+{written[2:]}"
    try:
        number = phonenumbers.parse(written, region.upper() or None)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_possible_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
