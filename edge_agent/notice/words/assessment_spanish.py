"""The draft of the assessment in Spanish."""

from edge_agent.notice.words.assessment import AssessmentWords

SPANISH = AssessmentWords(
    thousands=".",
    title="Evaluación de impacto relativa a la protección de datos: {name}",
    open="**[por completar]**",
    draft="**Borrador.** `edge-agent notice` (versión {version}) lo hizo el {date} a partir de los ajustes con la "
    "huella `{fingerprint}`. Recoge lo que dicen los ajustes. {open} marca lo que solo puede responder el responsable "
    "del tratamiento. No es asesoramiento jurídico, y ninguna evaluación está terminada hasta que alguien la haya "
    "valorado.",
    sample="**Muestra.** La cámara de estos ajustes es `{source}`: una simulación o una grabación, no una cámara en "
    "directo.",
    headings=(
        "Finalidad y necesidad",
        "Responsable, encargado, delegado",
        "Base jurídica",
        "Personas en la imagen",
        "Categorías de datos",
        "Destinatarios",
        "Conservación",
        "Ajustes relevantes",
        "Riesgos y medidas",
        "Información, derechos y supresión",
        "Consulta y decisión",
    ),
    purpose="Finalidad: {purpose}",
    purpose_questions=(
        "¿Se podría alcanzar sin cámara o con un cuestionario?",
        "¿Se podría alcanzar con intervalos más largos, un grupo mayor o menos clases?",
    ),
    parties_head=("función", "quién"),
    roles=(
        "responsable del tratamiento",
        "quien hizo la declaración",
        "encargado del tratamiento, con su contrato",
        "delegado de protección de datos",
        "preguntas y oposición",
        "autoridad de control",
    ),
    no_declaration="En los ajustes no hay ninguna declaración. Sin ella no arranca una cámara en directo.",
    declared="Declarado: la base `{basis}`, en `{jurisdiction}`, en el ámbito `{setting}`.",
    basis_questions=("Ley y artículo:", "Quién comprobó que es válida, y cuándo:"),
    recorded="El dispositivo registró esta declaración el {date}. Su estado publica el hash `{hash}`.",
    prohibition="El artículo 5, apartado 1, letra f), del Reglamento (UE) 2024/1689 (Reglamento de IA) prohíbe los "
    "sistemas de IA que infieren emociones en lugares de trabajo y centros educativos, salvo por motivos médicos o de "
    "seguridad.",
    why_allowed="Por qué no se opone a este uso:",
    duty_to_inform="El artículo 50, apartado 3, del mismo Reglamento pide a los responsables del despliegue de un "
    "sistema de reconocimiento de emociones que informen a las personas expuestas a él. El artículo 50, apartado 5, "
    "dice cuándo: con claridad y a más tardar en la primera exposición. Según el artículo 113, ambos se aplican desde "
    "el 2 de agosto de 2026. Los carteles hechos con este borrador sirven para eso. Están donde las personas los ven "
    "antes de aparecer en la imagen.",
    other_laws="Fuera del Espacio Económico Europeo, otras leyes deciden de qué hay que informar a las personas y qué "
    "está prohibido.",
    which_laws="Qué leyes se han examinado:",
    people_questions=(
        "Quién está en la imagen, cuántas personas, de qué edad:",
        "Quién no puede evitar la sala (visitas, personal de limpieza, el pasillo tras una puerta abierta):",
    ),
    only_zones="Solo se analizan estas zonas: {names}.",
    left_out="Se excluye: {names}.",
    unnamed_zone="una zona sin nombre",
    whole_view="Se analiza toda la imagen de la cámara: los ajustes no nombran ninguna zona.",
    categories_head=("datos", "qué"),
    picture=("imagen", "en la memoria del dispositivo, cerca de un segundo; nunca se guarda, nunca se envía"),
    figures=("cifras del grupo", "a intervalos de {window}: número de caras, proporciones de expresiones"),
    faces=(
        "eventos de cada cara",
        "un identificador aleatorio que no significa nada tras la sesión, la expresión, probabilidades, horas",
    ),
    place=", el lugar en la imagen",
    state=("estado del dispositivo", "en línea, versión, cámara, temperatura, problemas; ninguna persona"),
    declaration=("declaración", "la base y un hash por MQTT; el nombre se queda en el dispositivo"),
    only_group="Nada sobre una cara individual sale del dispositivo.",
    group_of_one="También se envían cifras cuando hay una sola persona en la imagen: `min_group` es 1.",
    small_groups="Con menos de {min_group} personas en la imagen no se calculan cifras.",
    a_guess="Una expresión es lo que una cara parece mostrar, según la estimación de un programa. Cerca de una de cada "
    "tres estimaciones es errónea.",
    specially_protected="Si el derecho de aquí los considera datos biométricos o especialmente protegidos:",
    recipients_head=("destinatario", "qué"),
    broker=("broker", "{host}, puerto {port}, {way}. {answer}"),
    on_the_device="en el dispositivo",
    encrypted="cifrado (TLS)",
    not_encrypted="**sin cifrar**",
    people="personas",
    page=(
        "página de la escuela",
        "los docentes solo ven sus propias aulas; cada consulta queda registrada",
    ),
    home_assistant="toma las cifras del broker; su conservación: {open}",
    metrics="el estado del dispositivo en el puerto {port}, para {who}",
    collector="un recolector en el dispositivo",
    everybody="**cualquiera en la red**",
    other_programs="otros programas en el broker",
    retention_head=("lugar", "qué", "cuánto tiempo"),
    device="dispositivo",
    kept_picture=("imagen", "cerca de un segundo, en la memoria"),
    kept_events="eventos y cifras, en {where}",
    in_memory="la memoria, hasta que se apaga el dispositivo",
    after_delivery="{hours} después de la entrega",
    until_delivery="hasta la entrega",
    at_most="; si el broker está ausente, como máximo {rows} eventos",
    or_megabytes=" o {megabytes} MB",
    kept_declarations=("`declarations.jsonl`, estado «cerrada»", "sin límite"),
    kept_audit=("`audit.log`: órdenes y cierres", "los cuatro megabytes más recientes"),
    kept_state=("estado del dispositivo, su última señal de vida, su estado pedido", "hasta que se elimine"),
    kept_for_others=(
        "eventos para programas ausentes",
        "según el archivo del broker: 14 días en el que viene con este proyecto",
    ),
    page_name="página",
    kept_page="cifras, consultas de aulas, exportaciones",
    backups=("copias de seguridad", "de la página, el broker y los ajustes"),
    check_says="`edge-agent check` dice cuáles han cambiado desde este borrador.",
    settings_head=("ajuste", "valor"),
    risks_head=("riesgo", "medida", "lo que queda"),
    risk_faces=(
        "**Se publican caras individuales.** Quien conoce los asientos puede distinguir a los niños.",
        '`[privacy] level = "summary"` publica solo el grupo.',
    ),
    risk_boxes=(
        "**Se publica el lugar de las caras**: un asiento señala a un niño.",
        "`[privacy] boxes = false`",
    ),
    risk_small=(
        "**Grupos pequeños**: se envían cifras a partir de {min_group} personas.",
        "`[privacy] min_group = {better}` o más",
    ),
    risk_member=(
        "**Un miembro del grupo**: dos cifras, con un niño y sin él, dicen algo de él.",
        "control de divulgación (`[privacy] blur = {blur}`): las cifras son aproximadas, de periodos de {hold} o más, "
        "y no se muestran por debajo de umbrales secretos",
    ),
    risk_exact=(
        "**Cifras exactas**: dos de ellas, con un niño y sin él, dicen algo de él.",
        "`[privacy] blur = {blur}`, el valor por defecto",
    ),
    risk_short=(
        "**Intervalos cortos**: dos cifras muy seguidas, con un niño y sin él, dicen algo de él.",
        'un `[summary] window_s` más largo, un `min_group` mayor o `[privacy] level = "summary"` con `blur`',
    ),
    risk_plain=(
        "**Nada está cifrado** en el camino al broker: quien está en la red puede leerlo.",
        "inscribir el dispositivo: `edge-agent enrol` pone `[mqtt.tls]`",
    ),
    risk_led=("**Nadie ve si la cámara está abierta.**", "una luz a su lado: `[led] name`"),
    risk_metrics=(
        "**El estado del dispositivo está abierto a la red**, sin contraseña.",
        '`[metrics] address = "127.0.0.1"`',
    ),
    risk_home_assistant=(
        "**Home Assistant guarda su propio historial**, que ningún ajuste de aquí limita.",
        "limitar su registro, o `[home_assistant] enabled = false`",
    ),
    risks_of_all=(
        (
            "**Resultados erróneos tomados por hechos**: cerca de uno de cada tres es erróneo, y no con igual "
            "frecuencia para todas las personas.",
            "no se califica, sanciona ni diagnostica a nadie por ellos; se muestra `uncertain`; quienes los ven "
            "reciben formación",
        ),
        (
            "**Presión** sobre personas que saben que se las observa.",
            "cierre fuera de la finalidad; los carteles; la oposición",
        ),
        (
            "**Un dispositivo robado.**",
            "no contiene imágenes; lo que guarda está en la sección 7; `edge-agent fleet revoke`",
        ),
        (
            "**Un extraño en el broker.**",
            "una cuenta para cada dispositivo y programa, reglas de acceso, certificados",
        ),
        (
            "**Colegas curiosos.**",
            "funciones: los docentes solo ven sus propias aulas; la página registra quién miró",
        ),
        (
            "**Uso posterior para otra finalidad.**",
            "esta evaluación; el registro de declaraciones; el registro de la página",
        ),
    ),
    signs_say="Los carteles dicen qué se hace, quién lo hace y dónde oponerse.",
    what_happens="Qué pasa en esta sala cuando alguien se opone:",
    erased_group="Las cifras de un grupo no permiten llegar a una persona; por eso se borran por sala y tiempo, no por "
    "nombre.",
    erased_faces="Los eventos llevan identificadores aleatorios. Solo quien sabe quién se sentó dónde y cuándo puede "
    "encontrar los de una persona; por eso se borran por sala y tiempo.",
    erasure="Supresión, lugar por lugar:",
    steps=(
        "1. Primero cierre la cámara, en la página o en el broker. Queda cerrada hasta que alguien la abra.",
        "con su cuenta",
        "2. Eventos y cifras en el dispositivo.",
        "3. La página, en su máquina. Si no es un servicio, la orden es: edge-agent dashboard erase.",
        "   La página de protección de datos tiene un botón para lo mismo. --from y --to indican un periodo.",
        "   Las exportaciones son archivos de quien las hizo; el registro de la página dice quién.",
        "4. Lo que el broker guarda del dispositivo; esto también pone fin a su acceso.",
        "5. Copias de seguridad: caducan como dice la sección 7. Bórrelas antes si la ley lo pide.",
    ),
    decision_questions=(
        "Se ha oído al alumnado:",
        "Se ha oído a las familias:",
        "Se ha oído al personal o a sus representantes:",
        "Consejo del delegado de protección de datos:",
        "Se ha consultado a la autoridad, si el riesgo sigue siendo alto:",
        "Decidido por quién, cuándo, hasta cuándo:",
        "Qué le pondría fin:",
    ),
)
