"""A real Kafka that lets clients in only by SCRAM over TLS. Its plain listener is for itself and for the harness."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path
from typing import Final

from stream.tools.broker import HOST, Kafka, free_port

USER: Final = "lapse"
PASSWORD: Final = "correct-horse-7f3a"  # noqa: S105 (looked for in everything that is printed)
_STORE_PASSWORD: Final = "changeit"  # noqa: S105 (of a key that lives as long as the test)


class SecureKafka(Kafka):
    """SASL_SSL with SCRAM-SHA-256 on `secure`; the plain `bootstrap` stays."""

    def __init__(self) -> None:
        """Make a key and a certificate for 127.0.0.1 (with Java's own tool)."""
        super().__init__()
        self._secure_port = free_port()
        self._keys = tempfile.TemporaryDirectory(prefix="lapse-keys-")
        self._format_more = ("--add-scram", f"SCRAM-SHA-256=[name={USER},password={PASSWORD}]")
        store = [
            "-keystore",
            str(self._store),
            "-storetype",
            "PKCS12",
            "-storepass",
            _STORE_PASSWORD,
            "-alias",
            "kafka",
        ]
        make = ["-genkeypair", "-keyalg", "RSA", "-validity", "2", "-dname", "CN=lapse-test", "-ext", f"san=ip:{HOST}"]
        for words in ([*make, "-ext", "bc=ca:true"], ["-exportcert", "-rfc", "-file", str(self.authority)]):
            subprocess.run(["keytool", *words, *store], check=True, capture_output=True)

    @property
    def _store(self) -> Path:
        return Path(self._keys.name, "broker.p12")

    @property
    def authority(self) -> Path:
        """The certificate that clients must trust."""
        return Path(self._keys.name, "ca.pem")

    @property
    def secure(self) -> str:
        """`host:port` of the listener with TLS and passwords."""
        return f"{HOST}:{self._secure_port}"

    def environment(self, password: str = PASSWORD) -> dict[str, str]:
        """What a user sets."""
        return {
            "LAPSE_BOOTSTRAP": self.secure,
            "LAPSE_KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
            "LAPSE_KAFKA_SASL_MECHANISM": "SCRAM-SHA-256",
            "LAPSE_KAFKA_SASL_USERNAME": USER,
            "LAPSE_KAFKA_SASL_PASSWORD": password,
            "LAPSE_KAFKA_SSL_CA_LOCATION": str(self.authority),
        }

    def close(self) -> None:
        """End it, and forget the key."""
        super().close()
        self._keys.cleanup()

    def _properties(self, home: Path) -> dict[str, str]:
        plain, secure = f"PLAINTEXT://{HOST}:{self._port}", f"SASL_SSL://{self.secure}"
        login = "org.apache.kafka.common.security.scram.ScramLoginModule required;"
        return {
            **super()._properties(home),
            "listeners": f"{plain},{secure},CONTROLLER://{HOST}:{self._controller_port}",
            "advertised.listeners": f"{plain},{secure}",
            "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SASL_SSL:SASL_SSL",
            "inter.broker.listener.name": "PLAINTEXT",
            "sasl.enabled.mechanisms": "SCRAM-SHA-256",
            "listener.name.sasl_ssl.scram-sha-256.sasl.jaas.config": login,
            "ssl.keystore.type": "PKCS12",
            "ssl.keystore.location": str(self._store),
            "ssl.keystore.password": _STORE_PASSWORD,
            "ssl.key.password": _STORE_PASSWORD,
        }
