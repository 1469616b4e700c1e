"""The signs for the door and the draft of the assessment: what they say follows the settings."""

from __future__ import annotations

import re
import shutil
import subprocess
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace
from typer.testing import CliRunner

from edge_agent.cli import app
from edge_agent.config import CameraSettings, Settings
from edge_agent.config_file import load_settings
from edge_agent.errors import ConfigError, InputError
from edge_agent.model_format.bundle import read_bundle
from edge_agent.model_format.bundled import BUNDLED_MODELS
from edge_agent.notice import notice_state, write_notice
from edge_agent.notice.details import Details, offer_details, read_details
from edge_agent.notice.pictogram import pictogram
from edge_agent.notice.record import settings_that_matter
from edge_agent.notice.sign import Audience, Sign, make_sign
from edge_agent.notice.words import ASSESSMENT_WORDS, WORDS, AssessmentWords, Language
from edge_agent.notice.writing import assessment_file
from edge_agent.privacy.policy import permit
from tests.support.without_extras import run_without

NOW = 1_790_000_000.0
SCHOOL = """
[device]
site = "north"
id = "pi-3a"
room = "3a"
[policy]
jurisdiction = "CH"
setting = "education"
legal_basis = "public_task"
declared_by = "M. Brown, head of school"
[privacy]
level = "summary"
min_group = 7
[summary]
window_s = 60
[outbox]
path = "OUTBOX"
"""


def school(tmp_path: Path, more: str = "") -> Path:
    config = tmp_path / "agent.toml"
    config.write_text(SCHOOL.replace("OUTBOX", str(tmp_path / "outbox.db")) + more, encoding="utf-8")
    return config


def sign_of(config: Path, audience: Audience = "adults", language: Language = "en", **details: Any) -> Sign:
    settings = load_settings(config)
    return make_sign(
        settings,
        permit(settings.camera, settings.policy),
        Details(**details),
        language=language,
        audience=audience,
        date="2026-11-29",
        fingerprint="0" * 64,
    )


def text_of(config: Path, audience: Audience = "adults", language: Language = "en") -> str:
    sign = sign_of(config, audience, language)
    return " ".join([sign.title, *sign.sentences, *(f"{label} {text}" for label, text in sign.fields)])


@pytest.mark.parametrize("language", WORDS)
@pytest.mark.parametrize("audience", ["adults", "children"])
def test_every_sentence_is_filled_in_in_every_language(tmp_path: Path, language: Language, audience: Audience) -> None:
    more = '[led]\nname = "red"\n[[detector.ignore]]\npoints = [[0,0],[1,0],[1,1]]\n'
    text = text_of(school(tmp_path, more), audience, language)
    assert "{" not in text
    assert "}" not in text


def test_no_language_leaves_a_sentence_in_another() -> None:
    """Only words that are the same in two languages may be the same."""
    for field in ("title", "what", "no_picture", "wrong", "rights", "child_title", "child_what", "child_wrong"):
        said = [getattr(words, field) for words in WORDS.values()]
        assert len(set(said)) == len(said), field


def test_the_group_and_the_window_of_the_settings_are_on_the_sign(tmp_path: Path) -> None:
    text = text_of(school(tmp_path))
    assert "every 1 minute" in text
    assert "at least 7 people" in text
    assert "each face" not in text


def test_a_group_of_one_is_stated(tmp_path: Path) -> None:
    config = school(tmp_path)
    config.write_text(config.read_text().replace("min_group = 7", "min_group = 1"))
    assert "only one person is in view" in text_of(config)
    assert "If you are alone" in text_of(config, "children")


def test_single_faces_are_told_where_they_are_published(tmp_path: Path) -> None:
    config = school(tmp_path)
    config.write_text(config.read_text().replace('level = "summary"', 'level = "faces"\nboxes = true'))
    text = text_of(config)
    assert "For each face" in text
    assert "where in the picture" in text
    assert "for each face how it looks" in text_of(config, "children")


def test_places_of_faces_are_not_told_where_no_face_is_published(tmp_path: Path) -> None:
    config = school(tmp_path)
    config.write_text(config.read_text().replace('level = "summary"', 'level = "summary"\nboxes = true'))
    assert "where in the picture" not in text_of(config)


