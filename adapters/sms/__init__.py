"""SMS over an HTTP gateway: reminders out, texts and delivery receipts in."""

from adapters.contract import Adapter
from adapters.sms import gateway, incoming, reminders
from adapters.sms.http import FACE

ADAPTER = Adapter(
    name="sms",
    content_types=("application/json", "application/x-www-form-urlencoded"),
    identify=incoming.identify,
    parse=incoming.parse,
    read=incoming.read,
    answer=incoming.answer,
    write=reminders.write,
    render=reminders.render,
    send=gateway.send,
    face=FACE,
)
