"""A Kafka that asks who its clients are, over TLS: every client of ours gets in with the settings, and none without."""

import asyncio
import ssl
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
import trustme
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._scram import ScramCredentialInfo, ScramMechanism, UserScramCredentialUpsertion
from cryptography.hazmat.primitives import serialization

from deploy.doctor import external
from deploy.embedded import kafka as embedded
from runtime.environment.settings import EngineSettings, KafkaSettings, SettingsError, load
from runtime.kafka import KafkaUnavailable, client_config, ensure_topics, require_topics
from runtime.streams.transport import aiokafka_access
from schemas.topics import EVENTS_RAW, EVENTS_RESOLVED
from tests.engines import HOST, READY_S, free_port, running
from tests.runtime.topic_log import eventually, read_topic
from tests.runtime.workers import worker

USER, PASSWORD, OTHER = "stitchline", "p;ss='w\\rd", "scram-only"


class Secured:
    """A broker with two listeners for clients: one asks for a password, one for a certificate."""

    def __init__(self, folder: Path, inside: str, password_port: int, certificate_port: int) -> None:
        self.folder = folder
        self.inside = inside
        self.password_port = password_port
        self.certificate_port = certificate_port

    def by_password(
        self, user: str = USER, password: str = PASSWORD, mechanism: str = "PLAIN"
    ) -> dict[str, str]:
        return self._environ(self.password_port) | {
            "KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
            "KAFKA_SASL_MECHANISM": mechanism,
            "KAFKA_SASL_USERNAME": user,
            "KAFKA_SASL_PASSWORD": password,
        }

    def by_certificate(self) -> dict[str, str]:
        return self._environ(self.certificate_port) | {
            "KAFKA_SECURITY_PROTOCOL": "SSL",
            "KAFKA_SSL_CERTIFICATE_FILE": str(self.folder / "client.pem"),
            "KAFKA_SSL_KEY_FILE": str(self.folder / "client.key"),
        }

    def _environ(self, port: int) -> dict[str, str]:
        return {
            "KAFKA_BOOTSTRAP_SERVERS": f"{HOST}:{port}",
            "KAFKA_SSL_CA_FILE": str(self.folder / "authority.pem"),
            "KAFKA_ANSWER_TIMEOUT_S": "30",
            "STITCHLINE_PARTITIONS": "2",
            "STITCHLINE_REPLICATION_FACTOR": "1",
            "STITCHLINE_MIN_INSYNC_REPLICAS": "1",
        }


def listeners(folder: Path, password_port: int, certificate_port: int) -> dict[str, str]:
    """What makes the embedded broker ask; PEM files, so that no Java key store is needed."""
    login = "org.apache.kafka.common.security"
    quoted = PASSWORD.replace("\\", "\\\\")
    tls = {
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": str(folder / "broker.pem"),
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": str(folder / "authority.pem"),
    }
    asked = {
        "sasl.enabled.mechanisms": "PLAIN,SCRAM-SHA-512",
        "plain.sasl.jaas.config": f'{login}.plain.PlainLoginModule required user_{USER}="{quoted}";',
        "scram-sha-512.sasl.jaas.config": f"{login}.scram.ScramLoginModule required;",
    }
    return {
        **{f"listener.name.password.{name}": value for name, value in (tls | asked).items()},
        **{f"listener.name.certificate.{name}": value for name, value in tls.items()},
        "listener.name.certificate.ssl.client.auth": "required",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,PASSWORD:SASL_SSL,CERTIFICATE:SSL",
        "inter.broker.listener.name": "PLAINTEXT",
        "added": f",PASSWORD://{HOST}:{password_port},CERTIFICATE://{HOST}:{certificate_port}",
    }


def pkcs8(key: bytes) -> bytes:
    """The one form of a key that Java reads."""
    forms = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    return serialization.load_pem_private_key(key, None).private_bytes(*forms)


def write_certificates(folder: Path) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(folder / "authority.pem"))
    brokers = authority.issue_cert(HOST)
    chain = b"".join(pem.bytes() for pem in brokers.cert_chain_pems)
    (folder / "broker.pem").write_bytes(pkcs8(brokers.private_key_pem.bytes()) + chain)
    ours = authority.issue_cert("stitchline.example")
    ours.cert_chain_pems[0].write_to_path(str(folder / "client.pem"))
    ours.private_key_pem.write_to_path(str(folder / "client.key"))


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secured]:
    folder = tmp_path_factory.mktemp("secured")
    write_certificates(folder)
    jars = embedded.fetch(load(EngineSettings, {}).cache_path, lambda text: None)
    broker = embedded.Broker(
        data=folder / "kafka", port=free_port(), controller_port=free_port(), heap_mb=256
    )
    ports = free_port(), free_port()
    embedded.prepare(broker, jars, lambda text: None)
    wanted = embedded.server_properties(broker) | listeners(folder, *ports)
    added = wanted.pop("added")
    wanted |= {name: wanted[name] + added for name in ("listeners", "advertised.listeners")}
    embedded.write_properties(broker, wanted)
    with running(embedded.command(broker, jars), folder / "kafka.log"):
        embedded.wait_ready(broker.bootstrap, READY_S)
        yield Secured(folder, broker.bootstrap, *ports)