def test_the_light_and_the_zones_are_told(tmp_path: Path) -> None:
    zones = '[[detector.watch]]\npoints = [[0,0],[1,0],[1,1]]\nname = "front rows"\n'
    plain, rich = text_of(school(tmp_path)), text_of(school(tmp_path, f'[led]\nname = "camera-in-use"\n{zones}'))
    assert "The light" not in plain
    assert "The light" in rich
    assert "front rows" in rich


@pytest.mark.parametrize(
    ("outbox", "stated"),
    [
        ("keep_delivered_h = 48", "for 2 days"),
        ("keep_delivered_h = 1", "for 1 hour."),
        ("keep_delivered_h = 0.5", "for 30 minutes"),
        ("keep_delivered_h = 0", "does not keep"),
    ],
)
def test_retention_on_the_device_is_stated(tmp_path: Path, outbox: str, stated: str) -> None:
    assert stated in text_of(school(tmp_path, outbox + "\n"))


def test_the_law_is_named_only_where_it_holds(tmp_path: Path) -> None:
    config = school(tmp_path)
    assert "Article 50(3)" not in text_of(config)
    text = config.read_text().replace('"CH"', '"DE"').replace('"public_task"', '"medical"')
    config.write_text(text)
    assert "Article 50(3) of Regulation (EU) 2024/1689" in text_of(config)
    assert "Artikel 50 Absatz 3" in text_of(config, language="de")


def test_who_declared_answers_unless_the_school_names_another(tmp_path: Path) -> None:
    config = school(tmp_path)
    assert ("Responsible", "M. Brown, head of school") in sign_of(config).fields
    assert ("Responsible", "Canton") in sign_of(config, controller="Canton").fields


def test_an_answer_for_each_language_is_taken(tmp_path: Path) -> None:
    config = school(tmp_path)
    purpose = {"en": "research", "de": "Forschung"}
    assert ("Wozu", "Forschung") in sign_of(config, language="de", purpose=purpose).fields
    assert ("Finalité", "research") in sign_of(config, language="fr", purpose=purpose).fields


def test_a_simulation_is_called_a_sample(tmp_path: Path) -> None:
    assert text_of(school(tmp_path, '[camera]\nsource = "simulated"\n')).count("Sample:") == 1


@pytest.mark.parametrize("smiling", [True, False])
def test_the_pictogram_is_sound_svg_without_text(smiling: bool) -> None:
    root = ElementTree.fromstring(pictogram(smiling=smiling))
    assert root.tag.endswith("svg")
    assert not [element for element in root.iter() if (element.text or "").strip()]


def test_the_command_writes_signs_assessment_and_answers(tmp_path: Path) -> None:
    config = school(tmp_path)
    result = CliRunner().invoke(app, ["notice", "--config", str(config)])
    assert result.exit_code == 0, result.output
    folder = tmp_path / "agent-notice"
    written = {path.name for path in folder.iterdir()}
    for language in WORDS:
        for stem in ("sign", "sign-children"):
            assert {f"{stem}-{language}.html", f"{stem}-{language}.pdf"} <= written
    assert {"assessment.md", "details.toml", "fingerprint.json"} <= written
    assert "north/pi-3a" in (folder / "assessment.md").read_text()


def test_an_undeclared_or_forbidden_camera_gets_no_sign(tmp_path: Path) -> None:
    config = school(tmp_path)
    config.write_text(config.read_text().replace('"CH"', '"DE"'))
    with pytest.raises(ConfigError, match="prohibits"):
        write_notice(load_settings(config), tmp_path / "out", "agent.toml", NOW, ())
    assert not (tmp_path / "out").exists()


def test_an_unknown_language_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="one of en, de, fr, es, id"):
        write_notice(load_settings(school(tmp_path)), tmp_path / "out", "agent.toml", NOW, ["xx"])


def test_the_answers_of_the_school_are_never_overwritten(tmp_path: Path) -> None:
    settings, folder = load_settings(school(tmp_path)), tmp_path / "out"
    write_notice(settings, folder, "agent.toml", NOW, ["en"])
    (folder / "details.toml").write_text('contact = "Ms. Green"\n')
    write_notice(settings, folder, "agent.toml", NOW, ["en"])
    assert (folder / "details.toml").read_text() == 'contact = "Ms. Green"\n'
    assert "Talk to Ms. Green." in (folder / "sign-children-en.html").read_text()


