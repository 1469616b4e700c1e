"""Addresses are judged in one place, and no message shows what may be a secret of one."""

from __future__ import annotations

import logging
import re
import string
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from edge_agent.addresses.arguments import without_arguments
from edge_agent.addresses.masking import (
    NOT_QUOTED,
    is_address_by_mistake,
    shown_host,
    shown_path,
    shown_secret_path,
    shown_url,
)
from edge_agent.addresses.parsing import Address, parse_camera_url, parse_host
from edge_agent.addresses.scrubbing import scrubbed
from edge_agent.addresses.setting_values import shown_value
from edge_agent.config import CameraSettings
from edge_agent.errors import BrokerError, InputError, Rejected
from edge_agent.files import refuse_address
from edge_agent.mqtt.dial import dial
from edge_agent.mqtt.endpoint import Broker
from edge_agent.system.logs import set_up_logging
from tests.support.malformed import MALFORMED, SECRET


def test_an_address_gives_its_parts() -> None:
    address = parse_camera_url("RTSP://us%3Aer:p%40s:s@[fe80::1%25eth0]:8554/live?channel=2", "rtsp")
    assert isinstance(address, Address)
    assert (address.scheme, address.host, address.port) == ("rtsp", "fe80::1%eth0", 8554)
    assert (address.username, address.password, address.rest) == ("us:er", "p@s:s", "/live?channel=2")


@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), min_size=1, max_size=20))
def test_credentials_come_back_from_the_complete_address_whatever_they_hold(password: str) -> None:
    address = Address("rtsp", "cam.local", 554).with_credentials("admin", password)
    again = parse_camera_url(address.complete(), "rtsp")
    assert isinstance(again, Address)
    assert (again.username, again.password) == ("admin", password)
    assert str(again) == "rtsp://cam.local"


@pytest.mark.parametrize("url", MALFORMED)
def test_a_malformed_address_is_refused_in_words_that_quote_nothing_of_it(url: str) -> None:
    judged = parse_camera_url(url, "rtsp")
    assert isinstance(judged, Rejected)
    assert SECRET not in judged.reason
    for shown in (shown_url(url), shown_host(url), shown_path(url), shown_secret_path(url)):
        assert SECRET not in shown
    assert SECRET not in shown_value(url, "$.device.room")
    assert SECRET not in repr(CameraSettings(source="rtsp", url=url, path=url, password_file=url))


@pytest.mark.parametrize("url", MALFORMED)
def test_what_others_say_of_a_malformed_address_is_shown_without_its_secret(url: str) -> None:
    assert SECRET not in scrubbed(f"[rtsp @ 0x55] could not open '{url}': refused", url)


