"""The signs in German."""

from edge_agent.notice.words.catalogue import Words

GERMAN = Words(
    language="de",
    seconds=("Sekunde", "Sekunden"),
    minutes=("Minute", "Minuten"),
    hours=("Stunde", "Stunden"),
    days=("Tag", "Tage"),
    bases={
        "consent": "Einwilligung",
        "public_task": "öffentliche Aufgabe",
        "medical": "medizinische Gründe",
        "safety": "Sicherheit",
    },
    title="Eine Kamera in diesem Raum schätzt Gesichtsausdrücke mit dem Computer",
    sample="Muster: Diese Einstellungen nennen eine Simulation oder eine Aufnahme, keine laufende Kamera.",
    what="Dies ist ein Emotionserkennungssystem: Künstliche Intelligenz (KI) schätzt, welchen Ausdruck Gesichter zu "
    "zeigen scheinen, etwa fröhlich, traurig oder überrascht. Was jemand fühlt, kann sie nicht wissen.",
    no_picture="Es wird kein Bild gespeichert oder gesendet. Das System erkennt nicht, wer jemand ist.",
    level_summary="Nur Zahlen über die ganze Gruppe verlassen das Gerät. Abstand: {window}. Das geschieht nur, wenn "
    "mindestens {min_group} Personen im Bild sind.",
    level_summary_one="Nur Zahlen über die Personen im Bild verlassen das Gerät. Abstand: {window}. Das geschieht "
    "auch, wenn nur eine Person im Bild ist.",
    level_faces="Zu jedem Gesicht sendet das Gerät, welchen Ausdruck es zu zeigen scheint und wann er wechselt, unter "
    "einer Zufallsnummer und ohne Namen. Dazu kommen Zahlen über die Gruppe. Abstand: {window}.",
    boxes="Es sendet auch, wo im Bild das Gesicht war.",
    watched="Nur ein Teil des Bildes wird ausgewertet: {names}.",
    ignored="Ein Teil des Bildes wird nicht ausgewertet: {names}.",
    unnamed_zone="Auskunft gibt die unten genannte Person",
    led="Das Licht neben der Kamera leuchtet, solange die Kamera offen ist.",
    wrong="Das Ergebnis ist oft falsch, etwa jedes dritte Mal. Niemand wird danach benotet, bestraft oder beurteilt.",
    kept="Was gesendet wurde, bleibt auf dem Gerät noch gespeichert. Dauer: {kept}.",
    kept_memory="Was gesendet wurde, bleibt auf dem Gerät noch gespeichert, längstens bis zum Ausschalten. "
    "Dauer: {kept}.",
    kept_not="Das Gerät behält nicht, was es gesendet hat.",
    rights="Sie können fragen, was gespeichert ist, widersprechen und die Löschung verlangen.",
    law="Dieses Schild informiert Sie, wie es Artikel 50 Absatz 3 der Verordnung (EU) 2024/1689 (KI-Verordnung) "
    "verlangt.",
    purpose="Wozu",
    basis="Rechtsgrundlage",
    recipients="Wer die Ergebnisse sieht",
    kept_elsewhere="In der Schule gespeichert",
    closed="Die Kamera ist geschlossen",
    controller="Verantwortlich",
    contact="Fragen und Widerspruch",
    officer="Beauftragt für Datenschutz",
    authority="Beschwerden auch an",
    made="Erstellt am {date} für {device}",
    room="Raum {room}",
    child_title="In diesem Raum ist eine Kamera",
    child_what="Ein Computer schaut Gesichter an. Er rät: Sieht dieses Gesicht fröhlich aus, traurig oder überrascht?",
    child_no_picture="Er macht keine Fotos. Er weiß nicht, wie du heißt.",
    child_summary="Er sagt nur, wie ihr alle zusammen ausseht. Über dich allein sagt er nichts.",
    child_summary_one="Er sagt, wie die Leute hier aussehen. Bist du allein hier, dann sagt er es über dich.",
    child_faces="Er sagt zu jedem Gesicht, wie es aussieht. Wem es gehört, sagt er nicht.",
    child_wrong="Der Computer irrt sich oft. Du bekommst dafür keine Noten und keinen Ärger.",
    child_led="Wenn das kleine Licht leuchtet, ist die Kamera an.",
    child_ask="Hast du eine Frage? Möchtest du das nicht? Sprich mit {contact}.",
)