def test_an_assessment_that_was_worked_on_is_kept(tmp_path: Path) -> None:
    settings, folder = load_settings(school(tmp_path)), tmp_path / "out"
    for _ in range(2):
        written = write_notice(settings, folder, "agent.toml", NOW, ["en"])
        assert written.files[-1].name == "assessment.md"
    (folder / "assessment.md").write_text("our judgement")
    for _ in range(2):
        written = write_notice(settings, folder, "agent.toml", NOW, ["en"])
        assert written.files[-1].name == "assessment.new.md"
        assert any("is kept" in note for note in written.notes)
    assert (folder / "assessment.md").read_text() == "our judgement"


def test_the_answers_to_fill_in_name_every_answer(tmp_path: Path) -> None:
    offer_details(tmp_path)
    keys = re.findall(r'^(\w+) = ""', (tmp_path / "details.toml").read_text(), re.MULTILINE)
    assert tuple(keys) == Details.__struct_fields__


@pytest.mark.parametrize("content", ['colour = "red"', "contact = 3", 'contact = { xx = "a" }', "contact ="])
def test_answers_that_are_not_understood_are_named(tmp_path: Path, content: str) -> None:
    (tmp_path / "details.toml").write_text(content)
    with pytest.raises(ConfigError, match=r"details\.toml"):
        read_details(tmp_path)


HOSTILE = '<script>alert(1)</script> "quoted" | `code` [x](http://y) \u2028 Łukasz 名'


def test_names_full_of_markup_stay_text(tmp_path: Path) -> None:
    config = school(tmp_path)
    settings = load_settings(config)
    settings = replace(
        settings,
        device=replace(settings.device, room=HOSTILE),
        policy=replace(settings.policy, declared_by="B <b>rown</b>"),
    )
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / "details.toml").write_bytes(b"contact = " + msgspec.json.encode(HOSTILE))
    written = write_notice(settings, folder, "agent.toml", NOW, ["en", "de"])
    html = (folder / "sign-en.html").read_text()
    assert "<script" not in html
    assert "&lt;script&gt;" in html
    draft = (folder / "assessment.md").read_text()
    assert "<script" not in draft
    assert not re.search(r"(?<!\\)\]\(http", draft)
    assert any("Ł" in note or "名" in note for note in written.notes)


