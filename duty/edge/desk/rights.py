"""The table of routes: what each asks of the one who calls it.  A route without a row keeps the desk from starting.

A row is the method and the address as the router knows it, and an action of `duty.access` (or one of the three words
below).  Where the address names a `{grid}`, the action is asked about that grid; so every address that leads to a thing
of a grid names the grid.  A screen over all of a person's grids is a `Somewhere`: it shows what is theirs, and is
refused to whoever may not do the action in any grid.
"""

from typing import Literal

import msgspec

from duty.access import Action

Free = Literal["public", "signed", "half"]
# public: no account needed.  signed: the link itself is the key, checked by the route.
# half: logged in, though a second factor or a new password is still owed.


class Somewhere(msgspec.Struct, frozen=True):
    """The action must be allowed in at least one of the person's grids."""

    action: Action


Right = Action | Free | Somewhere

RIGHTS: dict[tuple[str, str], Right] = {
    ("GET", "/health"): "public",
    ("GET", "/login"): "public",
    ("POST", "/login"): "public",
    ("POST", "/logout"): "half",
    ("POST", "/language"): "public",
    ("POST", "/look"): "public",
    ("GET", "/worker.js"): "public",
    ("GET", "/manifest.webmanifest"): "public",
    ("GET", "/texts/{screen}.{language}.json"): "public",
    ("GET", "/login/code"): "half",
    ("POST", "/login/code"): "half",
    ("GET", "/me"): "half",
    ("POST", "/me/password"): "half",
    ("GET", "/me/totp"): "half",
    ("POST", "/me/totp"): "half",
    ("GET", "/r/{token}"): "signed",
    ("POST", "/r/{token}/{what}"): "signed",
    ("GET", "/a/{token}"): "signed",
    ("POST", "/a/{token}"): "signed",
    ("GET", "/"): "edit-own",
    ("GET", "/more"): "edit-own",
    ("GET", "/board"): Somewhere("see-board"),
    ("GET", "/live"): "edit-own",  # what a screen may be told of is asked by its name: live.py, SCREENS
    ("GET", "/g/{grid}/board"): "see-board",
    ("GET", "/g/{grid}/incident"): "see-board",
    ("POST", "/g/{grid}/acknowledge"): "acknowledge",
    ("POST", "/g/{grid}/close"): "close",
    ("POST", "/g/{grid}/snooze"): "snooze",
    ("GET", "/buildings"): Somewhere("see-buildings"),
    ("GET", "/g/{grid}/buildings"): "see-buildings",
    ("GET", "/g/{grid}/buildings/{building}"): "see-buildings",
    ("GET", "/households"): Somewhere("see-household"),
    ("GET", "/g/{grid}/h/{building}/{unit}"): "see-household",
    ("POST", "/g/{grid}/h/{building}/{unit}/contacts"): "see-contacts",
    ("POST", "/g/{grid}/h/{building}/{unit}/contacts/save"): "edit-contacts",
    ("POST", "/g/{grid}/h/{building}/{unit}/declare"): "declare",
    ("POST", "/g/{grid}/h/{building}/{unit}/mute"): "mute",
    ("POST", "/g/{grid}/h/{building}/{unit}/visit"): "record-visit",
    ("POST", "/g/{grid}/h/{building}/{unit}/call"): "record-visit",
    ("POST", "/g/{grid}/h/{building}/{unit}/temperature"): "record-visit",
    ("GET", "/g/{grid}/h/{building}/{unit}/qr"): "make-link",
    ("POST", "/g/{grid}/h/{building}/{unit}/qr"): "make-link",
    ("GET", "/checkpoints"): Somewhere("see-checkpoint"),
    ("GET", "/g/{grid}/c/{checkpoint}"): "see-checkpoint",
    ("GET", "/g/{grid}/c/{checkpoint}/answers"): "see-checkpoint",
    ("POST", "/g/{grid}/c/{checkpoint}/reading"): "scan",
    ("POST", "/g/{grid}/c/{checkpoint}/register"): "scan",
    ("POST", "/g/{grid}/c/{checkpoint}/retest"): "scan",
    ("GET", "/overview"): Somewhere("see-figures"),
    ("GET", "/handover"): Somewhere("see-board"),
    ("GET", "/g/{grid}/handover"): "see-board",
    ("GET", "/staff"): "see-staff",
    ("POST", "/staff"): "edit-staff",
    ("GET", "/staff/{person}"): "edit-staff",
    ("POST", "/staff/{person}"): "edit-staff",
    ("POST", "/staff/{person}/disable"): "edit-staff",
    ("POST", "/staff/{person}/password"): "edit-staff",
    ("POST", "/staff/{person}/sessions"): "edit-staff",
    ("POST", "/staff/{person}/totp"): "edit-staff",
    ("GET", "/roster"): Somewhere("see-roster"),
    ("GET", "/roster.csv"): Somewhere("see-roster"),
    ("POST", "/roster/import"): "edit-roster",  # without a grid in the address: for whoever has all of them
    ("POST", "/roster/holiday"): "edit-roster",
    ("POST", "/g/{grid}/roster/shift"): "edit-roster",
    ("POST", "/g/{grid}/roster/shift/delete"): "edit-roster",
    ("POST", "/g/{grid}/roster/swap"): "edit-roster",
    ("POST", "/g/{grid}/roster/swap/delete"): "edit-roster",
    ("GET", "/devices"): Somewhere("edit-devices"),
    ("POST", "/g/{grid}/devices/fit"): "edit-devices",
    ("GET", "/g/{grid}/devices/fit/{fitting}"): "edit-devices",
    ("POST", "/g/{grid}/devices/fit/{fitting}/arm"): "open-case",
    ("POST", "/g/{grid}/devices/release"): "close-case",
    ("GET", "/channels"): "edit-channels",
    ("POST", "/channels"): "edit-channels",
    ("POST", "/channels/{channel}"): "edit-channels",
    ("POST", "/channels/{channel}/delete"): "edit-channels",
    ("POST", "/channels/{channel}/test"): "edit-channels",
    ("GET", "/policy"): "see-policy",
    ("GET", "/trials"): Somewhere("try-policy"),
    ("POST", "/trials"): Somewhere("try-policy"),
    ("GET", "/trials/{trial}"): Somewhere("try-policy"),
    ("POST", "/trials/{trial}/cancel"): Somewhere("try-policy"),
    ("POST", "/trials/{trial}/delete"): Somewhere("try-policy"),
    ("GET", "/g/{grid}/story"): "see-board",
    ("GET", "/g/{grid}/charts"): "see-figures",
    ("GET", "/g/{grid}/h/{building}/{unit}/charts"): "see-household",
    ("GET", "/g/{grid}/c/{checkpoint}/charts"): "see-temperatures",
    ("GET", "/g/{grid}/export"): "export-figures",
    ("GET", "/audit"): "see-audit",
    ("GET", "/audit.csv"): "export-audit",
    ("GET", "/system"): "see-system",
    ("GET", "/rejects"): "see-system",
    ("POST", "/rejects/replay"): "replay-rejects",
}

WITHOUT_SESSION = frozenset({"public", "signed"})