def test_a_whole_worker_runs_over_tls_with_a_password(secured: Secured, tmp_path: Path) -> None:
    environ = secured.by_password() | {
        "STITCHLINE_TOPIC_PREFIX": "by-password-",
        "STITCHLINE_HASH_KEY": "0" * 32,
        "PROCESSOR_STATE_DIR": str(tmp_path / "state"),
        "PROCESSOR_METRICS_PORT": str(free_port()),
    }
    ensure_topics(load(KafkaSettings, environ))
    with worker(environ, tmp_path / "log") as process:
        process.wait_ready()
        send(environ)
        eventually(lambda: resolved(secured, environ) == 1)
        assert process.stop() == 0
    assert PASSWORD not in (tmp_path / "log").read_text()


def send(environ: Mapping[str, str]) -> None:
    settings = load(KafkaSettings, environ)
    producer = Producer(client_config(settings) | {"enable.idempotence": True})
    producer.produce(EVENTS_RAW.full_name(settings.topic_prefix), b"someone", partition=0)
    assert producer.flush(30) == 0


def resolved(secured: Secured, environ: Mapping[str, str]) -> int:
    """Records of the step's output, as the broker's own listener without a password shows them."""
    inside = {name: value for name, value in environ.items() if not name.startswith("KAFKA_S")}
    settings = load(KafkaSettings, inside | {"KAFKA_BOOTSTRAP_SERVERS": secured.inside})
    return len(read_topic(settings, EVENTS_RESOLVED.name))


def test_a_certificate_of_ours_is_enough_where_one_is_asked_for(secured: Secured) -> None:
    settings = load(KafkaSettings, secured.by_certificate() | {"STITCHLINE_TOPIC_PREFIX": "by-certificate-"})
    ensure_topics(settings)
    require_topics(settings)
    context = aiokafka_access(settings)["ssl_context"]
    assert isinstance(context, ssl.SSLContext)
    assert context.verify_mode == ssl.CERT_REQUIRED


def test_a_password_by_scram_gets_in_and_a_wrong_one_does_not(secured: Secured) -> None:
    admin = AdminClient(client_config(load(KafkaSettings, secured.by_password())))
    secret = ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, 4096)
    change = UserScramCredentialUpsertion(OTHER, secret, PASSWORD.encode())
    for done in admin.alter_user_scram_credentials([change]).values():
        done.result(30)
    environ = secured.by_password(OTHER, mechanism="SCRAM-SHA-512") | {"STITCHLINE_TOPIC_PREFIX": "by-scram-"}
    ensure_topics(load(KafkaSettings, environ))
    wrong = environ | {"KAFKA_SASL_PASSWORD": "guessed", "KAFKA_ANSWER_TIMEOUT_S": "5"}
    with pytest.raises(KafkaUnavailable):
        require_topics(load(KafkaSettings, wrong))


def test_a_broker_that_nobody_we_trust_signed_is_not_talked_to(secured: Secured) -> None:
    stranger = secured.by_password() | {"KAFKA_SSL_CA_FILE": "", "KAFKA_ANSWER_TIMEOUT_S": "5"}
    with pytest.raises(KafkaUnavailable):
        require_topics(load(KafkaSettings, stranger))


def test_the_doctor_asks_as_every_process_does(secured: Secured) -> None:
    environ = secured.by_password()
    assert not asyncio.run(external("KAFKA_BOOTSTRAP_SERVERS", environ)).is_bad
    assert asyncio.run(
        external("KAFKA_BOOTSTRAP_SERVERS", environ | {"KAFKA_SASL_PASSWORD": "guessed"})
    ).is_bad


def test_a_file_that_cannot_be_read_is_named() -> None:
    environ = {"KAFKA_SSL_CA_FILE": "/nowhere/authority.pem"}
    client_config(load(KafkaSettings, environ))  # not asked for without TLS
    with pytest.raises(SettingsError, match=r"KAFKA_SSL_CA_FILE: /nowhere/authority\.pem cannot be read"):
        client_config(load(KafkaSettings, environ | {"KAFKA_SECURITY_PROTOCOL": "SSL"}))


def test_settings_that_are_shown_tell_no_password() -> None:
    environ = {"KAFKA_SASL_PASSWORD": PASSWORD, "KAFKA_SSL_KEY_PASSWORD": PASSWORD}
    assert repr(load(KafkaSettings, environ)) == "<KafkaSettings PLAINTEXT 127.0.0.1:9092>"


def test_without_these_settings_nothing_is_asked_for() -> None:
    assert aiokafka_access(load(KafkaSettings, {})) == {"security_protocol": "PLAINTEXT"}
    assert not [name for name in client_config(load(KafkaSettings, {})) if name.startswith(("s", "ssl"))]
