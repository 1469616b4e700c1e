"""The signs in French."""

from edge_agent.notice.words.catalogue import Words

FRENCH = Words(
    language="fr",
    seconds=("seconde", "secondes"),
    minutes=("minute", "minutes"),
    hours=("heure", "heures"),
    days=("jour", "jours"),
    bases={
        "consent": "consentement",
        "public_task": "mission d'intérêt public",
        "medical": "raisons médicales",
        "safety": "sécurité",
    },
    title="Dans cette salle, une caméra estime les expressions du visage par ordinateur",
    sample="Exemple : ces réglages désignent une simulation ou un enregistrement, pas une caméra en direct.",
    what="Ceci est un système de reconnaissance des émotions : une intelligence artificielle (IA) estime l'expression "
    "que les visages semblent montrer, par exemple joyeuse, triste ou surprise. Elle ne peut pas savoir ce qu'une "
    "personne ressent.",
    no_picture="Aucune image n'est enregistrée ni envoyée. Le système ne reconnaît l'identité de personne.",
    level_summary="Seuls des chiffres sur l'ensemble du groupe quittent l'appareil. Intervalle : {window}. Il faut au "
    "moins {min_group} personnes dans l'image.",
    level_summary_one="Seuls des chiffres sur les personnes dans l'image quittent l'appareil. Intervalle : {window}. "
    "Cela vaut aussi quand une seule personne est dans l'image.",
    level_faces="Pour chaque visage, l'appareil envoie l'expression qu'il semble montrer et le moment où elle change, "
    "avec un numéro aléatoire et sans nom. Il envoie aussi des chiffres sur le groupe. Intervalle : {window}.",
    boxes="Il envoie aussi l'endroit de l'image où se trouvait le visage.",
    watched="Seule une partie de l'image est analysée : {names}.",
    ignored="Une partie de l'image n'est pas analysée : {names}.",
    unnamed_zone="demandez à la personne indiquée ci-dessous",
    led="Le voyant à côté de la caméra est allumé tant que la caméra est ouverte.",
    wrong="Le résultat est souvent faux, environ une fois sur trois. Personne n'est noté, puni ni jugé sur cette base.",
    kept="L'appareil garde ce qu'il a envoyé. Durée : {kept}.",
    kept_memory="L'appareil garde ce qu'il a envoyé, au plus jusqu'à son arrêt. Durée : {kept}.",
    kept_not="L'appareil ne garde pas ce qu'il a envoyé.",
    rights="Vous pouvez demander ce qui est enregistré, vous y opposer et en demander l'effacement.",
    law="Cette affiche vous informe comme le demande l'article 50, paragraphe 3, du règlement (UE) 2024/1689 "
    "(règlement sur l'IA).",
    purpose="Finalité",
    basis="Base juridique",
    recipients="Qui voit les résultats",
    kept_elsewhere="Durée de conservation à l'école",
    closed="La caméra est fermée",
    controller="Responsable",
    contact="Questions et oppositions",
    officer="Délégué à la protection des données",
    authority="Réclamations aussi auprès de",
    made="Établi le {date} pour {device}",
    room="salle {room}",
    child_title="Il y a une caméra dans cette salle",
    child_what="Un ordinateur regarde les visages. Il devine : ce visage a-t-il l'air joyeux, triste ou surpris ?",
    child_no_picture="Il ne prend pas de photos. Il ne connaît pas ton nom.",
    child_summary="Il dit seulement de quoi vous avez l'air tous ensemble. Il ne dit rien sur toi en particulier.",
    child_summary_one="Il dit de quoi les personnes ici ont l'air. Si tu es seul ici, il le dit de toi.",
    child_faces="Il dit pour chaque visage de quoi il a l'air. Il ne dit pas à qui est le visage.",
    child_wrong="L'ordinateur se trompe souvent. Tu n'auras ni note ni ennuis à cause de lui.",
    child_led="Quand la petite lumière est allumée, la caméra est allumée.",
    child_ask="Tu as une question ? Tu ne veux pas cela ? Parles-en à {contact}.",
)
