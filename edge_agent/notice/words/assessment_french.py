"""The draft of the assessment in French."""

from edge_agent.notice.words.assessment import AssessmentWords

FRENCH = AssessmentWords(
    thousands="\N{NO-BREAK SPACE}",
    title="Analyse d'impact relative à la protection des données : {name}",
    open="**[à compléter]**",
    draft="**Projet.** `edge-agent notice` (version {version}) l'a établi le {date} à partir des réglages dont "
    "l'empreinte est `{fingerprint}`. Il reprend ce que disent les réglages. {open} marque ce que seul le responsable "
    "du traitement peut dire. Ce n'est pas un conseil juridique, et une analyse n'est terminée que lorsque quelqu'un "
    "l'a évaluée.",
    sample="**Exemple.** La caméra de ces réglages est `{source}` : une simulation ou un enregistrement, pas une "
    "caméra en direct.",
    headings=(
        "Finalité et nécessité",
        "Responsable, sous-traitant, délégué",
        "Base juridique",
        "Personnes dans l'image",
        "Catégories de données",
        "Destinataires",
        "Durées de conservation",
        "Réglages déterminants",
        "Risques et mesures",
        "Information, droits et effacement",
        "Consultation et décision",
    ),
    purpose="Finalité : {purpose}",
    purpose_questions=(
        "Peut-on l'atteindre sans caméra, ou avec un questionnaire ?",
        "Peut-on l'atteindre avec des intervalles plus longs, un groupe plus grand ou moins de cours ?",
    ),
    parties_head=("rôle", "qui"),
    roles=(
        "responsable du traitement",
        "auteur de la déclaration",
        "sous-traitant, avec son contrat",
        "délégué à la protection des données",
        "questions et oppositions",
        "autorité de contrôle",
    ),
    no_declaration="Les réglages ne contiennent pas de déclaration. Sans elle, une caméra en direct ne démarre pas.",
    declared="Déclaré : la base `{basis}`, dans `{jurisdiction}`, dans le cadre `{setting}`.",
    basis_questions=("Loi et article :", "Qui a constaté qu'elle s'applique, et quand :"),
    recorded="L'appareil a enregistré cette déclaration le {date}. Son statut publie l'empreinte `{hash}`.",
    prohibition="L'article 5, paragraphe 1, point f), du règlement (UE) 2024/1689 (règlement sur l'IA) interdit les "
    "systèmes d'IA qui infèrent des émotions sur le lieu de travail et dans les établissements d'enseignement, sauf "
    "pour des raisons médicales ou de sécurité.",
    why_allowed="Pourquoi il ne s'oppose pas à cet usage :",
    duty_to_inform="L'article 50, paragraphe 3, du même règlement demande aux déployeurs d'un système de "
    "reconnaissance des émotions d'informer les personnes qui y sont exposées. L'article 50, paragraphe 5, dit quand : "
    "clairement, et au plus tard lors de la première exposition. Selon l'article 113, les deux s'appliquent à partir "
    "du 2 août 2026. Les affiches établies avec ce projet servent à cela. Elles sont placées là où les personnes les "
    "voient avant d'être dans l'image.",
    other_laws="En dehors de l'Espace économique européen, d'autres lois disent ce dont il faut informer les personnes "
    "et ce qui est interdit.",
    which_laws="Quelles lois ont été examinées :",
    people_questions=(
        "Qui est dans l'image, combien, de quel âge :",
        "Qui ne peut pas éviter la salle (visiteurs, personnel d'entretien, couloir derrière une porte ouverte) :",
    ),
    only_zones="Seules ces zones sont analysées : {names}.",
    left_out="Exclu : {names}.",
    unnamed_zone="une zone sans nom",
    whole_view="Toute l'image de la caméra est analysée : les réglages ne nomment aucune zone.",
    categories_head=("données", "contenu"),
    picture=("image", "dans la mémoire de l'appareil, environ une seconde ; jamais enregistrée, jamais envoyée"),
    figures=("chiffres du groupe", "à intervalle de {window} : nombre de visages, parts des expressions"),
    faces=(
        "événements de chaque visage",
        "un identifiant aléatoire, sans valeur après la session, l'expression, des probabilités, des heures",
    ),
    place=", l'endroit dans l'image",
    state=("état de l'appareil", "en ligne, version, caméra, température, problèmes ; aucune personne"),
    declaration=("déclaration", "la base et une empreinte par MQTT ; le nom reste sur l'appareil"),
    only_group="Rien sur un visage isolé ne quitte l'appareil.",
    group_of_one="Des chiffres sont envoyés même si une seule personne est dans l'image : `min_group` vaut 1.",
    small_groups="Avec moins de {min_group} personnes dans l'image, aucun chiffre n'est produit.",
    a_guess="Une expression est ce qu'un visage semble montrer, tel qu'un programme l'estime. Environ une estimation "
    "sur trois est fausse.",
    specially_protected="Si le droit d'ici y voit des données biométriques ou autrement sensibles :",
    recipients_head=("destinataire", "quoi"),
    broker=("broker", "{host}, port {port}, {way}. {answer}"),
    on_the_device="sur l'appareil",
    encrypted="chiffré (TLS)",
    not_encrypted="**non chiffré**",
    people="personnes",
    page=(
        "page de l'école",
        "les enseignants ne voient que leurs propres salles ; chaque consultation est inscrite au journal",
    ),
    home_assistant="prend les chiffres au broker ; durée de conservation : {open}",
    metrics="l'état de l'appareil au port {port}, pour {who}",
    collector="un collecteur sur l'appareil",
    everybody="**toute personne sur le réseau**",
    other_programs="autres programmes reliés au broker",
    retention_head=("lieu", "quoi", "combien de temps"),
    device="appareil",
    kept_picture=("image", "environ une seconde, en mémoire"),
    kept_events="événements et chiffres, dans {where}",
    in_memory="la mémoire, jusqu'à l'arrêt de l'appareil",
    after_delivery="{hours} après la remise",
    until_delivery="jusqu'à la remise",
    at_most=" ; si le broker est absent, au plus {rows} événements",
    or_megabytes=" ou {megabytes} Mo",
    kept_declarations=("`declarations.jsonl`, état « fermé »", "sans limite"),
    kept_audit=("`audit.log` : commandes et fermetures", "les quatre mégaoctets les plus récents"),
    kept_state=("état de l'appareil, son dernier signe de vie, son état demandé", "jusqu'à suppression"),
    kept_for_others=(
        "événements pour les programmes absents",
        "selon le fichier du broker : 14 jours dans celui de ce projet",
    ),
    page_name="page",
    kept_page="chiffres, consultations de salles, exports",
    backups=("sauvegardes", "de la page, du broker et des réglages"),
    check_says="`edge-agent check` dit lesquels ont changé depuis ce projet.",
    settings_head=("réglage", "valeur"),
    risks_head=("risque", "mesure", "ce qui reste"),
    risk_faces=(
        "**Des visages isolés sont publiés.** Qui connaît le plan de classe peut distinguer les enfants.",
        '`[privacy] level = "summary"` ne publie que le groupe.',
    ),
    risk_boxes=(
        "**L'endroit des visages est publié** : une place désigne un enfant.",
        "`[privacy] boxes = false`",
    ),
    risk_small=(
        "**Petits groupes** : des chiffres sont envoyés à partir de {min_group} personnes.",
        "`[privacy] min_group = {better}` ou plus",
    ),
    risk_member=(
        "**Un membre du groupe** : deux chiffres, avec et sans un enfant, disent quelque chose de lui.",
        "contrôle de la divulgation (`[privacy] blur = {blur}`) : les chiffres sont approximatifs, portent sur des "
        "périodes de {hold} ou plus et ne sont pas communiqués en dessous de seuils secrets",
    ),
    risk_exact=(
        "**Chiffres exacts** : deux d'entre eux, avec et sans un enfant, disent quelque chose de lui.",
        "`[privacy] blur = {blur}`, la valeur par défaut",
    ),
    risk_short=(
        "**Intervalles courts** : deux chiffres rapprochés, avec et sans un enfant, disent quelque chose de lui.",
        'un `[summary] window_s` plus long, un `min_group` plus grand, ou `[privacy] level = "summary"` avec `blur`',
    ),
    risk_plain=(
        "**Rien n'est chiffré** en chemin vers le broker : qui est sur le réseau peut lire.",
        "enregistrer l'appareil : `edge-agent enrol` définit `[mqtt.tls]`",
    ),
    risk_led=("**Personne ne voit si la caméra est ouverte.**", "un voyant à côté : `[led] name`"),
    risk_metrics=(
        "**L'état de l'appareil est ouvert au réseau**, sans mot de passe.",
        '`[metrics] address = "127.0.0.1"`',
    ),
    risk_home_assistant=(
        "**Home Assistant tient son propre historique**, qu'aucun réglage d'ici ne limite.",
        "limiter son enregistreur, ou `[home_assistant] enabled = false`",
    ),
    risks_of_all=(
        (
            "**Des résultats faux pris pour des faits** : environ un sur trois est faux, et pas aussi souvent pour "
            "toutes les personnes.",
            "personne n'est noté, puni ni diagnostiqué sur cette base ; `uncertain` est affiché ; les personnes qui "
            "voient les résultats sont formées",
        ),
        (
            "**Une pression** sur des personnes qui se savent observées.",
            "fermeture en dehors de la finalité ; les affiches ; les oppositions",
        ),
        (
            "**Un appareil volé.**",
            "aucune image dessus ; ce qu'il garde est dans la section 7 ; `edge-agent fleet revoke`",
        ),
        (
            "**Un inconnu au broker.**",
            "un compte par appareil et par programme, des règles d'accès, des certificats",
        ),
        (
            "**Des collègues curieux.**",
            "rôles : les enseignants ne voient que leurs propres salles ; la page note qui a regardé",
        ),
        (
            "**Un usage ultérieur à d'autres fins.**",
            "cette analyse ; l'enregistrement des déclarations ; le journal de la page",
        ),
    ),
    signs_say="Les affiches disent ce qui est fait, par qui, et où s'y opposer.",
    what_happens="Ce qui se passe dans cette salle quand quelqu'un s'y oppose :",
    erased_group="Les chiffres d'un groupe ne permettent pas de remonter à une personne ; ils sont donc effacés par "
    "salle et par période, pas par nom.",
    erased_faces="Les événements portent des identifiants aléatoires. Seul qui sait où chacun était assis, et quand, "
    "peut trouver ceux d'une personne ; ils sont donc effacés par salle et par période.",
    erasure="Effacement, lieu par lieu :",
    steps=(
        "1. D'abord fermer la caméra, sur la page ou au broker. Elle reste fermée jusqu'à ce que quelqu'un l'ouvre.",
        "avec votre compte",
        "2. Événements et chiffres sur l'appareil.",
        "3. La page, sur sa machine. Si elle n'est pas un service, la commande est : edge-agent dashboard erase.",
        "   La page de protection des données a un bouton pour cela. --from et --to indiquent une période.",
        "   Les exports sont les fichiers de ceux qui les ont faits ; le journal de la page dit qui.",
        "4. Ce que le broker garde de l'appareil ; cela met aussi fin à son accès.",
        "5. Sauvegardes : elles expirent comme le dit la section 7. Effacez-les plus tôt si la loi le demande.",
    ),
    decision_questions=(
        "Les élèves ont été entendus :",
        "Les parents ont été entendus :",
        "Le personnel ou ses représentants ont été entendus :",
        "Avis du délégué à la protection des données :",
        "L'autorité a été consultée, si le risque reste élevé :",
        "Décidé par qui, quand, jusqu'à quand :",
        "Ce qui y mettrait fin :",
    ),
)
