"""The kinds of visitors that a shop has, each as a story, and how many of a hundred they are.

Identity has to tell them apart: most are never known; customers are known by a login on each device, or on one device and by a
link in an e-mail that they open on another; readers of the newsletter have an address and no account; households share a tablet.
"""

from collections.abc import Callable

from deploy.demo.call import Call
from deploy.demo.shop import ADDRESS_BAR, ADVERT, ARRIVALS, NEWSLETTER, POST, Arrival
from deploy.demo.story import Account, Device, Story

SHOWN = Account("user-0000@mail.example", "user-0000")  # whose journey the demonstration shows

Kind = Callable[[Story], list[Call]]


def shown(story: Story) -> list[Call]:
    """Comes by an advertisement, then by a post on the phone; logs in on the computer; a newsletter's link joins the phone."""
    computer, phone = story.device("desktop"), story.device("phone")
    story.visit(computer, 23, ADVERT).look(1)
    story.visit(phone, 18, POST)
    story.visit(computer, 15).sign_in(SHOWN)
    story.visit(phone, 6, NEWSLETTER, link=SHOWN.email).look(1).add(2)
    story.visit(phone, 1)
    return story.calls


def stranger(story: Story) -> list[Call]:
    """Looks around, sometimes fills a cart, and is never known."""
    device = _any_device(story)
    for slot in story.slots(story.chance.randint(1, 3)):
        story.visit(device, slot, _arrival(story)).look(story.chance.randint(0, 3))
        if story.chance.random() < 0.2:
            story.add(story.chance.randint(1, 3))
    return story.calls


def guest(story: Story) -> list[Call]:
    """Orders without an account, and gives an e-mail address for it."""
    device, account = _any_device(story), story.account()
    first, second = story.slots(2)
    story.visit(device, first, _arrival(story)).look(2)
    story.visit(device, second).add(story.chance.randint(1, 2)).sign_in(Account(account.email)).order()
    return story.calls


def reader(story: Story) -> list[Call]:
    """Subscribes to the newsletter on one device and opens it on another. No user id anywhere."""
    computer, phone, account = story.device("desktop"), story.device("phone"), story.account()
    subscribed, opened, *later = story.slots(story.chance.randint(2, 3))
    story.visit(computer, subscribed, _arrival(story)).look(1).sign_in(Account(account.email))
    story.visit(phone, opened, NEWSLETTER, link=account.email).look(story.chance.randint(0, 2))
    for slot in later:
        story.visit(story.chance.choice((computer, phone)), slot).look(1)
    return story.calls


def customer(story: Story) -> list[Call]:
    """One device: browses for days, logs in, fills a cart, orders or does not."""
    device, account = _any_device(story), story.account()
    for slot in story.slots(story.chance.randint(1, 2), 14):
        story.visit(device, slot, _arrival(story)).look(story.chance.randint(1, 3))
    story.visit(device, 12).sign_in(account).look(1)
    _shop(story, account, device, device)
    return story.calls


def customer_who_logs_in_twice(story: Story) -> list[Call]:
    computer, phone, account = story.device("desktop"), story.device("phone"), story.account()
    for device, slot in zip((computer, phone), story.slots(2, 17), strict=True):
        story.visit(device, slot, _arrival(story)).look(story.chance.randint(1, 2))
    story.visit(computer, 15).sign_in(account)
    story.visit(phone, 13, _arrival(story)).sign_in(account).look(1)
    _shop(story, account, computer, phone)
    return story.calls


def customer_with_a_link(story: Story) -> list[Call]:
    """Logs in on the first device; the second is a stranger until a link in an e-mail is opened on it."""
    computer, phone, account = story.device("desktop"), story.device("phone"), story.account()
    for device, slot in zip((computer, phone), story.slots(2, 17), strict=True):
        story.visit(device, slot, _arrival(story)).look(story.chance.randint(1, 2))
    story.visit(computer, 15).sign_in(account)
    story.visit(phone, 12, NEWSLETTER, link=account.email).look(1)
    _shop(story, account, phone, computer)
    return story.calls


def household(story: Story) -> list[Call]:
    """Two people, one tablet. Each logs out; what follows is the next one's who logs in, and nobody's after the last logout."""
    tablet = story.device("tablet")
    one, other = story.account("a"), story.account("b")
    first, second, third, fourth = story.slots(4)
    story.visit(tablet, first, _arrival(story)).look(1).sign_in(one).add(2).sign_out()
    story.visit(tablet, second).look(1).sign_in(other).add(1).order_of(other).sign_out()
    story.visit(tablet, third, _arrival(story)).look(1).sign_in(one).look(1).sign_out()
    story.visit(tablet, fourth).look(1)
    return story.calls


def caller(story: Story) -> list[Call]:
    """Orders on the telephone: the shop's server alone knows them."""
    account = story.account()
    for slot in story.slots(story.chance.randint(1, 2)):
        story.phone_order(account, slot)
    return story.calls


KINDS: tuple[Kind, ...] = (
    *(stranger,) * 44,
    *(customer,) * 20,
    *(customer_who_logs_in_twice,) * 8,
    *(customer_with_a_link,) * 8,
    *(reader,) * 7,
    *(guest,) * 5,
    *(household,) * 4,
    *(caller,) * 4,
)


def _shop(story: Story, account: Account, *devices: Device) -> None:
    """Two visits with a cart in the last week; the server tells of the order, if there is one."""
    for device, slot in zip(devices, story.slots(2, 0, 11), strict=True):
        story.visit(device, slot, _arrival(story)).look(story.chance.randint(0, 2)).add(
            story.chance.randint(0, 2)
        )
        if story.is_cart_filled and story.chance.random() < 0.45:
            story.order_of(account)


def _any_device(story: Story) -> Device:
    return story.device(story.chance.choice(("desktop", "phone")))


def _arrival(story: Story) -> Arrival:
    return story.chance.choice((ADDRESS_BAR, *ARRIVALS))