@pytest.mark.parametrize(
    "text",
    ["a", ":", "a:", "//", "a@", "a:/b", "rtsp://", "x" * 99 + " @", "https://t?k=a/b+c:d"],
)
def test_what_others_say_is_searched_in_a_moment_however_it_was_made(text: str) -> None:
    """Two thousand letters took 16 s and twice as many eight times that, and the whole program waited."""
    began = time.process_time()
    for whole in (text * (40_000 // len(text)), "@" + text * (40_000 // len(text)), text * (40_000 // len(text)) + "@"):
        scrubbed(whole)
    assert time.process_time() - began < 20


@pytest.fixture
def set_up_logs() -> Iterator[None]:
    """Logging as the commands set it up, and as it was again after the test."""
    root, own = logging.getLogger(), logging.getLogger("edge_agent")
    handlers, level, own_level = root.handlers[:], root.level, own.level
    set_up_logging()
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    own.setLevel(own_level)


@pytest.mark.parametrize("url", [url for url in MALFORMED if "@" in url and "\n" not in url])
@pytest.mark.usefixtures("set_up_logs")
def test_a_log_line_shows_no_user_of_an_address(url: str, capfd: pytest.CaptureFixture[str]) -> None:
    logging.getLogger("edge_agent.test").warning("the camera at %s is gone", url)
    assert SECRET not in capfd.readouterr().err


KEYS = (
    *("user", "usr", "username", "login", "pwd", "pass", "password", "passwd", "token", "auth", "key", "secret", "sig"),
    *("session", "sid", "apikey", "access_token", "X-Auth", "psk", "credential", "passphrase", "PassWord"),
)


@given(
    key=st.sampled_from(KEYS),
    before=st.sampled_from(["/s?", "/s?a=1&", "/s?a=1;", "/", "/a=1&", "/channel=1_", "?", "/s?x%26"]),
    encoded=st.booleans(),
    upper=st.booleans(),
    sign=st.sampled_from(["=", "%3D", "%253d"]),
)
def test_every_value_whose_name_could_be_a_credential_is_hidden(
    key: str, before: str, encoded: bool, upper: bool, sign: str
) -> None:
    name = key.upper() if upper else key
    name = "".join(f"%{ord(letter):02x}" for letter in name) if encoded else name
    url = f"rtsp://cam.local{before}{name}{sign}{SECRET}&end=1"
    for shown in (shown_url(url), scrubbed(f"opening {url} failed")):
        assert SECRET not in shown
        assert "cam.local" in shown


@pytest.mark.parametrize("sign", ["/", "?", "&", ";", "#", "="])
@pytest.mark.parametrize("before", ["/s?password=Pa", "/s;password=Pa", "/user=a_password=Pa", "/s?a=1&u=adm&p=Pa"])
def test_a_value_is_hidden_to_its_end_whatever_it_holds(before: str, sign: str) -> None:
    for shown in (
        shown_url(f"rtsp://cam.local{before}{sign}{SECRET}"),
        scrubbed(f"open rtsp://cam.local{before}{sign}{SECRET}"),
    ):
        assert SECRET not in shown
    assert "end=1" in shown_url(f"rtsp://cam.local{before}&end=1")


@pytest.mark.parametrize(
    "text", ["rtsp://adm:{}", "rtsp://cam:554:{}/s", "location=cam user-pw={} ! sink", "cam;password={}"]
)
def test_a_password_in_an_unusual_place_of_a_text_is_hidden(text: str) -> None:
    assert SECRET not in scrubbed(f"cannot open {text.format(SECRET)}: refused")


@example(around="", end="://", scheme="")
@example(around="", end=" ", scheme="//")
@given(
    around=st.text(string.ascii_letters + string.digits + "#?%:/@\\ [];=&.＠：", max_size=12),
    end=st.text("#?%:/@\\ =&", max_size=4),
    scheme=st.sampled_from(["rtsp://", "rtsp:/", "http://", "", "//", "rtsp:\\\\"]),
)
def test_an_address_with_any_password_is_shown_without_it(around: str, end: str, scheme: str) -> None:
    url = f"{scheme}admin:{around}{SECRET}{end}@cam.local:554/stream"
    assert SECRET not in shown_url(url)
    assert SECRET not in scrubbed(f"open {url}: error", url)
    if scheme or " " not in url:
        assert SECRET not in scrubbed(f"open {url}: error")


@pytest.mark.parametrize("host", ["broker", "broker.school.lan", "10.0.0.5", "::1", "fe80::1%eth0", "my_pi.local", "x"])
def test_a_host_alone_is_accepted(host: str) -> None:
    assert parse_host(host) == host


@pytest.mark.parametrize(
    ("host", "words"),
    [
        ("", '""'),
        ("mqtt://broker", "scheme"),
        (f"mqtt://user:{SECRET}@broker", "user name or password"),
        (f"user:{SECRET}@broker", "user name or password"),
        (f"user：{SECRET}＠broker", "user name or password"),
        ("10.0.0.5:1883", "with a port"),
        (f"user:{SECRET}", "with a port"),
        ("[::1]", "in brackets"),
        ("[::1]:1883", "in brackets"),
        ("broker.local/", "with a path"),
        ("\\\\broker", "with a path"),
        (" broker", "space"),
        ("bro ker", "space"),
        ("broker\n", "space"),
        ("broker.local.", "dot at its end"),
        ("10.0.0", "IPv4"),
        ("10.0.0.256", "IPv4"),
        ("239.1.2.3", "many machines"),
        ("255.255.255.255", "many machines"),
        ("250.0.0.1", "many machines"),
        ("ff02::1", "many machines"),
        ("ff02::1%eth0", "many machines"),
        ("a..b", "no host name"),
        ("-broker", "no host name"),
        ("*", "no host name"),
        ("b" * 64, "no host name"),
        ("::1::", "with a port"),
    ],
)
def test_what_is_no_host_alone_is_refused_by_name(host: str, words: str) -> None:
    judged = parse_host(host)
    assert isinstance(judged, Rejected)
    assert words in judged.reason
    assert SECRET not in f"{judged.reason} {Broker(host)} {Broker(host)!r}".replace(f"host='{host}'", "")
    with pytest.raises(BrokerError, match=re.escape(judged.reason)) as caught:
        dial(Broker(host))
    assert SECRET not in str(caught.value)


def test_a_broker_s_password_is_in_none_of_its_texts() -> None:
    broker = Broker("::1", 1883, password=SECRET)
    assert str(broker) == "[::1]:1883"
    assert SECRET not in repr(broker)


def test_a_password_in_the_place_of_its_file_is_not_quoted() -> None:
    assert shown_secret_path(SECRET) == shown_secret_path(f"Blue/{SECRET}") == NOT_QUOTED
    assert shown_secret_path("/etc/edge-agent/camera.pw") == "/etc/edge-agent/camera.pw"
    assert shown_path("lesson.mp4") == "lesson.mp4"


@pytest.mark.parametrize("path", [f"admin@{SECRET}@127.0.0.1", f"{SECRET}@127.0.0.1", f"admin:{SECRET}"])
def test_a_name_that_is_no_file_is_not_quoted_where_it_may_be_an_address(path: str) -> None:
    assert shown_path(path) == NOT_QUOTED


@pytest.mark.parametrize("url", [url for url in MALFORMED if "@" in url and "\n" not in url])
def test_what_is_said_of_a_command_line_quotes_no_argument_with_a_password(url: str) -> None:
    for message in (
        f"--port {url}: no number",
        f"{Path(url)}: no such file",
        f"{Path(url).absolute()}: gone",
        f"{url!r}",
    ):
        assert SECRET not in without_arguments(message, ["watch", f"--port={url}", url])


@pytest.mark.parametrize(
    "word",
    [
        *(
            "cam:554/adm/{}",
            "rtsp://cam/s#adm:{}",
            "adm:{}",
            "cam\uff1a554/{}",
            "rtsp://adm:{}",
            "rtsp://cam:{}",
            "{}:cam",
        ),
        *("rtsp://cam/s adm {}", "rtsp://cam/s -u adm:{}", "cam:1883:adm:{}", "cam,adm,{}", "cam;user=adm;word={}"),
        *(
            "rtsp://cam:554:{}/s",
            "http://cam/s?u=adm&p={}",
            "http://cam/s?un=adm&pd={}",
            "\u2236//adm\u2236{}",
            "adm@{}@cam",
            "http://cam/a.jpg?u=adm&p={}",
        ),
        *("rtsp://cam:554@adm:{}/s", "location=rtsp://cam user-pw={} ! sink", "http://cam/adm:{}/s", "{}|adm"),
    ],
)
def test_what_may_be_a_secret_without_an_at_sign_is_not_quoted(word: str) -> None:
    word = word.format(SECRET)
    ending = f"got the ending {Path(word).suffix}"
    for message in (f"{word}: no such file", f"{Path(word)}: no such file", f"{Path(word).absolute()}: gone", ending):
        assert SECRET not in without_arguments(message, ["check", word])


@pytest.mark.parametrize("key", ["$.device.id", "$.camera.fps", "$.mqtt.root", "$.policy.setting"])
def test_a_list_of_words_in_the_place_of_a_value_is_not_quoted(key: str) -> None:
    assert SECRET not in shown_value(f"broker,adm,{SECRET}", key)
    assert SECRET not in shown_path(f"broker,adm,{SECRET}")
    assert shown_value("0,5", key) == "'0,5'"
    assert shown_value("room 2b, north", key) == "'room 2b, north'"


@pytest.mark.parametrize(
    "path", ["rtsp:/adm:{}@cam/s", "/tmp/rtsp:/cam/{}", "adm:{}@cam", "a/http:/{}", "cam;password={}", "adm@{}@cam"]
)
def test_no_file_is_made_whose_name_is_an_address(path: str) -> None:
    assert is_address_by_mistake(Path(path.format(SECRET)))
    assert SECRET not in shown_path(f"/home/pi/{path.format(SECRET)}")
    with pytest.raises(InputError) as refused:
        refuse_address(Path(path.format(SECRET)))
    assert SECRET not in str(refused.value)
    assert not is_address_by_mistake(Path("/dev/v4l/by-path/pci-0:1.2:1.0-video-index0"))
    assert not is_address_by_mistake(Path("/home/pi/2026-11-23T08:00/photo@2x.png"))


def test_what_is_said_of_a_command_line_quotes_ordinary_arguments() -> None:
    for word in (
        *(
            "pi@school.local",
            "photo@2x.png",
            "2026-11-23T08:00",
            "rtsp://cam/s",
            "host:1883",
            "/etc/a.toml",
            "[::1]:1883",
        ),
        *(
            "Müller, Anna (2).jpg",
            "0.5,0.5",
            "school/+",
            "#",
            "/dev/v4l/by-path/pci-0:1.2:1.0-video-index0",
            "fe80::1%eth0",
        ),
        *("http://cam.local:81/capture?size=640x480&a=1", "../lessons/2b.mp4", "it's.png"),
    ):
        assert without_arguments(f"{word}: no", ["--option", word, f"--option={word}"]) == f"{word}: no"


def test_ordinary_text_stays_as_it_is() -> None:
    for text in (
        "metrics at http://127.0.0.1:9100/metrics",
        "broker [::1]:1883 cannot be reached: got refused",
        "/dev/v4l/by-path/platform-3f980000.usb-usb-0:1.2:1.0-video-index0: got no such device",
        quote("a b"),
    ):
        assert scrubbed(text) == text
