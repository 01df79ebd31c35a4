"""Definitions of rules and destinations: every form that is taken, for the tests of reading and of schemas."""

from typing import Any

import yaml

_ACTION = "action: {event: {name: Noted}}"

TRIGGERS: list[Any] = yaml.safe_load("""
- event: {event: Signed Up}
- event: {event: [Signed Up, Signed In], type: track, where: [{path: properties.plan, op: in, value: [pro, team]}]}
- event: {event: "*", where: [{any: {path: products, where: [{path: category, op: eq, value: shoes}]}}]}
- pixel: {source: shop, event: Menu Opened, where: [{path: properties.item, op: exists}]}
- source: {channels: [Email], sources: [newsletter], mediums: [email], campaigns: [spring]}
- segment: {entered: vip, initial: true}
- segment: {left: vip}
- cart_abandoned: {}
- cart_abandoned: {where: [{path: commerce.value, op: gte, value: 50}]}
- trait: {name: plan}
- trait: {name: address.city, from: {op: missing}, to: {op: matches, value: "^B"}}
- contact: {change: added}
- contact: {change: deleted, channel: phone, lists: [customers], mailers: [spring-mail]}
- absence: {after: {event: Signed Up}, of: {event: Order Completed}, within: 3d}
- schedule: {cron: "0 9 * * mon", timezone: Europe/Berlin, segment: vip}
""")

ACTIONS: list[Any] = yaml.safe_load("""
- webhook: {destination: crm}
- webhook: {destination: crm, type: cart, body: {items: [{sku: "{{ event.properties.sku }}"}], n: 1}}
- http: {destination: crm, method: GET, path: "/a/{{ profile.user_id }}", query: {q: a}, headers: {X-A: b}}
- http: {destination: crm, json: {text: a}}
- http: {destination: crm, method: PUT, form: {To: "{{ profile.phone }}"}}
- http: {destination: crm, text: a}
- email: {destination: mail, subject: a, text: b}
- email: {destination: mail, subject: a, html: b, to: a@shop.example, from: b@shop.example, reply_to: c@shop.example}
- kafka: {destination: bus}
- kafka: {destination: bus, key: a, value: [1, {a: b}]}
- list: {add: customers}
- list: {remove: customers, address: "{{ event.properties.email }}"}
- trait: {set: {stage: won, n: 3}}
- event: {name: Noted, properties: {a: "{{ event.name }}"}}
""")

MORE: list[Any] = yaml.safe_load("""
- conditions: {where: [{path: a, op: eq, value: 1}], in_segments: [vip], not_in_segments: [staff], bots: include,
    traits: [{name: plan, op: eq, value: pro}], consent: [marketing]}
- limits: {caps: [{max: 1, within: 7d}, {max: 3, within: 30d}], once: true, quota: {max: 1000}, delay: 1h, expires_after: 2d,
    quiet_hours: {start: "21:00", end: "08:00", timezone: Europe/Berlin, then: drop}}
- limits: {quota: {max: 5, per: total}}
- {level: project, mode: test, description: a, workspace: second}
- {level: email_campaign, object: spring, replaces: [wide], mode: "off"}
- {level: phone_opt_out_list, object: no-calls}
- {trigger: {schedule: {cron: "*/15 8-18 * * *"}}, action: {webhook: {destination: crm}}}
- {trigger: {schedule: {cron: "0 9 * * *"}}, action: {email: {destination: mail, to: a@shop.example, subject: a, text: b}}}
""")

DESTINATIONS: list[Any] = yaml.safe_load("""
- {destination: crm, http: {url: "https://crm.example/in"}}
- {destination: crm, integration: CRM, concurrency_max: 5, requests_per_s_max: 2.5, description: a, workspace: second,
   http: {url: "http://127.0.0.1:9/in", signing_secrets: ["env:A", "file:/b"], headers: {X-A: b}, timeout_s: 3,
          secret_headers: {Authorization: "env:C"}, allow_private_addresses: true}}
- {destination: crm, http: {url: "https://crm.example"}, default_actions: true,
   actions: {Signed Up: null, Product Viewed: {webhook: {destination: crm, type: viewed}}}}
- {destination: mail, smtp: {host: smtp.example, from: "Shop <shop@shop.example>"}}
- {destination: mail, smtp: {host: "::1", from: a@shop.example, port: 2525, security: none, username: a, password: "env:P"}}
- {destination: bus, kafka: {topic: marketing.firings}}
""")


def rules() -> list[Any]:
    """Each trigger, action and further part in a rule of its own."""
    action, trigger = yaml.safe_load(_ACTION), {"trigger": {"contact": {"change": "added"}}}
    return [
        *({"rule": "a", "trigger": each, **action} for each in TRIGGERS),
        *({"rule": "a", **trigger, "action": each} for each in ACTIONS),
        *({"rule": "a", **trigger, **action, **each} for each in MORE),
    ]
