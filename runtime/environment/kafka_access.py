"""How clients reach a Kafka that asks who they are: TLS, SASL, or both. For librdkafka; aiokafka's half is in transport.py.

Deliberately absent: tokens and Kerberos (OAUTHBEARER, GSSAPI), which need code or tickets beside a password.
"""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta, field

Protocol = Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"]
Mechanism = Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"]


class KafkaAccess(msgspec.Struct, frozen=True, kw_only=True):
    """The first part of KafkaSettings."""

    bootstrap_servers: Annotated[
        str, Meta(description="Where Kafka answers: host:port, comma separated.")
    ] = field(default="127.0.0.1:9092", name="KAFKA_BOOTSTRAP_SERVERS")
    security_protocol: Annotated[
        Protocol,
        Meta(description="`PLAINTEXT`, `SSL`, `SASL_PLAINTEXT` or `SASL_SSL`, as the listener speaks."),
    ] = field(default="PLAINTEXT", name="KAFKA_SECURITY_PROTOCOL")
    sasl_mechanism: Annotated[
        Mechanism, Meta(description="With SASL: `PLAIN`, `SCRAM-SHA-256` or `SCRAM-SHA-512`.")
    ] = field(default="SCRAM-SHA-512", name="KAFKA_SASL_MECHANISM")
    sasl_username: Annotated[str, Meta(description="With SASL: the user.")] = field(
        default="", name="KAFKA_SASL_USERNAME"
    )
    sasl_password: Annotated[str, Meta(description="With SASL: the password.")] = field(
        default="", name="KAFKA_SASL_PASSWORD"
    )
    ssl_ca_file: Annotated[
        str,
        Meta(
            description="With SSL: PEM file of the authorities that sign the brokers; empty: the machine's."
        ),
    ] = field(default="", name="KAFKA_SSL_CA_FILE")
    ssl_certificate_file: Annotated[
        str, Meta(description="With SSL: PEM file of our certificate, where the brokers ask for one.")
    ] = field(default="", name="KAFKA_SSL_CERTIFICATE_FILE")
    ssl_key_file: Annotated[str, Meta(description="With SSL: PEM file of that certificate's key.")] = field(
        default="", name="KAFKA_SSL_KEY_FILE"
    )
    ssl_key_password: Annotated[
        str, Meta(description="With SSL: the password of the key, if it has one.")
    ] = field(default="", name="KAFKA_SSL_KEY_PASSWORD")

    def __repr__(self) -> str:
        """Without the passwords: a stack or a log line may show it."""
        return f"<{type(self).__name__} {self.security_protocol} {self.bootstrap_servers}>"


def librdkafka_access(access: KafkaAccess) -> dict[str, str]:
    """confluent-kafka's settings; none where Kafka asks for nothing."""
    wanted = {"bootstrap.servers": access.bootstrap_servers}
    if access.security_protocol != "PLAINTEXT":
        wanted["security.protocol"] = access.security_protocol
    if has_sasl(access):
        wanted |= {
            "sasl.mechanism": access.sasl_mechanism,
            "sasl.username": access.sasl_username,
            "sasl.password": access.sasl_password,
        }
    if has_tls(access):
        files = {
            "ssl.ca.location": access.ssl_ca_file,
            "ssl.certificate.location": access.ssl_certificate_file,
            "ssl.key.location": access.ssl_key_file,
            "ssl.key.password": access.ssl_key_password,
        }
        wanted |= {name: value for name, value in files.items() if value}
    return wanted


def files_of(access: KafkaAccess) -> dict[str, str]:
    """The files that are needed, by their variables."""
    files = {
        "KAFKA_SSL_CA_FILE": access.ssl_ca_file,
        "KAFKA_SSL_CERTIFICATE_FILE": access.ssl_certificate_file,
        "KAFKA_SSL_KEY_FILE": access.ssl_key_file,
    }
    return {name: path for name, path in files.items() if path} if has_tls(access) else {}


def has_sasl(access: KafkaAccess) -> bool:
    return access.security_protocol.startswith("SASL")


def has_tls(access: KafkaAccess) -> bool:
    return access.security_protocol.endswith("SSL")
