"""The draft of the assessment in German."""

from edge_agent.notice.words.assessment import AssessmentWords

GERMAN = AssessmentWords(
    thousands=".",
    title="Datenschutz-Folgenabschätzung: {name}",
    open="**[auszufüllen]**",
    draft="**Entwurf.** `edge-agent notice` (Version {version}) hat ihn am {date} aus den Einstellungen mit dem "
    "Fingerabdruck `{fingerprint}` erstellt. Er füllt aus, was in den Einstellungen steht. {open} kennzeichnet, was "
    "nur die verantwortliche Stelle beantworten kann. Er ist keine Rechtsberatung, und eine Folgenabschätzung ist erst "
    "fertig, wenn jemand sie beurteilt hat.",
    sample="**Muster.** Die Kamera dieser Einstellungen ist `{source}`: eine Simulation oder eine Aufnahme, keine "
    "laufende Kamera.",
    headings=(
        "Zweck und Notwendigkeit",
        "Verantwortliche Stelle, Auftragsverarbeitung, Datenschutzbeauftragte",
        "Rechtsgrundlage",
        "Personen im Bild",
        "Arten von Daten",
        "Empfänger",
        "Speicherdauer",
        "Maßgebliche Einstellungen",
        "Risiken und Maßnahmen",
        "Information, Rechte und Löschung",
        "Anhörung und Entscheidung",
    ),
    purpose="Zweck: {purpose}",
    purpose_questions=(
        "Ließe er sich ohne Kamera oder mit einem Fragebogen erreichen?",
        "Ließe er sich mit längeren Zeitabschnitten, einer größeren Gruppe oder in weniger Stunden erreichen?",
    ),
    parties_head=("Rolle", "wer"),
    roles=(
        "verantwortliche Stelle",
        "wer die Erklärung abgegeben hat",
        "Auftragsverarbeiter, mit Vertrag",
        "Datenschutzbeauftragte",
        "Fragen und Widerspruch",
        "Aufsichtsbehörde",
    ),
    no_declaration="In den Einstellungen steht keine Erklärung. Ohne sie startet keine laufende Kamera.",
    declared="Erklärt: die Grundlage `{basis}`, in `{jurisdiction}`, im Umfeld `{setting}`.",
    basis_questions=("Gesetz und Artikel:", "Wer hat festgestellt, dass sie trägt, und wann:"),
    recorded="Das Gerät hat diese Erklärung am {date} aufgezeichnet. Sein Status veröffentlicht den Hash `{hash}`.",
    prohibition="Artikel 5 Absatz 1 Buchstabe f der Verordnung (EU) 2024/1689 (KI-Verordnung) verbietet KI-Systeme, "
    "die am Arbeitsplatz und in Bildungseinrichtungen Emotionen ableiten, außer aus medizinischen Gründen oder "
    "Sicherheitsgründen.",
    why_allowed="Warum das dieser Verwendung nicht entgegensteht:",
    duty_to_inform="Artikel 50 Absatz 3 derselben Verordnung verlangt von den Betreibern eines "
    "Emotionserkennungssystems, die betroffenen Personen zu informieren. Artikel 50 Absatz 5 sagt, wann: klar und "
    "spätestens bei der ersten Aussetzung. Nach Artikel 113 gilt beides ab dem 2. August 2026. Dafür sind die Schilder "
    "da, die mit diesem Entwurf erstellt werden. Sie hängen dort, wo man sie sieht, bevor man im Bild ist.",
    other_laws="Außerhalb des Europäischen Wirtschaftsraums bestimmen andere Gesetze, worüber Personen zu informieren "
    "sind und was verboten ist.",
    which_laws="Welche Gesetze geprüft wurden:",
    people_questions=(
        "Wer ist im Bild, wie viele, in welchem Alter:",
        "Wer kann den Raum nicht meiden (Besuch, Reinigungspersonal, der Flur hinter einer offenen Tür):",
    ),
    only_zones="Nur diese Bereiche werden ausgewertet: {names}.",
    left_out="Ausgelassen: {names}.",
    unnamed_zone="ein Bereich ohne Namen",
    whole_view="Das ganze Bild der Kamera wird ausgewertet: Die Einstellungen nennen keine Bereiche.",
    categories_head=("Daten", "was"),
    picture=("Bild", "im Arbeitsspeicher des Geräts, etwa eine Sekunde; nie gespeichert, nie gesendet"),
    figures=("Zahlen über die Gruppe", "im Abstand von {window}: Zahl der Gesichter, Anteile der Ausdrücke"),
    faces=(
        "Ereignisse zu jedem Gesicht",
        "eine Zufallskennung, die nach der Sitzung nichts mehr bedeutet, der Ausdruck, Wahrscheinlichkeiten, Zeiten",
    ),
    place=", die Stelle im Bild",
    state=("Zustand des Geräts", "online, Version, Kamera, Temperatur, Probleme; keine Person"),
    declaration=("Erklärung", "Grundlage und ein Hash über MQTT; der Name bleibt auf dem Gerät"),
    only_group="Nichts über ein einzelnes Gesicht verlässt das Gerät.",
    group_of_one="Zahlen werden auch gesendet, wenn nur eine Person im Bild ist: `min_group` ist 1.",
    small_groups="Sind weniger als {min_group} Personen im Bild, entstehen keine Zahlen.",
    a_guess="Ein Ausdruck ist, was ein Gesicht zu zeigen scheint, so wie ein Programm es schätzt. Etwa jede dritte "
    "Schätzung ist falsch.",
    specially_protected="Ob das Recht hier dies als biometrische oder sonst besonders geschützte Daten behandelt:",
    recipients_head=("Empfänger", "was"),
    broker=("Broker", "{host}, Port {port}, {way}. {answer}"),
    on_the_device="auf dem Gerät",
    encrypted="verschlüsselt (TLS)",
    not_encrypted="**nicht verschlüsselt**",
    people="Personen",
    page=("Seite der Schule", "Lehrpersonen sehen nur ihre eigenen Räume; jeder Blick wird protokolliert"),
    home_assistant="nimmt die Zahlen vom Broker; Speicherdauer dort: {open}",
    metrics="der Zustand des Geräts an Port {port}, für {who}",
    collector="ein Programm auf dem Gerät",
    everybody="**alle im Netzwerk**",
    other_programs="andere Programme am Broker",
    retention_head=("Ort", "was", "wie lange"),
    device="Gerät",
    kept_picture=("Bild", "etwa eine Sekunde, im Arbeitsspeicher"),
    kept_events="Ereignisse und Zahlen, in {where}",
    in_memory="Arbeitsspeicher, bis das Gerät ausgeschaltet wird",
    after_delivery="{hours} nach der Zustellung",
    until_delivery="bis zur Zustellung",
    at_most="; ist der Broker weg, höchstens {rows} Ereignisse",
    or_megabytes=" oder {megabytes} MB",
    kept_declarations=("`declarations.jsonl`, Zustand „geschlossen“", "unbegrenzt"),
    kept_audit=("`audit.log`: Befehle und Schließungen", "die neuesten vier Megabyte"),
    kept_state=("Zustand des Geräts, sein letztes Lebenszeichen, sein Sollzustand", "bis zur Entfernung"),
    kept_for_others=(
        "Ereignisse für Programme, die gerade weg sind",
        "wie es die Datei des Brokers sagt: 14 Tage in der, die zu diesem Projekt gehört",
    ),
    page_name="Seite",
    kept_page="Zahlen, Blicke auf Räume, Exporte",
    backups=("Sicherungen", "von Seite, Broker und Einstellungen"),
    check_says="`edge-agent check` sagt, welche davon sich seit diesem Entwurf geändert haben.",
    settings_head=("Einstellung", "Wert"),
    risks_head=("Risiko", "Maßnahme", "was bleibt"),
    risk_faces=(
        "**Einzelne Gesichter werden veröffentlicht.** Wer die Sitzordnung kennt, kann die Kinder unterscheiden.",
        '`[privacy] level = "summary"` veröffentlicht nur die Gruppe.',
    ),
    risk_boxes=(
        "**Die Stellen der Gesichter werden veröffentlicht**: Ein Platz verrät ein Kind.",
        "`[privacy] boxes = false`",
    ),
    risk_small=(
        "**Kleine Gruppen**: Zahlen werden ab {min_group} Personen gesendet.",
        "`[privacy] min_group = {better}` oder mehr",
    ),
    risk_member=(
        "**Ein Mitglied der Gruppe**: Zwei Zahlen, mit einem Kind und ohne es, sagen etwas über dieses Kind.",
        "Offenlegungskontrolle (`[privacy] blur = {blur}`): Zahlen sind grob, gelten für Abschnitte von {hold} oder "
        "mehr und werden unter geheimen Schwellen zurückgehalten",
    ),
    risk_exact=(
        "**Genaue Zahlen**: Zwei davon, mit einem Kind und ohne es, sagen etwas über dieses Kind.",
        "`[privacy] blur = {blur}`, die Voreinstellung",
    ),
    risk_short=(
        "**Kurze Zeitabschnitte**: Zwei Zahlen kurz nacheinander, mit einem Kind und ohne es, sagen etwas über dieses "
        "Kind.",
        'ein längeres `[summary] window_s`, ein größeres `min_group` oder `[privacy] level = "summary"` mit `blur`',
    ),
    risk_plain=(
        "**Auf dem Weg zum Broker ist nichts verschlüsselt**: Wer im Netzwerk ist, kann mitlesen.",
        "das Gerät anmelden: `edge-agent enrol` setzt `[mqtt.tls]`",
    ),
    risk_led=("**Niemand sieht, ob die Kamera offen ist.**", "ein Licht daneben: `[led] name`"),
    risk_metrics=(
        "**Der Zustand des Geräts ist im Netzwerk offen**, ohne Passwort.",
        '`[metrics] address = "127.0.0.1"`',
    ),
    risk_home_assistant=(
        "**Home Assistant führt einen eigenen Verlauf**, den hier keine Einstellung begrenzt.",
        "dessen Aufzeichnung begrenzen oder `[home_assistant] enabled = false`",
    ),
    risks_of_all=(
        (
            "**Falsche Ergebnisse, die als Tatsachen gelten**: Etwa jedes dritte ist falsch, und nicht bei allen "
            "Menschen gleich oft.",
            "niemand wird danach benotet, bestraft oder diagnostiziert; `uncertain` wird gezeigt; wer die Ergebnisse "
            "sieht, wird geschult",
        ),
        (
            "**Druck** auf Menschen, die wissen, dass sie beobachtet werden.",
            "Schließen außerhalb des Zwecks; die Schilder; Widerspruch",
        ),
        (
            "**Ein gestohlenes Gerät.**",
            "kein Bild darauf; was es behält, steht in Abschnitt 7; `edge-agent fleet revoke`",
        ),
        (
            "**Fremde am Broker.**",
            "ein Konto für jedes Gerät und jedes Programm, Zugriffsregeln, Zertifikate",
        ),
        (
            "**Neugier im Kollegium.**",
            "Rollen: Lehrpersonen sehen nur ihre eigenen Räume; die Seite protokolliert, wer hingesehen hat",
        ),
        (
            "**Spätere Verwendung für einen anderen Zweck.**",
            "diese Folgenabschätzung; die Aufzeichnung der Erklärungen; das Protokoll der Seite",
        ),
    ),
    signs_say="Die Schilder sagen, was geschieht, durch wen und wo man widerspricht.",
    what_happens="Was in diesem Raum geschieht, wenn jemand widerspricht:",
    erased_group="Zahlen einer Gruppe lassen sich keiner Person zuordnen. Darum werden sie nach Raum und Zeit "
    "gelöscht, nicht nach Namen.",
    erased_faces="Ereignisse tragen Zufallskennungen. Nur wer weiß, wer wann wo saß, kann die einer Person finden. "
    "Darum werden sie nach Raum und Zeit gelöscht.",
    erasure="Löschung, Ort für Ort:",
    steps=(
        "1. Zuerst die Kamera schließen, auf der Seite oder am Broker. Sie bleibt zu, bis jemand sie öffnet.",
        "mit Ihrem Konto",
        "2. Ereignisse und Zahlen auf dem Gerät.",
        "3. Die Seite, auf ihrem Rechner. Wo sie kein Dienst ist, heißt der Befehl: edge-agent dashboard erase.",
        "   Auf der Seite für den Datenschutz tut ein Knopf dasselbe. --from und --to nennen eine Zeit.",
        "   Exporte gehören denen, die sie gemacht haben; das Protokoll der Seite nennt sie.",
        "4. Was der Broker vom Gerät behält; damit endet auch dessen Zugang.",
        "5. Sicherungen: Sie laufen ab, wie Abschnitt 7 sagt. Verlangt das Recht es, löschen Sie sie früher.",
    ),
    decision_questions=(
        "Schülerinnen und Schüler wurden angehört:",
        "Eltern wurden angehört:",
        "Personal oder Personalvertretung wurden angehört:",
        "Rat der Datenschutzbeauftragten:",
        "Die Behörde wurde gefragt, falls das Risiko hoch bleibt:",
        "Entschieden von wem, wann, bis wann:",
        "Was es beenden würde:",
    ),
)