def test_a_page_needs_nothing_from_elsewhere(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    write_notice(load_settings(school(tmp_path)), folder, "agent.toml", NOW, ["fr"])
    html = (folder / "sign-fr.html").read_text()
    assert "<script" not in html
    assert not re.findall(r'(?:src|href|url)\s*[=(]\s*"?[^"\s>)]+', html)
    assert re.findall(r"https?://[^\s\"]+", html) == ["http://www.w3.org/2000/svg"]


@pytest.mark.skipif(shutil.which("pdftotext") is None, reason="poppler-utils is not installed")
@pytest.mark.parametrize("audience", ["sign", "sign-children"])
def test_the_pdf_is_one_page_with_the_same_words(tmp_path: Path, audience: str) -> None:
    folder = tmp_path / "out"
    write_notice(load_settings(school(tmp_path)), folder, "agent.toml", NOW, ["de"])
    pdf = folder / f"{audience}-de.pdf"
    text = subprocess.run(["pdftotext", pdf, "-"], capture_output=True, text=True, check=True, timeout=60).stdout
    assert text.count("\f") == 1
    words = WORDS["de"]
    expected = words.no_picture if audience == "sign" else words.child_no_picture
    assert expected in " ".join(text.split())


@pytest.mark.skipif(shutil.which("pdftotext") is None, reason="poppler-utils is not installed")
def test_the_pdf_has_curly_quotes_dashes_and_the_euro_sign(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    school_name = "L’école „Šafránek“ – Œuvre… 5 €"
    (folder / "details.toml").write_text(f'controller = "{school_name}"\n')
    written = write_notice(load_settings(school(tmp_path)), folder, "agent.toml", NOW, ["fr"])
    text = subprocess.run(
        ["pdftotext", folder / "sign-fr.pdf", "-"], capture_output=True, text=True, check=True, timeout=60
    ).stdout
    assert school_name in " ".join(text.split())
    assert not any("€" in note for note in written.notes)


def test_a_very_long_answer_makes_smaller_type_or_a_second_page(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    long = "word " * 110
    answers = "".join(f'{key} = "{long}"\n' for key in Details.__struct_fields__)
    (folder / "details.toml").write_text(answers)
    write_notice(load_settings(school(tmp_path)), folder, "agent.toml", NOW, ["id"])
    assert (folder / "sign-id.pdf").read_bytes().startswith(b"%PDF")


def test_two_runs_from_the_same_settings_give_the_same_fingerprint(tmp_path: Path) -> None:
    settings = load_settings(school(tmp_path))
    prints = []
    for name in ("a", "b"):
        write_notice(settings, tmp_path / name, "agent.toml", NOW, ["en"])
        prints.append(msgspec.json.decode((tmp_path / name / "fingerprint.json").read_bytes())["fingerprint"])
    assert prints[0] == prints[1]


def check(config: Path, *arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["check", str(config), *arguments])
    return result.exit_code, result.output + (str(result.exception) if result.exit_code else "")


def test_check_says_that_there_are_no_signs_yet(tmp_path: Path) -> None:
    code, said = check(school(tmp_path))
    assert code == 0
    assert "no signs for the door" in said


def test_check_says_nothing_of_signs_for_a_simulation(tmp_path: Path) -> None:
    assert "sign" not in check(school(tmp_path, '[camera]\nsource = "simulated"\n'))[1]


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("min_group = 7", "min_group = 8", "privacy.min_group was 7, is 8"),
        ('level = "summary"', 'level = "faces"', 'privacy.level was "summary", is "faces"'),
        ("window_s = 60", "window_s = 5", "summary.window_s was 60.0, is 5.0"),
        ("M. Brown", "N. Green", "policy.declared_by"),
        ('jurisdiction = "CH"', 'jurisdiction = "US-CA"', "policy.jurisdiction"),
        ("[outbox]", "[outbox]\nkeep_delivered_h = 1", "outbox.keep_delivered_h was 24.0, is 1.0"),
        ("[outbox]", '[led]\nname = "x"\n[outbox]', 'led.name was "", is "x"'),
        ("[outbox]", "[[detector.watch]]\npoints = [[0,0],[1,0],[1,1]]\n[outbox]", "detector.watch was []"),
        ("[outbox]", '[classifier]\nprior = "training"\n[outbox]', 'classifier.prior was "half", is "training"'),
        ("[outbox]", '[classifier]\nmodel = "edge-tiny"\n[outbox]', 'classifier.model was "", is "edge-tiny"'),
        ("[outbox]", '[camera]\nsource = "csi"\n[outbox]', 'camera.source was "v4l2", is "csi"'),
        ("[outbox]", '[camera]\npath = "/dev/video2"\n[outbox]', 'camera.path was "/dev/video0", is "/dev/video2"'),
        ("[outbox]", '[mqtt]\nhost = "b.lan"\n[outbox]', 'mqtt.host was "localhost", is "b.lan"'),
        ("[outbox]", "[mqtt]\nport = 8883\n[outbox]", "mqtt.port was 1883, is 8883"),
        ("[outbox]", "[home_assistant]\nenabled = true\n[outbox]", "home_assistant.enabled was false, is true"),
        ("[outbox]", "[metrics]\nport = 9105\n[outbox]", "metrics.port was 0, is 9105"),
        ("[outbox]", "[resting_face]\nlearn = false\n[outbox]", "resting_face.learn was true, is false"),
        ("min_group = 7", "min_group = 7\nblur = 0", "privacy.blur was 18, is 0"),
        ("min_group = 7", "min_group = 7\nhold_s = 300", "privacy.hold_s was 150.0, is 300.0"),
        ("[outbox]", "[outbox]\nmax_rows = 5000", "outbox.max_rows was"),
    ],
)
def test_check_names_what_has_changed_since(tmp_path: Path, before: str, after: str, said: str) -> None:
    config = school(tmp_path)
    assert CliRunner().invoke(app, ["notice", "--config", str(config), "--language", "en"]).exit_code == 0
    code, unchanged = check(config)
    assert code == 0
    assert "sign" not in unchanged
    config.write_text(config.read_text().replace(before, after))
    code, changed = check(config)
    assert code == 0
    assert said in changed


def test_another_network_camera_is_named_without_its_password(tmp_path: Path) -> None:
    config = school(tmp_path, '[camera]\nsource = "rtsp"\nurl = "rtsp://eve:s3cret@cam1.lan/a?pwd=s3cret"\n')
    CliRunner().invoke(app, ["notice", "--config", str(config), "--language", "en"])
    assert "sign" not in check(config)[1]
    config.write_text(config.read_text().replace("cam1", "cam2"))
    changed = check(config)[1]
    assert "camera.url" in changed
    assert "cam2.lan" in changed
    assert "s3cret" not in changed
    assert "s3cret" not in (tmp_path / "agent-notice" / "fingerprint.json").read_text()
    assert "s3cret" not in (tmp_path / "agent-notice" / "assessment.md").read_text()


def test_signs_of_an_earlier_version_are_not_outdated_by_what_their_record_does_not_hold(tmp_path: Path) -> None:
    settings = load_settings(school(tmp_path, '[camera]\npath = "/dev/v4l/by-id/x"\n[mqtt]\nport = 8884\n'))
    folder = tmp_path / "out"
    write_notice(settings, folder, "agent.toml", NOW, ["en"])
    path = folder / "fingerprint.json"
    record = msgspec.json.decode(path.read_bytes())
    for key in ("camera.path", "camera.url", "mqtt.port", "resting_face.learn"):
        del record["settings"][key]
    path.write_bytes(msgspec.json.encode(record))
    assert notice_state(settings, folder, "agent.toml", asked=True) == []


def _drafts(tmp_path: Path, config: Path) -> dict[Language, str]:
    folder = tmp_path / "drafts"
    write_notice(load_settings(config), folder, "agent.toml", NOW, [])
    return {language: (folder / assessment_file(language)).read_text(encoding="utf-8") for language in WORDS}


@pytest.mark.parametrize("level", ["summary", "faces"])
def test_the_draft_is_the_same_in_every_language(tmp_path: Path, level: str) -> None:
    more = '[mqtt]\nhost = "b.lan"\n[metrics]\nport = 9105\naddress = "0.0.0.0"\n[home_assistant]\nenabled=true\n'
    config = school(tmp_path, more)
    text = config.read_text().replace('level = "summary"', f'level = "{level}"').replace("= 7", "= 2")
    config.write_text(text.replace('jurisdiction = "CH"', 'jurisdiction = "DE"').replace("public_task", "medical"))
    drafts = _drafts(tmp_path, config)
    shapes = {
        language: (
            [line.count("|") for line in draft.splitlines() if line.startswith("|")],
            len(re.findall("^## ", draft, re.MULTILINE)),
            sorted(re.findall("`([a-z_]+[.=][^`]*)`", draft)),
            draft.count(ASSESSMENT_WORDS[language].open),
            [line for line in draft.splitlines() if line.startswith("sudo ")],
        )
        for language, draft in drafts.items()
    }
    assert all(shape == shapes["en"] for shape in shapes.values())
    for draft in drafts.values():
        assert not re.findall(r"\{\w+\}", draft)


def test_no_sentence_of_the_draft_is_left_in_another_language() -> None:
    def said(words: AssessmentWords) -> dict[str, object]:
        return {name: getattr(words, name) for name in words.__slots__}

    english = said(ASSESSMENT_WORDS["en"])
    for language, words in ASSESSMENT_WORDS.items():
        for name, text in said(words).items():
            if language != "en" and name != "broker" and len(str(text)) > 25:
                assert text != english[name], (language, name)
            assert sorted(re.findall(r"\{\w+\}", repr(text))) == sorted(re.findall(r"\{\w+\}", repr(english[name])))
            assert repr(text).count("`") == repr(english[name]).count("`"), (language, name)


def test_a_draft_that_was_worked_on_is_kept_in_its_language_alone(tmp_path: Path) -> None:
    settings, folder = load_settings(school(tmp_path)), tmp_path / "out"
    write_notice(settings, folder, "agent.toml", NOW, ["en", "de"])
    (folder / "assessment-de.md").write_text("unser Urteil")
    write_notice(settings, folder, "agent.toml", NOW, ["fr"])
    written = write_notice(settings, folder, "agent.toml", NOW, ["en", "de", "fr"])
    names = {path.name for path in written.files}
    assert {"assessment.md", "assessment-de.new.md", "assessment-fr.md"} <= names
    assert (folder / "assessment-de.md").read_text() == "unser Urteil"
    assert [note for note in written.notes if "is kept" in note and "assessment-de.md" in note]


def test_answers_stand_in_the_language_of_the_draft(tmp_path: Path) -> None:
    folder = tmp_path / "drafts"
    folder.mkdir()
    (folder / "details.toml").write_text('purpose = { en = "quiet lessons", de = "ruhige Stunden" }')
    drafts = _drafts(tmp_path, school(tmp_path))
    assert "Zweck: ruhige Stunden" in drafts["de"]
    assert "quiet lessons" in drafts["fr"]


def test_check_notices_another_model_in_the_same_file(tmp_path: Path) -> None:
    model = tmp_path / "own.tflite"
    shutil.copy(BUNDLED_MODELS["edge"], model)
    config = school(tmp_path)
    config.write_text(config.read_text() + f'[classifier]\nmodel = "{model}"\n')
    assert CliRunner().invoke(app, ["notice", "--config", str(config), "--language", "en"]).exit_code == 0
    assert "sign" not in check(config)[1]
    shutil.copy(BUNDLED_MODELS["edge-tiny"], model)
    code, changed = check(config)
    assert code == 0
    before, after = (read_bundle(BUNDLED_MODELS[name]).model_id for name in ("edge", "edge-tiny"))
    assert f'the model in the file of classifier.model was "{before}", is "{after}"' in changed
    model.unlink()
    record = msgspec.json.decode((tmp_path / "agent-notice" / "fingerprint.json").read_bytes())
    assert record["model"] == before


def test_a_record_of_an_older_version_says_nothing_about_the_model(tmp_path: Path) -> None:
    settings, folder = load_settings(school(tmp_path)), tmp_path / "out"
    write_notice(settings, folder, "agent.toml", NOW, ["en"])
    record = msgspec.json.decode((folder / "fingerprint.json").read_bytes())
    del record["model"]
    (folder / "fingerprint.json").write_bytes(msgspec.json.encode(record))
    assert notice_state(settings, folder, "agent.toml", asked=True) == []


def test_check_says_that_the_answers_have_changed(tmp_path: Path) -> None:
    config = school(tmp_path)
    CliRunner().invoke(app, ["notice", "--config", str(config), "--language", "en"])
    (tmp_path / "agent-notice" / "details.toml").write_text('contact = "Ms. Green"')
    assert 'contact in details.toml was "", is "Ms. Green"' in check(config)[1]


def test_settings_that_concern_nobody_do_not_outdate_the_signs(tmp_path: Path) -> None:
    config = school(tmp_path)
    CliRunner().invoke(app, ["notice", "--config", str(config), "--language", "en"])
    config.write_text(config.read_text() + "[mqtt]\nkeepalive_s = 99\n[classifier]\nthreads = 2\n")
    assert "sign" not in check(config)[1]


def test_a_key_of_a_later_version_counts_only_away_from_its_default(tmp_path: Path) -> None:
    settings, folder = load_settings(school(tmp_path)), tmp_path / "out"
    write_notice(settings, folder, "agent.toml", NOW, ["en"])
    path = folder / "fingerprint.json"
    record = msgspec.json.decode(path.read_bytes())
    del record["settings"]["privacy.boxes"], record["settings"]["privacy.min_group"]
    path.write_bytes(msgspec.json.encode(record))
    [line] = notice_state(settings, folder, "agent.toml", asked=True)
    assert "privacy.min_group was 5, is 7" in line
    assert "boxes" not in line


def test_a_folder_that_was_named_and_has_no_signs_is_an_error(tmp_path: Path) -> None:
    code, said = check(school(tmp_path), "--notice", str(tmp_path / "nowhere"))
    assert code != 0
    assert "no signs were made here" in said


@pytest.mark.parametrize("content", [b"", b"{}", b"\xff", b'{"v":2}', b"[" * 100_000])
def test_a_broken_record_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "fingerprint.json").write_bytes(content)
    with pytest.raises(InputError, match=r"fingerprint\.json: broken"):
        notice_state(Settings(), tmp_path, "agent.toml", asked=True)


