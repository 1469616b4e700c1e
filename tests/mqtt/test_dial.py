"""Opening a connection where names, addresses and handshakes do not answer."""

from __future__ import annotations

import contextlib
import socket
import ssl
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from edge_agent.config import TlsSettings
from edge_agent.device.messenger import Messenger
from edge_agent.errors import BrokerError
from edge_agent.mqtt.dial import dial
from edge_agent.mqtt.endpoint import Broker, tls_context
from tests.support.broker import wait_until
from tests.support.messaging import settings_for

Start = Callable[..., Messenger]


@pytest.fixture
def silent(monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    """Accepts connections and says nothing. What hangs there does so for as long as a test looks."""
    monkeypatch.setattr("edge_agent.mqtt.dial._STEP_S", 60.0)
    with closing(socket.create_server(("127.0.0.1", 0), backlog=50)) as listener:
        listener.settimeout(30)
        yield listener


def broker_behind(listener: socket.socket, ca: str = "") -> Broker:
    return Broker("localhost", listener.getsockname()[1], tls=tls_context(TlsSettings(enabled=True, ca=ca)))


def test_a_broker_that_does_not_answer_the_handshake_is_given_up_in_time(silent: socket.socket) -> None:
    with pytest.raises(BrokerError, match="cannot be reached: got no answer in time"):
        dial(broker_behind(silent), timeout_s=0.0)
    silent.accept()[0].close()


def test_whoever_waits_may_change_their_mind(silent: socket.socket) -> None:
    answers = iter([False, False, True])
    with pytest.raises(BrokerError):
        dial(broker_behind(silent), lambda: next(answers))
    assert not list(answers)
    silent.accept()[0].close()


def test_what_opens_after_nobody_waits_any_longer_is_closed_without_a_word(
    silent: socket.socket, certificates: Path
) -> None:
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server.load_cert_chain(certificates / "server.crt", certificates / "server.key")
    with pytest.raises(BrokerError):
        dial(broker_behind(silent, str(certificates / "ca.crt")), timeout_s=0.0)
    with silent.accept()[0] as plain:
        plain.settimeout(30)
        secured = server.wrap_socket(plain, server_side=True, suppress_ragged_eofs=True)
        with secured as line, contextlib.suppress(ConnectionError):  # it closed before it read everything
            assert line.recv(1) == b""


def test_attempts_that_hang_do_not_pile_up(silent: socket.socket) -> None:
    broker = broker_behind(silent)
    with ExitStack() as lines:
        for _ in range(8):
            with pytest.raises(BrokerError, match="no answer in time"):
                dial(broker, timeout_s=0.0)
        with pytest.raises(BrokerError, match="earlier attempts still wait for the network"):
            dial(broker, timeout_s=0.0)
        for _ in range(8):
            lines.enter_context(silent.accept()[0])

    def tried_again() -> bool:
        with pytest.raises(BrokerError) as caught:
            dial(broker, timeout_s=0.0)
        return "no answer in time" in str(caught.value)

    wait_until(tried_again, what="an attempt")
    silent.accept()[0].close()


def test_the_publisher_turns_while_a_broker_does_not_answer_the_handshake(
    silent: socket.socket, start_messenger: Start, tmp_path: Path
) -> None:
    settings = settings_for(silent.getsockname()[1], tmp_path, tls=TlsSettings(enabled=True))
    messenger = start_messenger(settings)
    with silent.accept()[0] as line:
        before = messenger.statistics().publisher.turned_at
        wait_until(lambda: messenger.statistics().publisher.turned_at > before + 0.5, what="a turn")
        line.setblocking(False)
        assert line.recv(65536)  # what begins the handshake
        with pytest.raises(BlockingIOError):  # still the same attempt
            line.recv(1)


def test_dead_name_servers_hold_nobody_up(tmp_path: Path) -> None:
    servers = tmp_path / "resolv.conf"
    servers.write_text("nameserver 127.0.0.53\noptions timeout:30 attempts:5\n")
    program = (
        "from edge_agent.errors import BrokerError\n"
        "from edge_agent.mqtt.endpoint import Broker\n"
        "from edge_agent.mqtt.dial import dial\n"
        "asked = []\n"
        "try:\n"
        "    dial(Broker('broker.school.test'), lambda: asked.append(1) or len(asked) == 5)\n"
        "except BrokerError as error:\n"
        "    print(len(asked), error)\n"
    )
    inside = 'mount --bind "$0" /etc/resolv.conf && exec "$1" -c "$2"'
    command = ["unshare", "--mount", "sh", "-c", inside, str(servers), sys.executable, program]
    with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as name_server:
        try:
            name_server.bind(("127.0.0.53", 53))
        except OSError:
            pytest.skip("only root may play a name server, and none may run at 127.0.0.53")
        ran = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        if ran.returncode:
            pytest.skip(f"the files of the name service cannot be replaced here: {ran.stderr}")
        name_server.settimeout(5)
        assert b"school" in name_server.recv(512)
    assert ran.stdout.startswith("5 broker broker.school.test:1883 cannot be reached: got no answer in time")
