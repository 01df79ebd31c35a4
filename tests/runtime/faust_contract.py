"""What we rely on in Faust, mode and aiokafka, name by name: the list that docs/faust.md speaks of.

`test_faust_names.py` holds our code to the list, so nothing is used that is not on it; each entry names the test that shows what
we rely on at work. Public names are on the list where our code uses them of an app, of its settings or of a base class.
"""

from typing import NamedTuple

from tests.runtime.faust_names import APP, CONF, Name

# What the contract was written against. After an upgrade: docs/faust.md, "Upgrading".
VERSIONS = {"faust-streaming": "0.15.3", "mode-streaming": "0.7.1", "aiokafka": "0.14.0"}

CONSUMER = "faust.transport.drivers.aiokafka:Consumer"
THREAD = "faust.transport.drivers.aiokafka:AIOKafkaConsumerThread"
TRANSPORT = "faust.transport.drivers.aiokafka:Transport"
SCHEMA = "faust.serializers.schemas:Schema"
BOOT = "faust.app.base:BootStrategy"
FAUST_APP = "faust.app.base:App"


class Promise(NamedTuple):
    """`parameters` of a method that we override, without `self`; () for what is no method. `shown_by`: the test."""

    owner: str
    name: str
    shown_by: str
    parameters: tuple[str, ...] = ()


PROMISES = (
    # Overridden.
    Promise(CONSUMER, "_drain_messages", "test_the_fetcher_runs_our_loop_and_stops_it", ("fetcher",)),
    Promise(CONSUMER, "_new_consumer_thread", "test_the_consumer_is_ours_and_lives_in_our_thread"),
    Promise(CONSUMER, "_thread", "test_the_consumer_is_ours_and_lives_in_our_thread"),
    Promise(
        CONSUMER,
        "commit",
        "test_faust_commits_by_a_timer_and_only_through_us",
        ("topics", "start_new_transaction"),
    ),
    Promise(CONSUMER, "perform_seek", "test_a_rebalance_ends_after_the_seek"),
    Promise(CONSUMER, "verify_event_path", "test_the_verifier_asks_us", ("now", "tp")),
    Promise(
        THREAD,
        "_create_worker_consumer",
        "test_the_consumer_is_ours_and_lives_in_our_thread",
        ("transport",),
    ),
    Promise(
        SCHEMA,
        "compile",
        "test_an_event_holds_the_very_object_that_was_delivered",
        ("app", "on_key_decode_error", "on_value_decode_error", "default_propagate"),
    ),
    Promise(TRANSPORT, "Consumer", "test_the_consumer_is_ours_and_lives_in_our_thread"),
    Promise(FAUST_APP, "BootStrategy", "test_no_producer_is_started_and_none_is_needed"),
    Promise(BOOT, "enable_kafka_producer", "test_no_producer_is_started_and_none_is_needed"),
    # Used of a base class.
    Promise(CONSUMER, "app", "test_the_consumer_is_ours_and_lives_in_our_thread"),
    Promise(CONSUMER, "beacon", "test_the_consumer_is_ours_and_lives_in_our_thread"),
    Promise(CONSUMER, "loop", "test_the_consumer_is_ours_and_lives_in_our_thread"),
    Promise(CONSUMER, "callback", "test_an_event_holds_the_very_object_that_was_delivered"),
    Promise(CONSUMER, "flow_active", "test_the_flow_stands_still_from_the_revocation_to_the_end"),
    Promise(CONSUMER, "should_stop", "test_the_fetcher_runs_our_loop_and_stops_it"),
    Promise(THREAD, "_ensure_consumer", "test_the_consumer_is_ours_and_lives_in_our_thread"),
    Promise(THREAD, "app", "test_the_consumer_is_ours_and_lives_in_our_thread"),
    Promise(THREAD, "_consumer", "test_the_consumer_is_ours_and_lives_in_our_thread"),
    # Used of aiokafka's consumer, in private.
    *(
        Promise("", name, "test_a_group_at_rest_is_told_from_one_that_is_not")
        for name in ("_coordinator", "_heartbeat_task", "_rejoin_needed_fut")
    ),
    # Used of an app.
    Promise(APP, "BootStrategy", "test_no_producer_is_started_and_none_is_needed"),
    Promise(APP, "agent", "test_an_event_holds_the_very_object_that_was_delivered"),
    Promise(APP, "conf", "test_the_settings_that_we_give_are_those_that_we_read"),
    Promise(APP, "consumer", "test_the_consumer_is_ours_and_lives_in_our_thread"),
    Promise(APP, "consumer_generation_id", "test_a_rebalance_ends_after_the_seek"),
    Promise(APP, "crash_reason", "test_an_exception_of_an_agent_ends_the_app_with_its_reason"),
    Promise(APP, "create_event", "test_an_event_holds_the_very_object_that_was_delivered"),
    Promise(APP, "on_partitions_assigned", "test_the_signals_tell_the_app_and_a_set_of_partitions"),
    Promise(APP, "on_partitions_revoked", "test_the_signals_tell_the_app_and_a_set_of_partitions"),
    Promise(APP, "rebalancing", "test_the_flow_stands_still_from_the_revocation_to_the_end"),
    Promise(APP, "start", "test_an_exception_of_an_agent_ends_the_app_with_its_reason"),
    Promise(APP, "stop", "test_the_fetcher_runs_our_loop_and_stops_it"),
    Promise(APP, "topic", "test_an_event_holds_the_very_object_that_was_delivered"),
    Promise(APP, "wait_until_stopped", "test_an_exception_of_an_agent_ends_the_app_with_its_reason"),
    # Used of an app's settings.
    *(
        Promise(CONF, name, "test_the_settings_that_we_give_are_those_that_we_read")
        for name in (
            "broker_client_id",
            "broker_heartbeat_interval",
            "broker_rebalance_timeout",
            "broker_request_timeout",
            "broker_session_timeout",
            "consumer_group_instance_id",
            "consumer_max_fetch_size",
            "consumer_metadata_max_age_ms",
            "id",
        )
    ),
)

OURS = {Name(APP, "access"), Name(APP, "gathering")}  # what we put on the app ourselves


def listed() -> set[Name]:
    return {Name(promise.owner, promise.name) for promise in PROMISES} | OURS