def test_the_record_holds_no_secret() -> None:
    camera = CameraSettings(source="rtsp", url="rtsp://viewer:Blue77@camera.example/stream?token=Green88")
    recorded = settings_that_matter(Settings(camera=camera))
    assert not [key for key in recorded if re.search(r"pass|user|tls\.(ca|cert|key)", key)]
    assert "camera.example" in str(recorded)
    assert not re.search("viewer|Blue77|Green88", str(recorded))


def test_without_the_extra_the_html_is_there_and_the_pdf_is_explained(tmp_path: Path) -> None:
    code = (
        "from pathlib import Path; from edge_agent.config_file import load_settings; "
        "from edge_agent.notice import write_notice; "
        f"w = write_notice(load_settings(Path({str(school(tmp_path))!r})), Path({str(tmp_path / 'out')!r}), 'x', 1e9, "
        "['en']); print(w.notes)"
    )
    result = run_without(code, absent=("fpdf",))
    assert "no PDF was made" in result.stdout
    assert (tmp_path / "out" / "sign-en.html").exists()
    assert not (tmp_path / "out" / "sign-en.pdf").exists()


EXAMPLE = Path(__file__).parents[2] / "docs" / "notice-example"


def test_the_example_is_up_to_date_and_finished() -> None:
    assert notice_state(load_settings(EXAMPLE / "agent.toml"), EXAMPLE, "agent.toml", asked=True) == []
    assert "to be filled in" not in (EXAMPLE / "assessment.md").read_text(encoding="utf-8")


