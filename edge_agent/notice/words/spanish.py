"""The signs in Spanish."""

from edge_agent.notice.words.catalogue import Words

SPANISH = Words(
    language="es",
    seconds=("segundo", "segundos"),
    minutes=("minuto", "minutos"),
    hours=("hora", "horas"),
    days=("día", "días"),
    bases={
        "consent": "consentimiento",
        "public_task": "misión de interés público",
        "medical": "razones médicas",
        "safety": "seguridad",
    },
    title="Una cámara en esta sala estima expresiones faciales por ordenador",
    sample="Muestra: estos ajustes nombran una simulación o una grabación, no una cámara en directo.",
    what="Este es un sistema de reconocimiento de emociones: una inteligencia artificial (IA) estima qué expresión "
    "parecen mostrar las caras, por ejemplo alegre, triste o sorprendida. No puede saber lo que alguien siente.",
    no_picture="No se guarda ni se envía ninguna imagen. El sistema no reconoce quién es una persona.",
    level_summary="Solo salen del dispositivo cifras sobre todo el grupo. Intervalo: {window}. Deben verse al menos "
    "{min_group} personas.",
    level_summary_one="Solo salen del dispositivo cifras sobre las personas que se ven. Intervalo: {window}. También "
    "es así cuando se ve a una sola persona.",
    level_faces="De cada cara, el dispositivo envía qué expresión parece mostrar y cuándo cambia, con un número "
    "aleatorio y sin nombre. También envía cifras sobre el grupo. Intervalo: {window}.",
    boxes="También envía en qué lugar de la imagen estaba la cara.",
    watched="Solo se analiza una parte de la imagen: {names}.",
    ignored="Una parte de la imagen no se analiza: {names}.",
    unnamed_zone="pregunte a la persona indicada abajo",
    led="La luz junto a la cámara está encendida mientras la cámara está abierta.",
    wrong="El resultado es a menudo erróneo, más o menos una de cada tres veces. No se califica, castiga ni juzga a "
    "nadie por él.",
    kept="El dispositivo guarda lo que ha enviado. Duración: {kept}.",
    kept_memory="El dispositivo guarda lo que ha enviado, como mucho hasta que se apaga. Duración: {kept}.",
    kept_not="El dispositivo no guarda lo que ha enviado.",
    rights="Puede preguntar qué se guarda, oponerse y pedir que se borre.",
    law="Este cartel le informa como exige el artículo 50, apartado 3, del Reglamento (UE) 2024/1689 (Reglamento de "
    "IA).",
    purpose="Para qué",
    basis="Base jurídica",
    recipients="Quién ve los resultados",
    kept_elsewhere="Tiempo que se guarda en la escuela",
    closed="La cámara está cerrada",
    controller="Responsable",
    contact="Preguntas y oposición",
    officer="Delegado de protección de datos",
    authority="Reclamaciones también a",
    made="Hecho el {date} para {device}",
    room="sala {room}",
    child_title="En esta sala hay una cámara",
    child_what="Un ordenador mira las caras. Adivina: ¿esta cara parece alegre, triste o sorprendida?",
    child_no_picture="No hace fotos. No sabe cómo te llamas.",
    child_summary="Solo dice qué cara tenéis todos juntos. No dice nada solo de ti.",
    child_summary_one="Dice qué cara tienen las personas que hay aquí. Si estás solo aquí, lo dice de ti.",
    child_faces="Dice de cada cara qué parece. No dice de quién es la cara.",
    child_wrong="El ordenador se equivoca mucho. No te ponen notas por eso, ni te riñen.",
    child_led="Cuando la lucecita está encendida, la cámara está encendida.",
    child_ask="¿Tienes una pregunta? ¿No quieres esto? Habla con {contact}.",
)