def test_the_example_has_the_sections_of_the_draft(tmp_path: Path) -> None:
    shutil.copy(EXAMPLE / "details.toml", tmp_path)
    write_notice(load_settings(EXAMPLE / "agent.toml"), tmp_path, "agent.toml", NOW, ["en"])
    headings = [
        re.findall(r"^#+ .*$", (folder / "assessment.md").read_text(encoding="utf-8"), re.MULTILINE)
        for folder in (EXAMPLE, tmp_path)
    ]
    assert headings[0] == headings[1]


def test_checking_writes_nothing(tmp_path: Path) -> None:
    config, folder = school(tmp_path), tmp_path / "out"
    write_notice(load_settings(config), folder, "agent.toml", NOW, ["en"])
    (folder / "details.toml").unlink()
    check(config, "--notice", str(folder))
    assert not (folder / "details.toml").exists()


def test_risks_name_the_settings_that_raise_them(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    careful = school(tmp_path, '[led]\nname = "x"\n[mqtt]\nhost = "b.lan"\ntls = { enabled = true }\n')
    write_notice(load_settings(careful), folder, "agent.toml", NOW, ["en"])
    draft = (folder / "assessment.md").read_text()
    for risk in ("Single faces", "Small groups", "Nothing is encrypted", "Nobody sees", "open to the network"):
        assert risk not in draft
    careless = school(
        tmp_path,
        '[mqtt]\nhost = "b.lan"\n[metrics]\nport = 9105\naddress = "0.0.0.0"\n[home_assistant]\nenabled=true\n',
    )
    text = careless.read_text().replace('level = "summary"', 'level = "faces"\nboxes = true').replace("= 7", "= 2")
    careless.write_text(text)
    write_notice(load_settings(careless), folder, "agent.toml", NOW, ["en"])
    draft = (folder / "assessment.md").read_text()
    for risk in ("Single faces", "Places of faces", "Small groups", "Nothing is encrypted", "Nobody sees"):
        assert risk in draft
    assert "open to the network" in draft
    assert "Home Assistant keeps" in draft


@pytest.mark.parametrize(
    ("level", "blur", "said", "measure"),
    [
        ("summary", 18, "One member of the group", "blur = 18`)"),
        ("summary", 0, "Exact figures", "blur = 18`,"),
        ("faces", 18, "Short windows", "window_s`"),
    ],
)
def test_what_protects_one_member_of_the_group_is_a_measure_and_its_absence_a_risk(
    tmp_path: Path, level: str, blur: int, said: str, measure: str
) -> None:
    config = school(tmp_path)
    text = config.read_text().replace("window_s = 60", "window_s = 5")
    config.write_text(text.replace('level = "summary"', f'level = "{level}"\nblur = {blur}'))
    write_notice(load_settings(config), tmp_path / "out", "agent.toml", NOW, ["en"])
    risks = (tmp_path / "out" / "assessment.md").read_text().split("| risk |")[1].split("\n\n")[0]
    [row] = [line for line in risks.splitlines() if f"**{said}**" in line]
    assert measure in row
    assert (
        sum(risks.count(f"**{other}**") for other in ("One member of the group", "Exact figures", "Short windows")) == 1
    )


def test_the_erasure_commands_name_this_device(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    write_notice(load_settings(school(tmp_path)), folder, "agent.toml", NOW, ["en"])
    draft = (folder / "assessment.md").read_text()
    assert "classroom/v1/north/pi-3a/desired" in draft
    assert f"{tmp_path}/outbox.db*" in draft
    assert "edge-agent fleet revoke north/pi-3a" in draft
